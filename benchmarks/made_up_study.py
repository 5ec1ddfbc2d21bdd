"""A study with as many participants as wanted, written straight into a fresh database, for measuring.

The database is Django's test database: a file for SQLite, `test_…` on the server that `DATABASE_URL` names for
PostgreSQL. It is dropped at the end. Answers are drawn at random from a few names; they mean nothing.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

TRIALS = 24
NAMES = ("beak", "bill", "head", "wing", "wings", "legs", "tail", "eye", "feathers", "breast", "claw", "neck")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
CHUNK = 1000


@contextmanager
def fresh_database() -> Iterator[str]:
    """Set Django up on an empty database and yield the name of its kind; drop the database at the end."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["VAR_DIRECTORY"] = directory
        import django
        from django.conf import settings

        database = settings.DATABASES["default"]
        if "sqlite3" in database["ENGINE"]:
            database.setdefault("TEST", {})["NAME"] = str(Path(directory) / "benchmark.sqlite3")
        settings.ALLOWED_HOSTS = ["*"]
        django.setup()
        from django.db import connection

        before = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield connection.vendor
        finally:
            connection.creation.destroy_test_db(before, verbosity=0)


def make_study(*, participants: int, summaries: int = 200, seed: int = 0) -> "Study":  # type: ignore[name-defined]  # noqa: F821
    """Write a running study: three networks, ten classes, controls, and everybody's answers over the last days."""
    from django.db import connection

    from study.models import Arm, Condition, ImportedRun, Stimulus, Study, StudyState

    generator = np.random.default_rng(seed)
    study = Study.objects.create(
        slug="measured",
        title="A study to measure with",
        state=StudyState.RUNNING,
        preset="paper-2018",
        blocks=[{"task": "name", "trials": TRIALS}],
        participants_planned=participants,
        launched_at=START,
    )
    run = ImportedRun.objects.create(
        study=study, digest="0" * 64, synthetic=True, manifest={"run": {"digest": "0" * 64}, "networks": []}
    )
    keys = [
        (network, f"class {number}", arm)
        for number in range(10)
        for network in ("alexnet", "vgg16", "resnet50")
        for arm in (Arm.SUMMARIES, Arm.RANDOM_REGIONS)
    ]
    conditions = [
        Condition.objects.create(
            study=study, run=run, network=network, class_name=name, method="visual-summaries", arm=arm
        )
        for network, name, arm in keys
    ]
    picture = {"sha256": "0" * 64, "extension": "webp", "width": 480, "height": 320}
    stimuli = Stimulus.objects.bulk_create(
        [
            Stimulus(
                study=study,
                run=run,
                condition=conditions[number % len(conditions)],
                identifier=f"summary-{number:04d}",
                members=[{"image": "i", "box": [0, 0, 1, 1], "drop": 0.5, "similarity": 0.5}] * 6,
                quality={"median_ssim": 0.3, "mean_drop": 0.4},
                pictures={"grid": picture, "cells": [picture] * 6, "crops": [picture] * 6},
            )
            for number in range(summaries)
        ]
    )
    for first in range(0, participants, CHUNK):
        _write_people(study, stimuli, range(first, min(participants, first + CHUNK)), participants, generator)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as PostgreSQL's autovacuum does; it has not seen so many rows come at once
    return study


def _write_people(study, stimuli, numbers, total, generator) -> None:  # type: ignore[no-untyped-def]
    from study.models import Answer, Participant, ParticipantState, Phase, Slot, SlotState, Trial

    now = datetime.now(tz=UTC)
    people, slots = [], []
    for number in numbers:
        begun = now - timedelta(hours=72) + timedelta(hours=71.5 * number / total)
        draw = generator.random()
        state = ParticipantState.COMPLETED if draw < 0.88 else ParticipantState.TIMED_OUT
        people.append(
            Participant(
                study=study,
                state=state,
                language="en",
                source="prolific",
                slot_number=number + 1,
                trials_planned=TRIALS,
                consented_at=begun,
                active_at=begun + timedelta(minutes=1),
                completed_at=begun + timedelta(minutes=11) if state == ParticipantState.COMPLETED else None,
                timed_out_at=begun + timedelta(minutes=40) if state == ParticipantState.TIMED_OUT else None,
            )
        )
    people = Participant.objects.bulk_create(people)
    trials, answered = [], []
    for person in people:
        done = TRIALS if person.completed_at else int(generator.integers(0, TRIALS))
        answered.append(done)
        chosen = generator.choice(len(stimuli), TRIALS, replace=False)
        for position, index in enumerate(chosen, start=1):
            stimulus = stimuli[int(index)]
            condition = stimulus.condition
            trials.append(
                Trial(
                    participant=person,
                    position=position,
                    phase=Phase.MAIN,
                    task="name",
                    stimulus=stimulus,
                    cell=f"name | {condition.network} | {condition.class_name} | {condition.method} | {condition.arm}",
                    served_at=person.consented_at + timedelta(minutes=1, seconds=25 * position),
                    serves=1,
                )
            )
        slots.append(
            Slot(
                study=study,
                number=person.slot_number or 0,
                state=SlotState.COMPLETED if person.completed_at else SlotState.FREE,
                holder=person if person.completed_at else None,
                trials=[],
            )
        )
    trials = Trial.objects.bulk_create(trials, batch_size=2000)
    Slot.objects.bulk_create(slots)
    answers = []
    for trial in trials:
        if trial.position > answered[(trial.participant_id - people[0].pk)]:
            continue
        none = generator.random() < 0.15
        favourite = NAMES[(trial.stimulus_id or 0) % len(NAMES)]
        word = favourite if generator.random() < 0.6 else NAMES[int(generator.integers(len(NAMES)))]
        milliseconds = float(generator.lognormal(8.5, 0.5))
        answers.append(
            Answer(
                trial=trial,
                kind="no-common-part" if none else "named",
                text="" if none else word,
                confidence=int(generator.integers(1, 6)),
                reaction_time_ms=milliseconds,
                server_time_ms=milliseconds + 80,
                answered_at=(trial.served_at or now) + timedelta(milliseconds=milliseconds),
            )
        )
    Answer.objects.bulk_create(answers, batch_size=2000)
