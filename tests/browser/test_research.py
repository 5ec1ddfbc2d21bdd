"""The researchers' pages in a real browser: from the sign-in to a launched study, and the monitor that refreshes."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db.models import F
from django.urls import reverse

from study.models import Answer, Membership, Pregeneration, PregenerationState, Role, Study, StudyState
from study.services.pregenerations import claim_pregeneration, finish_pregeneration
from study.services.runs import import_run

PASSWORD = "a password for tests only"


@pytest.fixture
def ada(live_server):
    return get_user_model().objects.create_superuser("ada", password=PASSWORD)


def sign_in(page):
    page.goto("/research/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Your studies").wait_for()


def test_seven_clicks_from_the_sign_in_to_a_launched_study(visitor, ada, settings, tmp_path, run_directory):
    """The clicks that docs/study.md counts; the worker's part is done by hand, with a run that is there already."""
    settings.MEDIA_ROOT = tmp_path
    page = visitor.page
    sign_in(page)
    page.get_by_role("link", name="New study").click()
    page.get_by_label("Title, as participants read it").fill("Dogs")
    page.get_by_label("Link").fill("dogs")
    page.get_by_label("Contact").fill("ada@example.org")
    page.get_by_role("button", name="Create draft").click()
    page.get_by_text("The design is valid.").wait_for()
    page.get_by_role("link", name="Stimuli", exact=True).click()
    page.get_by_role("button", name="Ask for summaries").click()
    page.get_by_text("If none runs").wait_for()
    asked = Pregeneration.objects.get()
    running = claim_pregeneration(asked.pk, asked.attempt)
    finish_pregeneration(
        running, PregenerationState.SUCCEEDED, run=import_run(Study.objects.get(slug="dogs"), run_directory).run
    )
    page.get_by_text("The stimuli are in the study").wait_for()  # the page found out by itself
    page.get_by_role("link", name="Launch", exact=True).click()
    page.get_by_role("button", name="Launch the study").click()
    page.get_by_role("button", name="Pause: let nobody new in").wait_for()
    assert Study.objects.get(slug="dogs").state == StudyState.RUNNING


def test_the_design_is_checked_while_it_is_edited(visitor, ada, settings, tmp_path, study):
    page = visitor.page
    sign_in(page)
    page.goto(reverse("research:design", args=[study.slug]))
    page.get_by_text("The design is valid.").wait_for()
    page.get_by_label("Trials", exact=True).first.fill("900")
    page.get_by_text("less than or equal to 500").wait_for()
    page.get_by_label("Trials", exact=True).first.fill("3")
    page.get_by_text("The design is valid.").wait_for()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_monitor_shows_new_answers_without_a_reload(open_visitor, ada, study, width):
    somebody = open_visitor()
    researcher = open_visitor(viewport={"width": width, "height": 900})
    Membership.objects.create(study=study, user=ada, role=Role.ADMINISTRATOR)
    sign_in(researcher.page)
    researcher.page.goto(reverse("research:monitor", args=[study.slug]))
    answers = researcher.page.locator("[data-part=numbers] .tile", has_text=re.compile("^answers")).locator(".big")
    assert answers.inner_text() == "0"
    marked = "document.querySelector('[data-part=cells]').dataset.mark = 'kept'"
    researcher.page.evaluate(marked)
    somebody.start(study)
    somebody.answer(text="beak", confidence=4)
    somebody.wait_for_trial(2)
    Answer.objects.update(answered_at=F("answered_at") - timedelta(seconds=10))
    researcher.page.evaluate(
        "document.dispatchEvent(new Event('visibilitychange'))"
    )  # instead of waiting for the clock
    researcher.page.locator("[data-part=numbers] .big", has_text=re.compile("^1$")).first.wait_for()
    assert answers.inner_text() == "1"
    assert researcher.page.locator("[data-part=cells]").get_attribute("data-mark") == "kept"
    wide = researcher.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide


def test_the_admin_and_the_second_step_run_under_their_content_policies(visitor, ada, study):
    """The browser reports what a policy has stopped; the admin's scripts run, and its menus answer."""
    page = visitor.page
    stopped = []
    page.on("console", lambda message: stopped.append(message.text) if "Content Security Policy" in message.text else 0)
    page.on("pageerror", lambda error: stopped.append(str(error)))
    sign_in(page)
    for path in ("/admin/", "/admin/study/study/", f"/admin/study/study/{study.pk}/change/"):
        page.goto(path)
        page.wait_for_function("window.Alpine !== undefined")
    page.goto(reverse("research:second-step"))
    assert page.locator("svg.segno").bounding_box()["width"] > 150
    assert stopped == []
