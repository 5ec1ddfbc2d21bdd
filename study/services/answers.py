"""Committing answers: once per trial, never overwritten, on disk before anyone says thanks."""

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from study.models import Answer, Event, EventKind, Participant, ParticipantState, Phase, Trial
from study.services.slots import complete_slot, renew_lease
from study.tasks import Submission, get_task


class Outcome(StrEnum):
    """What became of a submitted answer."""

    COMMITTED = "committed"
    REPEATED = "repeated"
    """The trial had an answer already, which stands."""
    OUTDATED = "outdated"
    """The trial is not the one whose turn it is, or the participant takes no more answers."""


@dataclass(frozen=True)
class Commitment:
    """The outcome, and the answer that now stands for the trial, if there is one."""

    outcome: Outcome
    answer: Answer | None


@transaction.atomic
def commit_answer(participant: Participant, trial: Trial, submission: Submission) -> Commitment:
    """Store the answer to the participant's current trial; the last one completes the participant.

    A repeat changes nothing and is only noted. The participant is locked first, so two posts at once queue up.
    """
    now = timezone.now()
    locked = Participant.objects.select_for_update().select_related("study").get(pk=participant.pk)
    standing = Answer.objects.filter(trial=trial).first()
    if standing is not None:
        Event.objects.create(
            participant=locked, kind=EventKind.REPEATED_ANSWER, at=now, detail={"position": trial.position}
        )
        return Commitment(Outcome.REPEATED, standing)
    open_trials = Trial.objects.filter(participant=locked, answer=None).order_by("position")
    current = open_trials.first()
    if locked.state != ParticipantState.ACTIVE or current is None or current.pk != trial.pk or not current.served_at:
        Event.objects.create(
            participant=locked, kind=EventKind.STALE_ANSWER, at=now, detail={"position": trial.position}
        )
        return Commitment(Outcome.OUTDATED, None)
    answer = Answer.objects.create(
        trial=current,
        kind=submission.kind,
        text=submission.text,
        value=submission.value,
        correct=_correctness(current, submission),
        confidence=submission.confidence,
        reaction_time_ms=submission.reaction_time_ms,
        server_time_ms=max(0.0, (now - current.served_at).total_seconds() * 1000.0),
        input_details=dict(submission.input_details),
        answered_at=now,
    )
    if open_trials.exists():
        renew_lease(locked, now=now)
    else:
        held = complete_slot(locked)
        locked.state = ParticipantState.COMPLETED
        locked.completed_at = now
        locked.save(update_fields=["state", "completed_at"])
        Event.objects.create(participant=locked, kind=EventKind.COMPLETED, at=now, detail={"held_slot": held})
    return Commitment(Outcome.COMMITTED, answer)


def _correctness(trial: Trial, submission: Submission) -> bool | None:
    if trial.phase != Phase.PRACTICE:
        return None
    task = get_task(trial.task)
    return task.is_correct(task.practice_item(trial.practice_item), submission)
