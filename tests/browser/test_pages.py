"""What every page must be: fits a phone, light, labelled, without a word from the browser's console."""

import pytest
from playwright.sync_api import expect

from study.models import Participant, StudyState

LARGEST_TRIAL_PAGE = 150_000  # bytes, without stimuli
LONGEST_CONSENT = 200  # words, without what “Read more” opens


def assert_fits(page):
    overflow = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{page.url} is {overflow} pixels wider than the screen"


def assert_well_formed(page):
    """One main heading, a title, a language, names for all controls and pictures, targets of 44 pixels."""
    assert page.locator("h1").count() == 1
    assert page.title().strip()
    assert page.locator("html").get_attribute("lang") == "en"
    for landmark in ("banner", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), button, a, img")]
          .filter((element) => element.checkVisibility() && !element.closest("dialog"))
          .filter((element) => !(element.labels?.length || element.textContent.trim() || element.alt
            || element.querySelector("img")?.alt || element.ariaLabel))
          .map((element) => element.outerHTML)"""
    )
    assert nameless == []
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a, label[for^=confidence], label.toggle, summary, .field")]
          .filter((element) => element.checkVisibility() && !element.matches(".skip-link, .card-link"))
          .filter((element) => element.getBoundingClientRect().height < 43.9)
          .map((element) => `${element.outerHTML} ${element.getBoundingClientRect().height}`)"""
    )
    assert small == []
    assert (
        page.locator("[style]:not([data-pictures]), style, script:not([src]):not([type='application/json'])").count()
        == 0
    )


def test_every_page_fits_a_phone(phone_visitor, study):
    page = phone_visitor.page
    checked = []

    def check():
        assert_fits(page)
        assert_well_formed(page)
        checked.append(page.title())

    study.blocks[0]["practice"] = ["beak"]
    study.save()
    page.goto("/")
    check()
    page.goto(study.get_absolute_url())
    page.get_by_text("Read more").click()
    check()
    participant = phone_visitor.consent(study)
    check()
    page.get_by_role("button", name="Start practice").click()
    phone_visitor.wait_for_trial(1)
    check()
    phone_visitor.answer(text="beak", confidence=5)
    page.get_by_role("heading", name="That fits").wait_for()
    check()
    page.get_by_role("button", name="Go on").click()
    for number in (1, 2, 3):
        phone_visitor.wait_for_trial(number)
        check()
        phone_visitor.answer(text="a rather long answer of several words for one field", confidence=2)
    page.get_by_role("heading", name="Thank you!").wait_for()
    check()
    page.get_by_role("link", name="Withdraw").click()
    check()
    page.get_by_role("button", name="Withdraw and delete").click()
    page.get_by_role("heading", name="You have withdrawn").wait_for()
    check()
    study.state = StudyState.CLOSED
    study.save()
    assert Participant.objects.get() == participant
    assert len(set(checked)) >= 9


def test_messages_fit_a_phone(open_visitor, study):
    visitor = open_visitor(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, complaints_are_expected=True
    )
    study.state = StudyState.CLOSED
    study.save()
    for path in (study.get_absolute_url(), "/s/unknown/", "/p/unknown/"):
        visitor.page.goto(path)
        assert_fits(visitor.page)
        assert_well_formed(visitor.page)


def test_consent_is_short(visitor, study):
    visitor.page.goto(study.get_absolute_url())
    words = visitor.page.get_by_role("main").inner_text().split()
    assert 60 < len(words) < LONGEST_CONSENT


def test_first_trial_page_is_light(visitor, study):
    visitor.consent(study)
    sizes = {}

    def add(response):
        if "/stimuli/" not in response.url:
            sizes[response.url] = len(response.body())

    visitor.page.on("response", add)
    visitor.page.get_by_role("button", name="Start").click()
    visitor.wait_for_trial(1)
    visitor.page.reload()
    visitor.wait_for_trial(1)
    names = [url.rsplit("/", 1)[-1] for url in sizes]
    assert {"study.css", "answer.js", "pictures.js", "layout.js"} <= set(names)
    assert sum(sizes.values()) <= LARGEST_TRIAL_PAGE
    assert sizes[next(url for url in sizes if url.endswith("study.css"))] <= 20_000


