"""A real browser against the real server. Skipped where Debian's chromium or Playwright is missing."""

import hashlib
import io
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from study.models import Participant
from study.presets import load_preset
from study.services.runs import import_run
from study.services.studies import create_study, launch_study

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Pages of recruiters are stood in for; Chromium would not let "the internet" frame a server on this machine.
    "--disable-features=LocalNetworkAccessChecks",
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
def open_visitor(chromium, live_server, settings):
    """A function that opens a fresh browser profile; complaints of the browser's console fail the test.

    It needs the settings, so that those of the test hold until the last page is closed: pages load pictures ahead.
    """
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
    wait_for_server()
    assert complaints == []


def wait_for_server():
    """Wait until the server's threads have finished: a late beacon must not meet the emptying of the database."""
    deadline = time.monotonic() + 10
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the server is still busy 10 seconds after the browser left"
        time.sleep(0.01)


@pytest.fixture
def visitor(open_visitor):
    return open_visitor()


@pytest.fixture
def phone_visitor(open_visitor):
    return open_visitor(viewport=PHONE, is_mobile=True, has_touch=True)


def write_picture(directory, *, shape, seed):
    """Write a dark picture with one bright, outlined rectangle under its hash and return its record."""
    width, height = shape
    picture = Image.new("RGB", shape, (60 + 5 * seed % 40, 64, 70))
    left, top = width // 4 + 7 * seed % 60, height // 4
    rectangle = [left, top, left + 120, top + 90]
    ImageDraw.Draw(picture).rectangle(rectangle, fill=(220, 200, 150), outline=(255, 0, 0), width=3)
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=80)
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    file = f"objects/{sha256[:2]}/{sha256}.webp"
    (directory / file).parent.mkdir(parents=True, exist_ok=True)
    (directory / file).write_bytes(content.getvalue())
    return {"file": file, "width": width, "height": height}


def summary_record(directory, number):
    cells = [write_picture(directory, shape=shape, seed=10 * number + index) for index, shape in enumerate(SHAPES)]
    member = {"box": [0.2, 0.2, 0.6, 0.6], "hull": [], "drop": 0.4}
    return {
        "id": f"bird-{number}",
        "class": "bird",
        "network": "small",
        "method": "visual-summaries",
        "arm": "summaries",
        "members": [
            member | {"image": f"image-{index}", "similarity": 0.5 if index else None} for index in range(len(SHAPES))
        ],
        "quality": {"median_ssim": 0.3, "mean_similarity": 0.5, "mean_drop": 0.4, "size_before_filter": 6},
        "files": {"grid": cells[0]["file"], "cells": cells, "crops": cells},
    }


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory):
    """A run with one summary per trial and cells of usual sizes."""
    directory = tmp_path_factory.mktemp("run")
    network = {"name": "small", "weights": "drawn", "weights_sha256": "0" * 64, "input_height": 224, "input_width": 224}
    manifest = {
        "schema_version": "1.0",
        "run": {
            "digest": "2" * 64,
            "code_version": "0.1.0",
            "dataset": "drawn",
            "preset": "fast",
            "config": {},
            "seed": 0,
            "synthetic": True,
        },
        "classes": [{"name": "bird", "folder": "bird", "wnid": None}],
        "networks": [network | {"mean": [0, 0, 0], "std": [1, 1, 1], "images_seen": 6, "images_correct": 6}],
        "images": [],
        "masks": [],
        "clusterings": [],
        "summaries": [summary_record(directory, number) for number in range(TRIALS)],
        "skipped": [],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


@pytest.fixture
def study(live_server, settings, tmp_path, run_directory):
    """A running study with three trials and no practice."""
    settings.MEDIA_ROOT = tmp_path
    draft = create_study(
        load_preset("paper-2018"),
        slug="birds",
        blocks=[{"task": "name", "trials": TRIALS}],
        participants_planned=4,
        completion_codes={"completed": "BIRDS-42"},
    )
    import_run(draft, run_directory)
    return launch_study(draft)
