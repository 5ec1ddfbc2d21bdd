"""Creating studies and changing their state."""

import secrets
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from study.canonical import digest
from study.design_problems import design_problems
from study.exposure_audit import audit_plan
from study.models import Membership, ParticipantState, Role, Study, StudyState, StudyVersion, Trial
from study.presets import Preset
from study.recruitment import recruitment_problems
from study.services.audit import COMMAND_LINE, differences, record
from study.services.plan import draw_plan
from study.versions import PLAN_FIELDS, design_fields, design_of, settings_of

CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8


class StudyError(ValueError):
    """A study cannot be created or change its state; the message says what to do."""


@transaction.atomic
def create_study(
    preset: Preset, *, slug: str, seed: int = 0, owner: AbstractBaseUser | None = None, **overrides: Any
) -> Study:
    """Create a draft from a preset; `overrides` are fields of `Study` that differ from it.

    The study gets a random completion code, unless `completion_codes` is given. `owner` becomes its administrator.

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
    if owner is not None:
        Membership.objects.create(study=study, user_id=owner.pk, role=Role.ADMINISTRATOR)
    record("create study", actor=owner.get_username() if owner else COMMAND_LINE, study=slug, target=preset.name)
    return study


def new_completion_code() -> str:
    """Return a random code that people can read and type."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


@transaction.atomic
def save_study(study: Study, *, actor: str = COMMAND_LINE, reason: str = "") -> Study:
    """Store changes that a researcher made to a study's fields.

    While the study is a draft this changes the draft; a changed plan is drawn anew. Once it was launched, a changed
    design becomes a new version, which newcomers see; what the plan rests on can then not be changed any more.

    Raises:
        ValidationError: a field is not valid.
        StudyError: the change would break the plan, or the frozen analysis plan.
        PlanError: no plan exists for the changed design.
    """
    stored = Study.objects.select_for_update().get(pk=study.pk)
    study.full_clean()
    before, after = settings_of(stored), settings_of(study)
    changes = differences(before, after)
    fixed = sorted(PLAN_FIELDS.intersection(changes))
    if fixed and stored.participants.filter(test_at=None).exists():
        raise StudyError(
            f"Study {stored.slug!r} has participants, so {', '.join(fixed)} cannot change any more: their answers rest "
            "on it. Make a copy of the study and change that."
        )
    if stored.analysis_plan_frozen_at and study.analysis_plan != stored.analysis_plan:
        raise StudyError(
            f"The analysis plan of {stored.slug!r} was frozen at launch and stays as declared. Report what you do "
            "differently as exploratory, or make a copy of the study."
        )
    study.version = stored.version
    if stored.analysis_plan != study.analysis_plan:
        changes["analysis_plan"] = [stored.analysis_plan, study.analysis_plan]
    if stored.target_half_width != study.target_half_width:
        changes["target_half_width"] = [stored.target_half_width, study.target_half_width]
    if not changes:
        return study
    study.save()
    if fixed and stored.slots.exists():
        stored.participants.all().delete()  # people who tried the study out; their slots are drawn anew
        draw_plan(study)
    if stored.launched_at and set(changes).intersection(after):
        study.version = stored.version + 1
        study.save(update_fields=["version"])
        _freeze_version(study, actor=actor, reason=reason)
    record("change study", actor=actor, study=study.slug, changes=changes)
    return study


@transaction.atomic
def launch_study(study: Study, *, actor: str = COMMAND_LINE) -> Study:
    """Let participants in: draft or paused becomes running. Launching a running study changes nothing.

    The first launch freezes the design as version 1 and the analysis plan as declared.

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
    now = timezone.now()
    first = locked.launched_at is None
    locked.state = StudyState.RUNNING
    if first:
        locked.launched_at = now
        locked.analysis_plan_frozen_at = now if locked.analysis_plan else None
    locked.save(update_fields=["state", "launched_at", "analysis_plan_frozen_at"])
    if first:
        _freeze_version(locked, actor=actor, reason="")
    record("launch study", actor=actor, study=locked.slug)
    return locked


def _freeze_version(study: Study, *, actor: str, reason: str) -> StudyVersion:
    design = design_of(study)
    return StudyVersion.objects.create(
        study=study,
        number=study.version,
        design=design,
        sha256=digest(design),
        frozen_at=timezone.now(),
        author=actor,
        reason=reason,
    )


@transaction.atomic
def pause_study(study: Study, *, actor: str = COMMAND_LINE) -> Study:
    """Let nobody new in for a while; those inside may finish.

    Raises:
        StudyError: the study is not running.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state != StudyState.RUNNING:
        raise StudyError(f"Study {locked.slug!r} is {locked.state}; only a running study can be paused.")
    locked.state = StudyState.PAUSED
    locked.save(update_fields=["state"])
    record("pause study", actor=actor, study=locked.slug)
    return locked


@transaction.atomic
def close_study(study: Study, *, actor: str = COMMAND_LINE) -> Study:
    """End a study for good; those inside may finish.

    Raises:
        StudyError: the study was never launched.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state == StudyState.DRAFT:
        raise StudyError(f"Study {locked.slug!r} is still a draft; there is nothing to close.")
    locked.state = StudyState.CLOSED
    locked.save(update_fields=["state"])
    record("close study", actor=actor, study=locked.slug)
    return locked


@transaction.atomic
def copy_study(study: Study, *, slug: str, actor: str = COMMAND_LINE) -> Study:
    """Make a draft with the same design and members, without stimuli and answers. Its analysis plan is open again.

    Raises:
        StudyError: the slug is taken or not valid.
    """
    if Study.objects.filter(slug=slug).exists():
        raise StudyError(f"There is a study {slug!r} already; choose another slug.")
    copy = Study(**{name: getattr(study, name) for name in design_fields()})
    copy.slug, copy.analysis_plan, copy.target_half_width = slug, study.analysis_plan, study.target_half_width
    try:
        copy.full_clean()
    except ValidationError as error:
        raise StudyError("; ".join(error.messages)) from error
    copy.save(force_insert=True)
    Membership.objects.bulk_create(
        [Membership(study=copy, user=member.user, role=member.role) for member in study.memberships.all()]
    )
    record("create study", actor=actor, study=slug, target=f"copy of {study.slug}")
    return copy


@transaction.atomic
def delete_study(study: Study, *, actor: str = COMMAND_LINE) -> None:
    """Delete a study with its stimuli, participants and answers. Its audit entries stay."""
    slug, answers = study.slug, study.participants.count()
    Trial.objects.filter(participant__study=study).delete()
    study.delete()
    record("delete study", actor=actor, study=slug, changes={"participants": [answers, 0]})
