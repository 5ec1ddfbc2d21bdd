"""Reaching an end: completed, failed checks, screened out, returned or timed out at the recruiter.

Every end has its time stamp, and a code of its own where the study has one. None of them is a rejection: what to pay
and whom to leave out of the analysis is decided by people.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from study.flow import waiting_questionnaires
from study.models import Answer, Event, EventKind, Moment, Participant, ParticipantState, Phase
from study.services.progress import lock_participant
from study.services.slots import complete_slot, release_slot, renew_lease

UNFINISHED = frozenset({ParticipantState.CONSENTED, ParticipantState.ACTIVE, ParticipantState.TIMED_OUT})


def go_on_after_trials(locked: Participant, *, now: datetime) -> None:
    """Complete a participant without open trials, unless questionnaires wait; the caller has locked them."""
    if waiting_questionnaires(locked, Moment.AFTER):
        renew_lease(locked, now=now)
    else:
        complete_locked(locked, now=now)


def complete_locked(locked: Participant, *, now: datetime) -> None:
    """Complete a participant who has nothing left to do; the caller has locked them.

    Too many failed attention checks end in `failed_checks`: the answers stay, and the slot goes back to the plan, since
    the design still needs somebody there.
    """
    failed = failed_checks(locked)
    locked.completed_at = now
    if locked.is_test:
        locked.save(update_fields=["completed_at"])
        Event.objects.create(participant=locked, kind=EventKind.COMPLETED, at=now, detail={"failed_checks": failed})
        return
    if failed > locked.study.failed_checks_allowed:
        release_slot(locked)
        locked.state = ParticipantState.FAILED_CHECKS
        locked.failed_checks_at = now
        kind, detail = EventKind.FAILED_CHECKS, {"failed_checks": failed}
    else:
        locked.state = ParticipantState.COMPLETED
        kind, detail = EventKind.COMPLETED, {"failed_checks": failed, "held_slot": complete_slot(locked)}
    locked.save(update_fields=["state", "completed_at", "failed_checks_at"])
    Event.objects.create(participant=locked, kind=kind, at=now, detail=detail)


def failed_checks(participant: Participant) -> int:
    """Return how many attention checks the participant has answered wrongly."""
    return Answer.objects.filter(trial__participant=participant, trial__phase=Phase.ATTENTION, correct=False).count()


def screen_out_locked(locked: Participant, *, now: datetime) -> None:
    """End the study for somebody to whom the task did not become clear; the caller has locked them."""
    if not locked.is_test:
        release_slot(locked)
        locked.state = ParticipantState.SCREENED_OUT
    locked.screened_out_at = now
    locked.save(update_fields=["state", "screened_out_at"])
    Event.objects.create(participant=locked, kind=EventKind.SCREENED_OUT, at=now)


@transaction.atomic
def mark_returned(participant: Participant) -> bool:
    """Note that the recruiter says the submission was returned; tell whether it changed anything.

    Somebody unfinished becomes `returned`, and the slot goes to somebody else. Somebody who has finished stays so, with
    the time stamp as a note.
    """
    locked = lock_participant(participant)
    if locked.returned_at is not None or locked.state == ParticipantState.WITHDRAWN:
        return False
    now = timezone.now()
    locked.returned_at = now
    if locked.state in UNFINISHED:
        release_slot(locked)
        locked.state = ParticipantState.RETURNED
    locked.save(update_fields=["state", "returned_at"])
    Event.objects.create(participant=locked, kind=EventKind.RETURNED, at=now)
    return True


@transaction.atomic
def mark_timed_out(participant: Participant) -> bool:
    """Note that the recruiter says the time was up; tell whether it changed anything. They may still come back."""
    locked = lock_participant(participant)
    if locked.state not in {ParticipantState.CONSENTED, ParticipantState.ACTIVE}:
        return False
    now = timezone.now()
    release_slot(locked)
    locked.state = ParticipantState.TIMED_OUT
    locked.timed_out_at = now
    locked.save(update_fields=["state", "timed_out_at"])
    Event.objects.create(participant=locked, kind=EventKind.TIMED_OUT, at=now)
    return True
