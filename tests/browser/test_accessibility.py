"""Every participant page, in every language, through axe-core; and a way out on every one of them."""

import pytest

from study.comprehension import NAMING_QUESTIONS
from study.models import Participant
from study.services.completion import mark_returned
from tests.browser.inspector import Inspector

PAGES = 17


@pytest.fixture
def full_study(study):
    """A study with practice, comprehension questions, two languages, and codes for every end."""
    study.blocks[0]["practice"] = ["beak"]
    study.comprehension = True
    study.other_languages = ["it"]
    study.contact = "lab@example.org"
    study.completion_codes = {"completed": "BIRDS-42", "screened_out": "SCREENED", "over_quota": "FULL"}
    study.save()
    return study


def answer_comprehension(page, *, rightly):
    for question in NAMING_QUESTIONS:
        wrong = next(key for key in question.options if key != question.right)
        page.locator(f"input[name={question.key}][value={question.right if rightly else wrong}]").check()
    page.locator("main form button").click()


def answer_trial(page, text):
    # Timing has begun once the form says what is missing; before that, words and pictures may still move.
    first_missing = page.locator("[data-missing]").first.get_attribute("data-missing")
    page.locator("#reason", has_text=first_missing).wait_for()
    page.locator("#answer-text").fill(text)
    page.locator("label[for=confidence-4]").click()
    page.locator("#confidence-4:checked").wait_for(state="attached")
    page.locator(".answer [type=submit]").click()


@pytest.mark.parametrize(("language", "viewport"), [("en", (1440, 900)), ("it", (390, 844))])
def test_axe_finds_nothing_on_any_page(open_visitor, full_study, language, viewport):
    size = {"width": viewport[0], "height": viewport[1]}
    page = open_visitor(viewport=size, locale=language, complaints_are_expected=True).page
    inspector = Inspector(page, language)
    inspect = inspector.inspect
    entry = full_study.get_absolute_url()

    page.goto("/")
    inspect("home", leads_out=False)
    page.goto(entry)
    page.locator("details summary").click()
    inspect("consent", leads_out=False)
    page.locator("main form button").click()
    page.locator(".steps").wait_for()
    inspect("instructions")
    participant = Participant.objects.get()
    page.locator("main form button").click()
    page.locator("[data-pictures][data-state=ready]").wait_for()
    inspect("practice")
    page.locator("[data-pictures] a").first.click()
    inspect("enlarged picture")
    page.keyboard.press("Escape")
    answer_trial(page, "becco")
    page.locator("h1.good").wait_for()
    inspect("feedback")
    page.locator("main form button").click()
    page.locator(".options").first.wait_for()
    inspect("comprehension")
    answer_comprehension(page, rightly=False)
    page.locator(".explanation").first.wait_for()
    inspect("comprehension, explained")
    answer_comprehension(page, rightly=True)
    page.locator(".progress-text", has_text="1 ").wait_for()
    page.locator("[data-pictures][data-state=ready]").wait_for()
    inspect("trial")
    page.locator(".page-footer a").click()
    page.wait_for_url("**/withdraw/")
    inspect("withdraw", leads_out=False)
    page.goto(participant.get_absolute_url())
    for number in ("1 ", "2 ", "3 "):
        page.locator(".progress-text", has_text=number).wait_for()
        answer_trial(page, "wing")
    page.locator("#completion-code").wait_for()
    inspect("debrief")
    page.goto(entry)
    inspect("welcome back", leads_out=False)

    page.goto(f"{participant.get_absolute_url()}withdraw/")
    page.locator("button.danger").click()
    page.locator("#about-heading").wait_for()
    inspect("withdrawn", leads_out=False)

    screened = enter(page, f"{entry}?PROLIFIC_PID=p1")
    page.locator("main form button").click()
    answer_trial(page, "beak")
    page.locator("h1.good").wait_for()
    page.locator("main form button").click()
    answer_comprehension(page, rightly=False)
    page.locator(".explanation").first.wait_for()
    answer_comprehension(page, rightly=False)
    page.locator("#completion-code", has_text="SCREENED").wait_for()
    inspect("screened out")
    mark_returned(screened)

    returned = enter(page, f"{entry}?PROLIFIC_PID=p2")
    mark_returned(returned)
    page.reload()
    inspect("returned")
    full_study.slots.all().delete()
    enter(page, f"{entry}?PROLIFIC_PID=p3")
    page.locator("#completion-code", has_text="FULL").wait_for()
    inspect("over quota")
    page.goto("/p/unknown/")
    inspect("not found", leads_out=False)

    assert len(inspector.inspected) == PAGES
    assert inspector.findings == []


def enter(page, link):
    page.goto(link)
    page.locator("main form button").last.click()
    page.wait_for_url("**/p/**")
    return Participant.objects.get(token=page.url.rstrip("/").rsplit("/", 1)[-1])


def test_the_focus_is_always_visible(visitor, study):
    """Tab through a trial: everything that takes the focus shows a ring of its own, or on what it labels."""
    visitor.start(study)
    page = visitor.page
    seen = []
    for _ in range(16):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            """() => {
              const element = document.activeElement;
              const shown = element.matches('.hidden-input') ? element.nextElementSibling : element;
              const style = getComputedStyle(shown);
              return [element.tagName, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2];
            }"""
        )
        if ring[0] != "BODY":
            seen.append(ring)
    assert len(seen) >= 10
    assert [tag for tag, visible in seen if not visible] == []


def test_nothing_moves_for_those_who_asked(open_visitor, study):
    visitor = open_visitor(reduced_motion="reduce")
    visitor.start(study)
    moving = visitor.page.evaluate(
        """() => [...document.querySelectorAll('*')].filter((element) =>
          getComputedStyle(element).transitionDuration.split(',').some((time) => parseFloat(time) > 0)).length"""
    )
    assert moving == 0


@pytest.mark.parametrize(("language", "viewport"), [("en", (1440, 900)), ("it", (390, 844))])
def test_axe_finds_nothing_on_questionnaires(open_visitor, study, language, viewport):
    names = ["demographics", "understanding", "comments"]
    study.questionnaires = [{"questionnaire": name, "moment": "before"} for name in names]
    study.other_languages = ["it"]
    study.save()
    page = open_visitor(viewport={"width": viewport[0], "height": viewport[1]}, locale=language).page
    inspector = Inspector(page, language)
    page.goto(study.get_absolute_url())
    page.locator("main form button").click()
    for name in names:
        page.locator(f"form[action*='{name}']").wait_for()
        inspector.inspect(name)
        page.locator("main form button").click()
    page.locator(".steps").wait_for()
    assert inspector.findings == []
    assert inspector.inspected == names