@pytest.mark.parametrize("viewport", [(1440, 900), (1280, 620), (820, 1180), (390, 844)])
def test_pictures_are_shown_whole_and_nothing_jumps(open_visitor, study, viewport):
    visitor = open_visitor(viewport={"width": viewport[0], "height": viewport[1]})
    visitor.consent(study)
    held = []
    visitor.page.route("**/stimuli/**", lambda route: held.append(route))
    visitor.page.get_by_role("button", name="Start").click()
    visitor.page.locator("[data-pictures].fitted").wait_for()
    boxes = "() => [...document.querySelectorAll('[data-pictures] img')].map((image) => image.getBoundingClientRect())"
    before = visitor.page.evaluate(boxes)
    while held:
        held.pop().continue_()
    visitor.wait_for_trial(1)
    after = visitor.page.evaluate(boxes)
    assert after == before
    natural = visitor.page.locator("[data-pictures] img").evaluate_all(
        "images => images.map((image) => image.naturalWidth / image.naturalHeight)"
    )
    for box, shape in zip(after, natural, strict=True):
        assert box["width"] / box["height"] == pytest.approx(shape, rel=0.02)
        assert box["right"] <= viewport[0]
        assert box["height"] >= 80
    assert_fits(visitor.page)


def test_a_picture_is_enlarged_and_put_back(visitor, study):
    visitor.start(study)
    page = visitor.page
    page.get_by_role("link", name="Picture 2").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    small = page.get_by_role("img", name="Picture 2").first.bounding_box()
    assert dialog.locator("img").bounding_box()["height"] > small["height"]
    assert dialog.get_by_text("Picture 2 of 6").is_visible()
    page.keyboard.press("ArrowRight")
    assert dialog.get_by_text("Picture 3 of 6").is_visible()
    page.keyboard.press("4")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    expect(page.get_by_role("link", name="Picture 3")).to_be_focused()  # the event comes after the dialog is gone
    assert page.locator("[name=confidence]:checked").count() == 0  # keys rest while a picture is enlarged


def test_no_common_part_empties_the_field_and_can_be_undone(visitor, study):
    visitor.start(study)
    field = visitor.page.get_by_label("One or two words")
    button = visitor.page.get_by_text("No common part", exact=True)
    field.fill("wing")
    button.click()
    assert field.input_value() == ""
    assert field.is_disabled()
    button.click()
    assert field.input_value() == "wing"
    assert field.is_enabled()
    field_box = field.bounding_box()
    button_box = visitor.page.locator("label", has_text="No common part").bounding_box()
    assert button_box["width"] == pytest.approx(field_box["width"], abs=2)
    assert button_box["height"] == pytest.approx(field_box["height"], abs=2)


def test_next_says_what_is_missing(visitor, study):
    visitor.start(study)
    page = visitor.page
    next_button = page.get_by_role("button", name="Next", exact=True)
    reason = page.locator("#reason")
    assert next_button.get_attribute("aria-disabled") == "true"
    assert "Write one or two words" in reason.inner_text()
    page.get_by_label("One or two words").fill("wing")
    assert reason.inner_text() == "Say how sure you are."
    page.get_by_text("Sure", exact=True).click()
    assert reason.inner_text() == ""
    assert next_button.get_attribute("aria-disabled") == "false"


def test_completion_code_can_be_copied(open_visitor, study):
    visitor = open_visitor(permissions=["clipboard-read", "clipboard-write"])
    visitor.start(study)
    for number in (1, 2, 3):
        visitor.wait_for_trial(number)
        visitor.answer(text="wing", confidence=3)
    visitor.page.get_by_role("button", name="Copy").click()
    visitor.page.get_by_role("button", name="Copied").wait_for()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == "BIRDS-42"
