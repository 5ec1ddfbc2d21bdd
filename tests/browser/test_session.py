"""A participant's way through a study, in a real browser."""

import pytest

from study.models import Answer, AnswerKind, Event, Participant, ParticipantState


def answers_of(participant):
    return list(Answer.objects.filter(trial__participant=participant).order_by("trial__position"))


def test_whole_session_on_a_desktop(visitor, study):
    participant = visitor.start(study)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    visitor.answer(text=None, confidence=1)
    visitor.wait_for_trial(3)
    visitor.answer(text="  tail feathers ", confidence=5)
    visitor.page.get_by_role("heading", name="Thank you!").wait_for()
    assert visitor.page.locator("#completion-code").inner_text() == "BIRDS-42"
    participant.refresh_from_db()
    assert participant.state == ParticipantState.COMPLETED
    assert [(answer.kind, answer.text, answer.confidence) for answer in answers_of(participant)] == [
        (AnswerKind.NAMED, "wing", 4),
        (AnswerKind.NO_COMMON_PART, "", 1),
        (AnswerKind.NAMED, "tail feathers", 5),
    ]
    assert [trial.serves for trial in participant.trials.all()] == [1, 1, 1]  # fetching is not a second serving


def test_reaction_time_is_measured_from_the_painted_pictures(visitor, study):
    participant = visitor.start(study)
    visitor.page.wait_for_timeout(700)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    answer = answers_of(participant)[0]
    assert 700 <= answer.reaction_time_ms <= answer.server_time_ms
    assert answer.input_details["viewport_width"] == 1440
    assert answer.input_details["input_type"] == "mouse"
    assert answer.input_details["pictures_loaded_ms"] >= 0
    assert answer.input_details["paste_count"] == 0


def test_keyboard_alone(visitor, study):
    visitor.page.goto(study.get_absolute_url())
    press_until_focused(visitor.page, "I agree, start")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("heading", name="How it works").wait_for()
    press_until_focused(visitor.page, "Start")
    visitor.page.keyboard.press("Enter")
    visitor.wait_for_trial(1)
    keyboard = visitor.page.keyboard

    press_until_focused(visitor.page, "One or two words")
    keyboard.type("n1 wing")  # letters and digits in the field are text, not commands
    keyboard.press("Enter")  # incomplete: moves on to what is missing instead of sending
    assert visitor.page.evaluate("document.activeElement.name") == "confidence"
    keyboard.press("4")
    keyboard.press("Enter")
    visitor.wait_for_trial(2)

    keyboard.press("n")
    keyboard.press("2")
    keyboard.press("Enter")
    visitor.wait_for_trial(3)

    keyboard.press("n")
    keyboard.press("n")  # undo
    assert visitor.page.get_by_label("One or two words").is_enabled()
    press_until_focused(visitor.page, "Turn keys off")
    keyboard.press("Enter")
    keyboard.press("n")
    assert not visitor.page.get_by_role("checkbox", name="No common part").is_checked()

    stored = [(answer.kind, answer.text, answer.confidence) for answer in Answer.objects.order_by("trial__position")]
    assert stored == [(AnswerKind.NAMED, "n1 wing", 4), (AnswerKind.NO_COMMON_PART, "", 2)]


