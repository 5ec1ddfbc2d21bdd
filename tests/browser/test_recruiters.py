"""Coming from a recruiter and going back, in a real browser; the recruiters' own pages are stood in for."""

from datetime import timedelta
from urllib.parse import parse_qs, quote

import pytest
from django.utils import timezone

from study.models import Answer, Participant, ParticipantState, Slot
from study.services.slots import sweep_leases

AMAZON = "https://worker.mturk.com/projects/1"
SUBMIT = "https://www.mturk.com/mturk/externalSubmit"


def finish(visitor):
    for number in (1, 2, 3):
        visitor.wait_for_trial(number)
        visitor.answer(text="wing", confidence=3)
    visitor.page.get_by_role("heading", name="Thank you!").wait_for()


@pytest.fixture
def prolific(visitor):
    """Prolific's completion page, and the addresses that were opened on it."""
    opened = []

    def answer(route):
        opened.append(route.request.url)
        route.fulfill(content_type="text/html", body="<h1>Prolific</h1>")

    visitor.page.context.route("https://app.prolific.com/**", answer)
    return opened


def test_prolific_there_and_back(visitor, study, prolific):
    visitor.page.clock.install()
    visitor.page.goto(f"{study.get_absolute_url()}?PROLIFIC_PID=p1&STUDY_ID=s1&SESSION_ID=x1")
    visitor.page.get_by_role("button", name="I agree, start").click()
    visitor.page.get_by_role("button", name="Start").click()
    finish(visitor)
    participant = Participant.objects.get()
    assert participant.state == ParticipantState.COMPLETED  # stored before anybody is sent away
    assert visitor.page.locator("#completion-code").inner_text() == "BIRDS-42"
    visitor.page.get_by_text("Otherwise this happens by itself").wait_for()  # shown by the page's script
    assert prolific == []
    visitor.page.clock.run_for(61_000)
    visitor.page.get_by_role("heading", name="Prolific").wait_for()
    assert prolific == ["https://app.prolific.com/submissions/complete?cc=BIRDS-42"]

    visitor.page.goto(participant.get_absolute_url())  # a later visit shows the code, and sends nobody away by itself
    assert visitor.page.locator("#completion-code").inner_text() == "BIRDS-42"
    assert not visitor.page.get_by_text("Otherwise this happens by itself").is_visible()
    visitor.page.clock.run_for(120_000)
    assert len(prolific) == 1
    visitor.page.get_by_role("link", name="Finish and go back").click()
    visitor.page.get_by_role("heading", name="Prolific").wait_for()
    assert len(prolific) == 2


def test_whoever_wants_to_stay_stays(visitor, study, prolific):
    visitor.page.clock.install()
    visitor.page.goto(f"{study.get_absolute_url()}?PROLIFIC_PID=p1")
    visitor.page.get_by_role("button", name="I agree, start").click()
    visitor.page.get_by_role("button", name="Start").click()
    finish(visitor)
    visitor.page.get_by_role("button", name="Stay on this page").click()
    visitor.page.clock.run_for(120_000)
    assert prolific == []
    assert visitor.page.get_by_role("heading", name="Thank you!").is_visible()


def show_in_frame(page, outer, inner):
    """Open a page of another site that shows ours in a frame; return the frame's content."""
    page.context.route(
        outer, lambda route: route.fulfill(content_type="text/html", body=f'<iframe src="{inner}" name="hit"></iframe>')
    )
    page.goto(outer)
    return page.frame_locator("iframe")


def test_a_worker_of_mechanical_turk_previews_works_and_hands_in(open_visitor, study, live_server):
    visitor = open_visitor(complaints_are_expected=True)
    page = visitor.page
    entry = f"{live_server.url}{study.get_absolute_url()}"
    frame = show_in_frame(page, f"{AMAZON}/preview", f"{entry}?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=H1")
    frame.get_by_text("This is a preview").wait_for()
    assert frame.get_by_role("button", name="I agree, start").count() == 0
    assert not Participant.objects.exists()

    handed_in = []

    def take(route):
        handed_in.append(parse_qs(route.request.post_data))
        route.fulfill(content_type="text/html", body="<h1>Thanks from Amazon</h1>")

    page.context.route(SUBMIT, take)
    submit_to = quote("https://www.mturk.com", safe="")
    link = f"{entry}?assignmentId=A1&hitId=H1&workerId=W1&turkSubmitTo={submit_to}"
    frame = show_in_frame(page, AMAZON, link)
    frame.get_by_role("button", name="I agree, start").click()
    frame.get_by_role("button", name="Start").click()
    for number in (1, 2, 3):
        frame.locator(".progress-text", has_text=f"{number} of ").wait_for()
        frame.locator("[data-pictures][data-state=ready]").wait_for()
        frame.get_by_label("One or two words").fill("wing")
        frame.get_by_text("Sure", exact=True).click()
        frame.get_by_role("button", name="Next", exact=True).click()
    frame.get_by_role("button", name="Finish and go back").click()
    frame.get_by_role("heading", name="Thanks from Amazon").wait_for()
    assert handed_in == [{"assignmentId": ["A1"], "outcome": ["completed"], "code": ["BIRDS-42"]}]
    assert Participant.objects.get().state == ParticipantState.COMPLETED


