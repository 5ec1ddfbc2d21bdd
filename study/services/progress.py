"""Moving a participant forward: leaving instructions and feedback, serving trials, keeping the place, coming back."""

from datetime import datetime

from django.db import transaction
from django.db.models import BigAutoField, DateTimeField, F
from django.db.models.functions import Coalesce
from django.utils import timezone

from study.models import Event, EventKind, Participant, ParticipantState, Phase, Trial
from study.prepared import Parameter, PreparedQuery, PreparedUpdate
from study.services.durability import without_waiting_for_disk
from study.services.slots import reclaim_slot, renew_lease

SERVE = PreparedUpdate(
    lambda: Trial.objects.filter(pk=Parameter("trial", BigAutoField()), answer=None),
    served_at=Coalesce(F("served_at"), Parameter("now", DateTimeField())),
    serves=F("serves") + 1,
)
LOCKED = PreparedQuery(
    lambda: Participant.objects.select_for_update().filter(pk=Parameter("participant", BigAutoField()))
)


@transaction.atomic
def leave_instructions(participant: Participant, *, task: str) -> None:
    """Note that the instructions of a task type were read; the first ones make the participant active."""
    now = timezone.now()
    locked = lock_participant(participant)
    if locked.state not in {ParticipantState.CONSENTED, ParticipantState.ACTIVE, ParticipantState.TEST}:
        return
    if task not in locked.instructions_read:
        locked.instructions_read = [*locked.instructions_read, task]
    if locked.active_at is None:
        locked.active_at = now
        if locked.state == ParticipantState.CONSENTED:
            locked.state = ParticipantState.ACTIVE
        Event.objects.create(participant=locked, kind=EventKind.CONTINUED, at=now)
    locked.save(update_fields=["state", "active_at", "instructions_read"])
    renew_lease(locked, now=now)


@transaction.atomic
def leave_feedback(participant: Participant) -> None:
    """Go on from the feedback of a practice trial; anywhere else this changes nothing."""
    now = timezone.now()
    Trial.objects.filter(
        participant=participant, phase=Phase.PRACTICE, answer__isnull=False, feedback_read_at=None
    ).update(feedback_read_at=now)
    renew_lease(participant, now=now)


def serve_trial(trial: Trial) -> Trial:
    """Count one more sending of the trial's page; the first one starts the server's clock."""
    now = timezone.now()
    with without_waiting_for_disk():
        count_sending(trial, now=now)
        renew_lease(trial.participant, now=now)
    return trial


def count_sending(trial: Trial, *, now: datetime) -> None:
    """Do what `serve_trial` does, inside the transaction of a caller who renews the lease."""
    SERVE.run(trial=trial.pk, now=now)


def keep_place(participant: Participant) -> bool:
    """Renew the lease of a participant whose page is open and looked at; False when they hold no slot."""
    with without_waiting_for_disk():
        return renew_lease(participant, now=timezone.now())


@transaction.atomic
def resume_participant(participant: Participant) -> Participant:
    """Let a participant who timed out go on, with their slot when nobody took it.

    `timed_out_at` stays. Whether the slot could be kept stands in the event `came-back`.
    """
    locked = lock_participant(participant)
    resume_locked(locked)
    return locked


def resume_locked(locked: Participant) -> None:
    """Do what `resume_participant` does, inside the transaction of a caller who has locked the participant."""
    if locked.state != ParticipantState.TIMED_OUT:
        return
    now = timezone.now()
    kept = reclaim_slot(locked, now=now)
    locked.state = ParticipantState.ACTIVE if locked.active_at else ParticipantState.CONSENTED
    locked.save(update_fields=["state"])
    Event.objects.create(participant=locked, kind=EventKind.CAME_BACK, at=now, detail={"kept_slot": kept})


def lock_participant(participant: Participant) -> Participant:
    """Return the participant as stored now, locked until the transaction ends, with the study that is at hand."""
    locked = LOCKED.get(participant=participant.pk)
    locked.study = participant.study
    return locked
