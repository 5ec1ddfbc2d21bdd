"""Asking for summaries in the browser: the request is stored and queued; a worker (`manage.py db_worker`) does it."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.utils import timezone

from study.models import ImportedRun, Pregeneration, PregenerationState, Study, StudyState
from study.services.audit import COMMAND_LINE, record

DATASETS = ("drawn-birds", "imagenette", "caltech101", "oxford-iiit-pet")
LONGEST_LOG = 20_000


class PregenerationError(ValueError):
    """A run cannot be asked for, cancelled or tried again; the message says why and what to do."""


class CancelledError(RuntimeError):
    """Somebody asked to cancel the run."""


def image_sources() -> list[tuple[str, str]]:
    """Return what images a run may use, as key and words: folders below `IMAGE_DIRECTORY`, and the known datasets."""
    root = Path(settings.IMAGE_DIRECTORY)
    folders = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [(f"folder:{name}", name) for name in folders] + [(f"dataset:{name}", name) for name in DATASETS]


@transaction.atomic
def request_pregeneration(
    study: Study,
    wanted: Mapping[str, Any],
    *,
    user: AbstractBaseUser | AnonymousUser | None = None,
    actor: str = COMMAND_LINE,
) -> Pregeneration:
    """Store what is wanted and queue it. `wanted` is what `PregenerationForm` has cleaned.

    Raises:
        PregenerationError: the study is no draft any more, or its images are not among those of this server.
    """
    if study.state != StudyState.DRAFT:
        raise PregenerationError(f"Study {study.slug!r} is {study.state}; stimuli can only be added to a draft.")
    if wanted["source"] not in dict(image_sources()):
        raise PregenerationError(f"There are no images {wanted['source']!r} on this server; choose one of the list.")
    kind, _, name = str(wanted["source"]).partition(":")
    options = {
        "images": str(Path(settings.IMAGE_DIRECTORY) / name) if kind == "folder" else None,
        "dataset": name if kind == "dataset" else None,
        "networks": wanted["networks"],
        "classes": wanted.get("classes") or None,
        "per_class": wanted.get("per_class"),
        "preset": wanted["preset"],
        "arms": ",".join(wanted["arms"]) or "none",
        "seed": wanted.get("seed") or 0,
    }
    pregeneration = Pregeneration.objects.create(
        study=study,
        options=options,
        directory=f"{study.slug}-{secrets.token_hex(4)}",
        requested_by_id=user.pk if user is not None else None,
    )
    record(
        "request summaries",
        actor=actor,
        study=study.slug,
        target=str(pregeneration.pk),
        changes={"options": [None, options]},
    )
    _enqueue(pregeneration)
    return pregeneration


@transaction.atomic
def cancel_pregeneration(pregeneration: Pregeneration, *, actor: str = COMMAND_LINE) -> None:
    """Ask to stop a run: one that waits is over at once, one that runs stops at its next step. What is done is kept.

    Raises:
        PregenerationError: the run is over already.
    """
    locked = Pregeneration.objects.select_for_update().get(pk=pregeneration.pk)
    if locked.is_over:
        raise PregenerationError(f"This run is {locked.get_state_display()} already; there is nothing to cancel.")
    locked.cancel_requested = True
    if locked.state == PregenerationState.QUEUED or locked.is_lost:
        locked.state, locked.finished_at = PregenerationState.CANCELLED, timezone.now()
    locked.save(update_fields=["cancel_requested", "state", "finished_at"])
    record("cancel summaries", actor=actor, study=locked.study.slug, target=str(locked.pk))


@transaction.atomic
def retry_pregeneration(pregeneration: Pregeneration, *, actor: str = COMMAND_LINE) -> None:
    """Queue a run again that failed, was cancelled, or lost its worker. It goes on where it stopped.

    Raises:
        PregenerationError: the run is done, or is being worked on.
    """
    locked = Pregeneration.objects.select_for_update().get(pk=pregeneration.pk)
    if locked.state == PregenerationState.SUCCEEDED:
        raise PregenerationError("This run is done; its stimuli are in the study.")
    if not locked.is_over and not locked.is_lost:
        raise PregenerationError("This run is waiting or running; cancel it before you try it again.")
    locked.state = PregenerationState.QUEUED
    locked.cancel_requested, locked.error, locked.finished_at = False, "", None
    locked.attempt += 1
    locked.save()
    record("retry summaries", actor=actor, study=locked.study.slug, target=str(locked.pk))
    _enqueue(locked)


@transaction.atomic
def claim_pregeneration(key: int, attempt: int) -> Pregeneration | None:
    """Mark a run as being worked on; None when it was cancelled, is done, or another attempt has it."""
    locked = Pregeneration.objects.select_for_update().filter(pk=key).first()
    if locked is None or locked.attempt != attempt or locked.state != PregenerationState.QUEUED:
        return None
    now = timezone.now()
    locked.state, locked.started_at, locked.heartbeat_at, locked.stages = PregenerationState.RUNNING, now, now, []
    locked.log += f"{now:%Y-%m-%d %H:%M:%S} attempt {attempt} begins\n"
    locked.save()
    return locked


def report_progress(pregeneration: Pregeneration, stages: list[dict[str, Any]], *, line: str = "") -> None:
    """Store how far a run is, and say that its worker lives.

    Raises:
        CancelledError: somebody asked to stop it, or another attempt has taken it over.
    """
    with transaction.atomic():
        locked = Pregeneration.objects.select_for_update().get(pk=pregeneration.pk)
        if locked.cancel_requested or locked.attempt != pregeneration.attempt:
            raise CancelledError
        locked.stages, locked.heartbeat_at = stages, timezone.now()
        if line:
            locked.log = (locked.log + f"{timezone.now():%Y-%m-%d %H:%M:%S} {line}\n")[-LONGEST_LOG:]
        locked.save(update_fields=["stages", "heartbeat_at", "log"])


@transaction.atomic
def finish_pregeneration(
    pregeneration: Pregeneration, state: PregenerationState, *, error: str = "", run: ImportedRun | None = None
) -> None:
    """Store how a run ended, unless another attempt has taken it over."""
    now = timezone.now()
    locked = Pregeneration.objects.select_for_update().get(pk=pregeneration.pk)
    if locked.attempt != pregeneration.attempt:
        return
    locked.state, locked.error, locked.run, locked.finished_at = state, error, run, now
    words = f"{state.label}{': ' + error if error else ''}"
    locked.log = (locked.log + f"{now:%Y-%m-%d %H:%M:%S} {words}\n")[-LONGEST_LOG:]
    locked.save(update_fields=["state", "error", "run", "finished_at", "log"])


def _enqueue(pregeneration: Pregeneration) -> None:
    from study.background.pregeneration import pregenerate_for_study

    pregenerate_for_study.enqueue(pregeneration.pk, pregeneration.attempt)
