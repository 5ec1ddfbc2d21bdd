"""A real browser against the real server. Skipped where Debian's chromium or Playwright is missing."""

import hashlib
import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from study.models import Arm, Condition, ImportedRun, Participant, Slot, Stimulus, Study, StudyState, picture_path

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
CONFIDENCE = ("Guessing", "Unsure", "Fairly sure", "Sure", "Certain")
TRIALS = 3
# Six shapes, so that rows of pictures have something to fit.
SHAPES = [(480, 320), (480, 360), (480, 480), (320, 480), (480, 270), (384, 480)]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    executable = shutil.which("chromium", path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")
    if executable is None:
        pytest.skip("chromium is not installed (Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    # Playwright keeps an event loop in the test's thread; the tests' own look-ups in the database are synchronous.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


class Visitor:
    """Somebody at a browser. The steps are those of a person: labels and buttons, no knowledge of the markup."""

    def __init__(self, page):
        self.page = page

    def consent(self, study):
        """Agree; ends at the instructions."""
        self.page.goto(study.get_absolute_url())
        self.page.get_by_role("button", name="I agree, start").click()
        self.page.get_by_role("heading", name="How it works").wait_for()
        return Participant.objects.get(token=self.page.url.rstrip("/").rsplit("/", 1)[-1])

    def start(self, study):
        """Agree and leave the instructions; ends at the first trial."""
        participant = self.consent(study)
        self.page.get_by_role("button", name="Start").click()
        self.wait_for_trial(1)
        return participant

    def wait_for_trial(self, number):
        """Wait until the trial's pictures are shown and timing has begun."""
        self.page.locator(".progress-text", has_text=f"{number} of ").wait_for()
        self.page.locator("#reason", has_text="Write one or two words").wait_for()

    def fill_in(self, *, text, confidence):
        """Fill in a name, or “No common part” where `text` is None."""
        if text is None:
            self.page.get_by_text("No common part", exact=True).click()
        else:
            self.page.get_by_label("One or two words").fill(text)
        self.page.get_by_text(CONFIDENCE[confidence - 1], exact=True).click()

    def press_next(self):
        self.page.get_by_role("button", name="Next", exact=True).click()

    def answer(self, *, text, confidence):
        self.fill_in(text=text, confidence=confidence)
        self.press_next()


@pytest.fixture
def open_visitor(chromium, live_server):
    """A function that opens a fresh browser profile; complaints of the browser's console fail the test."""
    contexts = []
    complaints = []

    def open_visitor(*, viewport=DESKTOP, complaints_are_expected=False, **options):
        context = chromium.new_context(viewport=viewport, base_url=live_server.url, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        if not complaints_are_expected:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        return Visitor(page)

    yield open_visitor
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def visitor(open_visitor):
    return open_visitor()


@pytest.fixture
def phone_visitor(open_visitor):
    return open_visitor(viewport=PHONE, is_mobile=True, has_touch=True)


def draw_cell(*, shape, seed):
    """A dark picture with one bright, outlined square: all that the pages need of a cell."""
    width, height = shape
    picture = Image.new("RGB", shape, (60 + 5 * seed % 40, 64, 70))
    left, top = width // 4 + 7 * seed % 60, height // 4
    ImageDraw.Draw(picture).rectangle([left, top, left + 120, top + 90], fill=(220, 200, 150), outline=(255, 0, 0), width=3)
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=80)
    return content.getvalue()


@pytest.fixture
def study(live_server, settings, tmp_path):
    """A running study with three main trials and no practice."""
    settings.MEDIA_ROOT = tmp_path
    study = Study.objects.create(
        slug="birds",
        title="Birds",
        state=StudyState.RUNNING,
        preset="paper-2018",
        minutes=5,
        trials_per_participant=TRIALS,
        participants_planned=4,
        completion_codes={"completed": "BIRDS-42"},
    )
    run = ImportedRun.objects.create(study=study, digest="0" * 64, manifest={}, synthetic=True)
    condition = Condition.objects.create(
        study=study, run=run, network="alexnet", class_name="bird", method="masks", arm=Arm.SUMMARIES
    )
    for number in range(TRIALS):
        cells = [store_cell(seed=10 * number + index, shape=shape) for index, shape in enumerate(SHAPES)]
        Stimulus.objects.create(
            study=study, run=run, condition=condition, identifier=f"s-{number}", pictures={"grid": cells[0], "cells": cells}
        )
    stimuli = [f"s-{number}" for number in range(TRIALS)]
    Slot.objects.bulk_create([Slot(study=study, number=number, stimuli=stimuli) for number in range(1, 5)])
    return study


def store_cell(*, seed, shape):
    content = draw_cell(shape=shape, seed=seed)
    sha256 = hashlib.sha256(content).hexdigest()
    path = picture_path(sha256, "webp")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"sha256": sha256, "extension": "webp", "width": shape[0], "height": shape[1]}
