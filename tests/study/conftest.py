"""A small drawn run, studies at every stage, and a browser of sorts that clicks through them."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import scipy.optimize  # noqa: F401  (plans load SciPy when first drawn; its import must not count as a test's time)
from django.test import Client
from django.utils import translation
from PIL import Image

from study.forms_in_pages import PageForm, find_forms
from study.models import AnswerKind, Participant
from study.presets import load_preset
from study.recruitment import Entry
from study.services.answers import commit_answer
from study.services.consent import give_consent
from study.services.progress import leave_feedback, leave_instructions, serve_trial
from study.services.runs import import_run
from study.services.studies import create_study, launch_study
from study.tasks import Submission

PARTS = ("beak", "wing", "legs", "tail")
CELLS = 3


def write_picture(directory, colour, size=(24, 16)):
    """Write a picture of one colour under its hash and return its path in the run directory."""
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "WEBP", lossless=True)
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    file = f"objects/{sha256[:2]}/{sha256}.webp"
    (directory / file).parent.mkdir(parents=True, exist_ok=True)
    (directory / file).write_bytes(content.getvalue())
    return file


def summary_record(directory, number, *, network, class_name, arm, part):
    """Return one summary of the manifest; its pictures are written."""

    def picture(kind, member):
        return {
            "file": write_picture(directory, (number % 256, member * 16 + number // 256, kind)),
            "width": 24,
            "height": 16,
        }

    return {
        "id": f"{network}-{class_name}-{arm}-{number}",
        "class": class_name,
        "network": network,
        "method": "visual-summaries",
        "arm": arm,
        "members": [
            {
                "image": f"image-{member}",
                "box": [0.1, 0.1, 0.5, 0.5],
                "hull": [],
                "similarity": None if member == 0 else 0.5,
                "drop": 0.4,
                "part": part,
            }
            for member in range(CELLS)
        ],
        "quality": {
            "median_ssim": 0.3,
            "mean_similarity": 0.5,
            "mean_drop": 0.4,
            "size_before_filter": 4,
            "part": part,
            "purity": None if part is None else 0.9,
        },
        "files": {
            "grid": write_picture(directory, (number % 256, 250, number // 256), size=(72, 16)),
            "cells": [picture(1, member) for member in range(CELLS)],
            "crops": [picture(2, member) for member in range(CELLS)],
        },
    }


def write_run(directory: Path, *, networks=("small", "large"), classes=("robin",), seed=0, known_parts=True):
    """Write a valid run: four summaries and four random controls for each network and class."""
    directory.mkdir(parents=True, exist_ok=True)
    summaries = []
    for network in networks:
        for class_name in classes:
            for arm in ("summaries", "random-regions"):
                for part in PARTS:
                    shown = part if arm == "summaries" and known_parts else None
                    summaries.append(
                        summary_record(
                            directory, len(summaries), network=network, class_name=class_name, arm=arm, part=shown
                        )
                    )
    manifest = {
        "schema_version": "1.0",
        "run": {
            "digest": hashlib.sha256(f"{networks}{classes}{seed}{known_parts}".encode()).hexdigest(),
            "code_version": "0.1.0",
            "dataset": "drawn",
            "preset": "fast",
            "config": {},
            "seed": seed,
            "synthetic": True,
        },
        "classes": [{"name": name, "folder": name, "wnid": None} for name in classes],
        "networks": [
            {
                "name": name,
                "weights": "drawn",
                "weights_sha256": "0" * 64,
                "input_height": 224,
                "input_width": 224,
                "mean": [0, 0, 0],
                "std": [1, 1, 1],
                "images_seen": 8,
                "images_correct": 6,
                "published_accuracy": None,
            }
            for name in networks
        ],
        "images": [
            {
                "id": f"image-{number}",
                "class": classes[0],
                "path": f"{number}.png",
                "sha256": "1" * 64,
                "width": 24,
                "height": 16,
                "proposals": 5,
            }
            for number in range(CELLS)
        ],
        "masks": [],
        "clusterings": [
            {
                "class": class_name,
                "network": network,
                "method": "visual-summaries",
                "arm": "summaries",
                "images": 3,
                "regions": 12,
                "clusters": 4,
                "accepted": 4,
                "converged": True,
                "attempts": 1,
                "damping": 0.5,
                "preference": 0.1,
                "coverage": 0.75,
            }
            for network in networks
            for class_name in classes
        ],
        "summaries": summaries,
        "skipped": [],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return manifest


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    """Keep imported pictures out of var/."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def no_language_stays():
    """Forget the language of a test's last request, which would go on in the thread that all tests share."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash accounts' passwords quickly; the real hash is made to be slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory):
    """A valid run with 8 summaries and 8 controls, drawn once for all tests; copy it before changing it."""
    directory = tmp_path_factory.mktemp("run")
    write_run(directory)
    return directory


@pytest.fixture
def draft(db):
    """A study without stimuli: eight trials, six places."""
    preset = load_preset("paper-2018")
    blocks = [preset.values()["blocks"][0] | {"trials": 8}]
    return create_study(preset, slug="birds", seed=7, blocks=blocks, participants_planned=6)


@pytest.fixture
def study(draft, run_directory):
    """A running study."""
    import_run(draft, run_directory)
    return launch_study(draft)


@dataclass
class Visitor:
    """Clicks through the pages like somebody without JavaScript."""

    client: Client
    page: object = None

    def open(self, path):
        self.page = self.client.get(path, follow=True)
        return self.page

    def form(self, part) -> PageForm:
        return next(form for form in find_forms(self.page.content.decode()) if part in form.action)

    def send(self, form: PageForm, **fields):
        self.page = self.client.post(form.action, form.fields | fields, follow=True)
        return self.page

    def enter(self, study, query=""):
        self.open(study.get_absolute_url() + query)
        return self.send(self.form(study.get_absolute_url()))

    def go_on(self):
        return self.send(self.form("/continue/"))

    def answer(self, **fields):
        """Answer the trial on the page; by default with a name."""
        return self.send(self.form("/answer/"), **({"text": "beak", "confidence": "4"} | fields))

    def practise(self):
        """Go from the instructions to the first trial that counts."""
        self.go_on()
        for _ in range(2):
            self.answer()
            self.go_on()
        return self.page

    def finish(self):
        """Answer everything that is left."""
        while any("/answer/" in form.action for form in find_forms(self.page.content.decode())):
            self.answer()
        return self.page

    @property
    def participant(self):
        token = self.page.request["PATH_INFO"].split("/")[2]
        return Participant.objects.get(token=token)


@pytest.fixture
def visitor(client):
    """Somebody with a browser."""
    return Visitor(client)


@pytest.fixture
def new_visitor():
    """Return a function that makes one more visitor, each with a browser of their own."""
    return lambda: Visitor(Client())


@pytest.fixture
def preset():
    """The shipped preset."""
    return load_preset("paper-2018")


@pytest.fixture
def take_part():
    """Return a function that lets somebody answer `trials` trials (all by default) through the services, words in turn.

    An empty word stands for “No common part”. Much faster than pages, for tests that need answers and no pages.
    """

    def take_part(study, number, words, *, trials=None, entry=None):
        person = give_consent(study, entry or Entry(source="open"), nonce=f"nonce-number-{number}")
        for block in study.task_blocks:
            leave_instructions(person, task=block.task)
        for index, trial in enumerate(person.trials.order_by("position")[:trials]):
            serve_trial(trial)
            trial.refresh_from_db()
            word = words[index % len(words)]
            kind = AnswerKind.NAMED if word else AnswerKind.NO_COMMON_PART
            commit_answer(person, trial, Submission(kind=kind, text=word, confidence=3, reaction_time_ms=2000.0))
            leave_feedback(person)
        person.refresh_from_db()
        return person

    return take_part
