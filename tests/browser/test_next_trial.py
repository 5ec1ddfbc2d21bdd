"""The next trial takes the place of the one before on the same page."""

from study.models import Answer, AnswerKind


def stay(page):
    """Leave a mark that goes when the browser loads another page."""
    page.evaluate("window.stayed = true")


def stayed(page):
    return page.evaluate("window.stayed === true")


def test_the_next_trial_needs_no_other_page(visitor, study):
    participant = visitor.start(study)
    page = visitor.page
    stay(page)
    requests = []
    page.on("request", lambda request: requests.append((request.method, request.resource_type)))
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    assert stayed(page)
    assert [kind for kind in requests if kind[1] in {"document", "fetch", "script"}] == [("POST", "fetch")]
    assert page.url.endswith(participant.get_absolute_url())
    assert page.title().startswith("Group 2 of 3")
    assert page.evaluate("document.activeElement === document.querySelector('h1')")
    assert page.evaluate("window.scrollY") == 0
    assert page.get_by_label("One or two words").input_value() == ""
    assert page.get_by_role("button", name="Next").get_attribute("aria-disabled") == "true"

    visitor.answer(text="beak", confidence=5)
    visitor.wait_for_trial(3)
    assert stayed(page)
    page.reload()
    visitor.wait_for_trial(3)
    assert not stayed(page)
    assert [trial.serves for trial in participant.trials.order_by("position")] == [1, 1, 2]
    visitor.answer(text=None, confidence=2)
    page.get_by_role("heading", name="Thank you!").wait_for()


def test_every_trial_has_its_own_measurements(visitor, study):
    visitor.start(study)
    page = visitor.page
    page.wait_for_timeout(1500)
    page.get_by_role("link", name="Picture 2").click()
    page.keyboard.press("Escape")
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    stay(page)
    visitor.answer(text="beak", confidence=5)
    visitor.wait_for_trial(3)
    assert stayed(page)
    first, second = Answer.objects.order_by("trial__position")
    assert first.reaction_time_ms >= 1500 > second.reaction_time_ms
    assert (first.input_details["enlarged_count"], second.input_details["enlarged_count"]) == (1, 0)
    assert 0 <= second.input_details["pictures_loaded_ms"] < 1500


def test_keys_and_enlarging_work_in_the_next_trial(visitor, study):
    visitor.start(study)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    page = visitor.page
    page.get_by_role("link", name="Picture 3").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_text("Picture 3 of 6").is_visible()
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    page.keyboard.press("2")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    visitor.wait_for_trial(3)
    second = Answer.objects.order_by("trial__position")[1]
    assert (second.kind, second.confidence) == (AnswerKind.NO_COMMON_PART, 2)
    assert second.input_details["enlarged_count"] == 1


def test_pictures_fit_when_the_window_changes(visitor, study):
    visitor.start(study)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    picture = visitor.page.get_by_role("img", name="Picture 1").first
    before = picture.bounding_box()["height"]
    visitor.page.set_viewport_size({"width": 1000, "height": 500})
    visitor.page.wait_for_timeout(200)
    assert picture.bounding_box()["height"] < before


def test_a_response_that_breaks_off_leads_to_the_page(open_visitor, study):
    """The answer is stored; what comes next is asked for again."""
    visitor = open_visitor(complaints_are_expected=True)
    visitor.start(study)
    page = visitor.page
    stay(page)
    page.evaluate("() => { Response.prototype.text = () => Promise.reject(new TypeError('the connection broke off')) }")
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    assert not stayed(page)
    assert Answer.objects.get().text == "wing"
