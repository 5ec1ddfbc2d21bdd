"""Creating studies and changing their state."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from study.design_problems import design_problems
from study.exposure_audit import audit_plan
from study.models import ParticipantState, Study, StudyState
from study.presets import Preset
from study.recruitment import recruitment_problems

CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8


class StudyError(ValueError):
    """A study cannot be created or change its state; the message says what to do."""


def create_study(preset: Preset, *, slug: str, seed: int = 0, **overrides: Any) -> Study:
    """Create a draft from a preset; `overrides` are fields of `Study` that differ from it.

    The study gets a random completion code, unless `completion_codes` is given.

    Raises:
        StudyError: the slug is taken, or a field is not valid.
    """
    if Study.objects.filter(slug=slug).exists():
        raise StudyError(f"There is a study {slug!r} already; choose another slug, or delete it in the admin.")
    values = preset.values() | overrides
    codes = values.pop("completion_codes", None) or {ParticipantState.COMPLETED.value: new_completion_code()}
    study = Study(slug=slug, preset=preset.name, seed=seed, completion_codes=codes, **values)
    try:
        study.full_clean()
    except ValidationError as error:
        raise StudyError("; ".join(error.messages)) from error
    problems = design_problems(study)
    if problems:
        raise StudyError(" ".join(problems))
    study.save(force_insert=True)
    return study


def new_completion_code() -> str:
    """Return a random code that people can read and type."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def save_study(study: Study) -> Study:
    """Store changes that a researcher made to a study's fields."""
    study.full_clean()
    study.save()
    return study


@transaction.atomic
def launch_study(study: Study) -> Study:
    """Let participants in: draft or paused becomes running. Launching a running study changes nothing.

    Raises:
        StudyError: the study is closed, has no stimuli or no plan yet, its design or its settings for a recruiter are
            wrong, or a trial of its plan gives another's answer away.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state == StudyState.RUNNING:
        return locked
    if locked.state == StudyState.CLOSED:
        raise StudyError(f"Study {locked.slug!r} is closed for good; create a new one.")
    if not locked.slots.exists():
        raise StudyError(f"Study {locked.slug!r} has no plan yet; import stimuli first: manage.py import_stimuli RUN.")
    problems = [*design_problems(locked), *recruitment_problems(locked)]
    if problems:
        raise StudyError(" ".join(problems))
    leaks = audit_plan(locked)
    if leaks:
        raise StudyError(
            f"The plan of study {locked.slug!r} gives answers away in {len(leaks)} places, first in {leaks[0]}; "
            f"manage.py audit_exposure --study {locked.slug} lists them."
        )
    locked.state = StudyState.RUNNING
    locked.launched_at = locked.launched_at or timezone.now()
    locked.save(update_fields=["state", "launched_at"])
    return locked


@transaction.atomic
def pause_study(study: Study) -> Study:
    """Let nobody new in for a while; those inside may finish.

    Raises:
        StudyError: the study is not running.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state != StudyState.RUNNING:
        raise StudyError(f"Study {locked.slug!r} is {locked.state}; only a running study can be paused.")
    locked.state = StudyState.PAUSED
    locked.save(update_fields=["state"])
    return locked


@transaction.atomic
def close_study(study: Study) -> Study:
    """End a study for good; those inside may finish.

    Raises:
        StudyError: the study was never launched.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state == StudyState.DRAFT:
        raise StudyError(f"Study {locked.slug!r} is still a draft; there is nothing to close.")
    locked.state = StudyState.CLOSED
    locked.save(update_fields=["state"])
    return locked