def test_no_other_site_shows_our_pages_in_a_frame(open_visitor, study, live_server):
    page = open_visitor(complaints_are_expected=True).page
    entry = f"{live_server.url}{study.get_absolute_url()}"
    show_in_frame(page, "https://example.org/", f"{entry}?assignmentId=A1&hitId=H1&workerId=W1")
    page.wait_for_timeout(500)
    assert "Welcome" not in page.frames[1].content()
    show_in_frame(page, f"{AMAZON}/other", entry)  # not even Amazon, for somebody who comes by the open link
    page.wait_for_timeout(500)
    assert "Welcome" not in page.frames[1].content()


def test_the_link_is_the_authority_and_the_cookie_only_helps(visitor, study):
    visitor.consent(study)
    visitor.page.goto(study.get_absolute_url())
    visitor.page.get_by_role("link", name="Go on where you were").click()
    visitor.page.context.clear_cookies()
    visitor.page.get_by_role("button", name="Start").click()
    finish(visitor)
    assert Participant.objects.get().state == ParticipantState.COMPLETED


@pytest.mark.parametrize("taken", [False, True], ids=["nobody took the place", "somebody took the place"])
def test_a_late_returner_goes_on_and_finishes(visitor, study, taken):
    late = visitor.start(study)
    visitor.answer(text="wing", confidence=4)
    visitor.wait_for_trial(2)
    Slot.objects.filter(holder=late).update(lease_expires_at=timezone.now() - timedelta(hours=2))
    assert sweep_leases(now=timezone.now()) == 1
    late.refresh_from_db()
    assert late.state == ParticipantState.TIMED_OUT
    if taken:
        other = visitor.page.context.browser.new_page(base_url=visitor.page.url.split("/p/")[0])
        other.goto(study.get_absolute_url())
        other.get_by_role("button", name="I agree, start").click()
        other.get_by_role("heading", name="How it works").wait_for()
        other.close()
    visitor.answer(text="tail", confidence=4)  # the page had been open for two hours
    visitor.wait_for_trial(3)
    visitor.answer(text="legs", confidence=4)
    visitor.page.get_by_role("heading", name="Thank you!").wait_for()
    late.refresh_from_db()
    assert (late.state, late.timed_out_at is not None) == (ParticipantState.COMPLETED, True)
    assert Slot.objects.filter(holder=late).exists() is not taken
    assert list(Answer.objects.filter(trial__participant=late).values_list("text", flat=True)[::-1]) == [
        "wing",
        "tail",
        "legs",
    ]


def test_an_open_page_keeps_the_place(visitor, study):
    visitor.page.clock.install()
    participant = visitor.consent(study)
    soon = timezone.now() + timedelta(minutes=2)
    Slot.objects.filter(holder=participant).update(lease_expires_at=soon)
    with visitor.page.expect_response("**/heartbeat/") as beat:
        visitor.page.clock.run_for(61_000)
    assert beat.value.status == 204
    assert Slot.objects.get(holder=participant).lease_expires_at > soon + timedelta(minutes=20)


def test_pictures_ahead_are_tried_again_and_their_progress_is_shown(open_visitor, study):
    visitor = open_visitor(complaints_are_expected=True)
    failed = set()

    def fail_once(route):
        if route.request.url in failed:
            route.continue_()
        else:
            failed.add(route.request.url)
            route.abort()

    visitor.page.route("**/stimuli/**", fail_once)
    visitor.consent(study)
    visitor.page.get_by_text("Pictures loaded: 18 of 18").wait_for(timeout=30_000)
    assert len(failed) == 18
    visitor.page.get_by_role("button", name="Start").click()
    visitor.wait_for_trial(1)


def test_the_progress_of_a_trials_own_pictures_is_shown(visitor, study):
    visitor.consent(study)
    held = []
    visitor.page.context.route("**/stimuli/**", lambda route: held.append(route))
    visitor.page.get_by_role("button", name="Start").click()
    visitor.page.locator("#reason", has_text="The pictures are loading: 0 of 6.").wait_for()
    assert visitor.page.get_by_role("button", name="Next").get_attribute("aria-disabled") == "true"
    visitor.page.wait_for_timeout(300)
    for route in held:
        route.continue_()
    visitor.wait_for_trial(1)