def press_until_focused(page, name):
    """Press Tab until the element of that name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
        if focused == name:
            return
    pytest.fail(f"Tab never reached {name!r}")


def test_without_javascript(open_visitor, study):
    page = open_visitor(java_script_enabled=False, complaints_are_expected=True).page  # the browser reports the 422
    page.goto(study.get_absolute_url())
    page.get_by_role("button", name="I agree, start").click()
    page.get_by_role("button", name="Start").click()

    page.get_by_role("button", name="Next").click()  # nothing filled in: the server says what is missing
    assert "one or two words" in page.get_by_role("alert").inner_text()
    page.get_by_label("One or two words").fill("wing")
    page.get_by_role("button", name="Next").click()
    assert page.get_by_label("One or two words").input_value() == "wing"  # kept although something was missing
    page.get_by_text("Sure", exact=True).click()
    page.get_by_role("button", name="Next").click()

    page.locator(".progress-text", has_text="2 of 3").wait_for()
    page.get_by_text("No common part", exact=True).click()
    page.get_by_text("Certain", exact=True).click()
    page.get_by_role("button", name="Next").click()

    page.locator(".progress-text", has_text="3 of 3").wait_for()
    page.get_by_label("One or two words").fill("tail")
    page.get_by_text("Guessing", exact=True).click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    stored = [(answer.kind, answer.text, answer.confidence) for answer in Answer.objects.order_by("trial__position")]
    assert stored == [
        (AnswerKind.NAMED, "wing", 4),
        (AnswerKind.NO_COMMON_PART, "", 5),
        (AnswerKind.NAMED, "tail", 1),
    ]
    assert set(Answer.objects.values_list("reaction_time_ms", flat=True)) == {None}


def test_reload_shows_the_same_trial(visitor, study):
    participant = visitor.start(study)
    before = visitor.page.locator("[data-pictures] img").evaluate_all("images => images.map(image => image.src)")
    visitor.page.reload()
    visitor.wait_for_trial(1)
    after = visitor.page.locator("[data-pictures] img").evaluate_all("images => images.map(image => image.src)")
    assert after == before
    assert participant.trials.get(position=1).reloads == 1


def test_back_after_answering_is_harmless(visitor, study):
    visitor.start(study)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    visitor.page.go_back()
    visitor.page.goto(Participant.objects.get().get_absolute_url())
    visitor.wait_for_trial(2)
    assert Answer.objects.count() == 1


def test_double_click_stores_one_answer(visitor, study):
    visitor.start(study)
    visitor.fill_in(text="wing", confidence=4)
    visitor.page.get_by_role("button", name="Next", exact=True).dblclick()
    visitor.wait_for_trial(2)
    assert Answer.objects.count() == 1


def test_a_second_tab_goes_on_and_the_first_one_says_so(visitor, study):
    participant = visitor.start(study)
    first, second = visitor.page, visitor.page.context.new_page()
    visitor.fill_in(text="wing", confidence=4)
    second.goto(first.url)
    second.get_by_role("status").filter(has_text="another tab").wait_for()
    notice = first.get_by_role("dialog", name="The study is open in another tab")
    notice.wait_for()
    assert "Your answers are safe" in notice.inner_text()
    first.keyboard.press("Escape")  # the notice stays: this tab rests
    assert notice.is_visible()
    first.evaluate("document.querySelector('[data-answer]').requestSubmit()")
    assert not Answer.objects.exists()

    second.locator("#reason", has_text="Write one or two words").wait_for()
    second.get_by_label("One or two words").fill("tail")
    second.get_by_text("Sure", exact=True).click()
    second.get_by_role("button", name="Next", exact=True).click()
    second.locator(".progress-text", has_text="2 of 3").wait_for()
    assert list(Answer.objects.values_list("text", flat=True)) == ["tail"]

    first.get_by_role("button", name="Use this tab instead").click()
    visitor.wait_for_trial(2)
    second.get_by_role("dialog", name="The study is open in another tab").wait_for()
    assert participant.events.filter(kind="second-tab").exists()


def test_leaving_a_page_and_coming_back_is_no_second_tab(visitor, study):
    participant = visitor.start(study)
    page = visitor.page
    for _ in range(3):
        page.get_by_role("link", name="Withdraw").click()
        page.get_by_role("link", name="Stay in the study").click()
        visitor.wait_for_trial(1)
        page.reload()
        visitor.wait_for_trial(1)
        page.goto(page.url)
        visitor.wait_for_trial(1)
    page.wait_for_timeout(600)
    assert not page.get_by_role("dialog").is_visible()
    assert page.locator("[data-tab-here]").is_hidden()
    assert not participant.events.filter(kind="second-tab").exists()


def test_a_page_in_the_back_forward_cache_is_no_second_tab_until_it_is_back(visitor, study):
    visitor.start(study)
    first, second = visitor.page, visitor.page.context.new_page()
    first.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    second.goto(first.url)
    second.locator(".progress-text", has_text="1 of 3").wait_for()
    second.wait_for_timeout(600)
    assert second.locator("[data-tab-here]").is_hidden()
    assert not first.get_by_role("dialog").is_visible()
    first.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    second.get_by_role("dialog", name="The study is open in another tab").wait_for()
    first.get_by_role("status").filter(has_text="another tab").wait_for()


def test_an_old_page_sent_from_a_second_tab_changes_nothing(open_visitor, study):
    """Without JavaScript nothing stops a second tab; the nonce does."""
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.page
    page.goto(study.get_absolute_url())
    page.get_by_role("button", name="I agree, start").click()
    page.get_by_role("button", name="Start").click()
    second = page.context.new_page()
    second.goto(page.url)
    for tab, text in ((page, "wing"), (second, "tail")):
        tab.get_by_label("One or two words").fill(text)
        tab.get_by_text("Sure", exact=True).click()
        tab.get_by_role("button", name="Next").click()
        tab.locator(".progress-text", has_text="2 of 3").wait_for()
    assert list(Answer.objects.values_list("text", flat=True)) == ["wing"]


def test_answer_survives_a_lost_connection(open_visitor, study):
    visitor = open_visitor(complaints_are_expected=True)  # the browser reports the failed request
    visitor.start(study)
    visitor.fill_in(text="wing", confidence=4)
    visitor.page.context.set_offline(True)
    visitor.press_next()
    alert = visitor.page.get_by_role("alert").filter(visible=True)
    alert.wait_for()
    assert "could not save" in alert.inner_text()
    assert visitor.page.get_by_label("One or two words").input_value() == "wing"
    assert Answer.objects.count() == 0
    visitor.page.wait_for_timeout(500)
    visitor.page.context.set_offline(False)
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.wait_for_trial(2)
    answer = Answer.objects.get()
    assert (answer.text, answer.confidence) == ("wing", 4)
    assert answer.server_time_ms - answer.reaction_time_ms > 500  # the wait for the network is not thinking time


def test_pictures_that_do_not_arrive_can_be_loaded_again(open_visitor, study):
    visitor = open_visitor(complaints_are_expected=True)
    visitor.consent(study)
    visitor.page.route("**/stimuli/**", lambda route: route.abort())
    visitor.page.get_by_role("button", name="Start").click()
    retry = visitor.page.get_by_role("button", name="Load again")
    retry.wait_for()
    visitor.fill_in(text="wing", confidence=4)
    assert visitor.page.get_by_role("button", name="Next").get_attribute("aria-disabled") == "true"
    visitor.page.unroute("**/stimuli/**")
    retry.click()
    visitor.page.locator("[data-pictures][data-state=ready]").wait_for()
    visitor.press_next()
    visitor.wait_for_trial(2)
    assert Answer.objects.get().text == "wing"


def test_leaving_pasting_and_enlarging_are_recorded(visitor, study):
    participant = visitor.start(study)
    visitor.page.evaluate("window.dispatchEvent(new Event('blur'))")
    visitor.page.wait_for_timeout(100)
    visitor.page.evaluate("window.dispatchEvent(new Event('focus'))")
    visitor.page.get_by_role("link", name="Picture 2").click()
    visitor.page.keyboard.press("Escape")
    visitor.page.evaluate(
        """() => {
          const clipboard = new DataTransfer();
          clipboard.setData("text", "wing");
          const paste = new ClipboardEvent("paste", {clipboardData: clipboard, bubbles: true});
          document.getElementById("answer-text").dispatchEvent(paste);
        }"""
    )
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    details = Answer.objects.get().input_details
    assert details["blur_count"] == 1
    assert details["blur_ms"] >= 100
    assert details["paste_count"] == 1
    assert details["enlarged_count"] == 1
    kinds = set(Event.objects.filter(participant=participant).values_list("kind", flat=True))
    assert {"blur", "focus", "paste", "enlarge", "pictures-loaded"} <= kinds


def test_withdrawing_deletes_the_answers(visitor, study):
    visitor.start(study)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    visitor.page.get_by_role("link", name="Withdraw from the study").click()
    visitor.page.get_by_role("button", name="Withdraw and delete my answers").click()
    visitor.page.get_by_role("heading", name="You have withdrawn").wait_for()
    assert Answer.objects.count() == 0
    assert Participant.objects.get().state == ParticipantState.WITHDRAWN


def test_pictures_of_the_next_trial_are_there_before_it(visitor, study):
    requested = []
    visitor.page.on("request", lambda request: requested.append(request.url))
    visitor.start(study)
    visitor.page.wait_for_load_state("networkidle")
    before = set(requested)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    shown = visitor.page.locator("[data-pictures] img").evaluate_all("images => images.map(image => image.currentSrc)")
    assert all(address.endswith(".webp") for address in shown)
    assert len(shown) == 6
    assert set(shown) <= before
