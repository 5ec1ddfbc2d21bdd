"""Committing answers: once per trial, never overwritten, on disk before anyone says thanks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import BigAutoField
from django.utils import timezone

from study.models import Answer, Event, EventKind, Participant, Trial
from study.prepared import Parameter, PreparedQuery
from study.services.completion import go_on_after_trials
from study.services.progress import lock_participant, resume_locked
from study.services.slots import renew_lease
from study.tasks import Submission, get_task

UNANSWERED = PreparedQuery(
    lambda: (
        Trial.objects.filter(participant_id=Parameter("participant", BigAutoField()), answer=None)
        .order_by("position")
        .values_list("pk", "served_at")[:2]
    )
)


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
    """Store the answer to the participant's current trial; after the last one come questionnaires, or the end.

    A repeat changes nothing and is only noted. The participant is locked first, so two posts at once queue up. Somebody
    whose time was up while the page was open goes on with this answer.
    """
    locked = lock_participant(participant)
    now = timezone.now()  # after the wait for the lock: running totals count by time, and an old time comes too late
    resume_locked(locked)
    waiting = UNANSWERED.all(participant=locked.pk)
    current, served_at = waiting[0] if waiting else (None, None)
    if current != trial.pk or not locked.takes_answers or served_at is None:
        return _not_committed(locked, trial, now=now)
    judgement = get_task(trial.task).judge(trial, submission)
    answer = Answer.objects.create(
        trial=trial,
        kind=submission.kind,
        text=submission.text,
        choice=judgement.choice,
        value=submission.value,
        correct=judgement.correct,
        confidence=submission.confidence,
        reaction_time_ms=submission.reaction_time_ms,
        server_time_ms=max(0.0, (now - served_at).total_seconds() * 1000.0),
        input_details=dict(submission.input_details),
        answered_at=now,
    )
    if len(waiting) > 1:
        renew_lease(locked, now=now)
    else:
        go_on_after_trials(locked, now=now)
    return Commitment(Outcome.COMMITTED, answer)


def _not_committed(locked: Participant, trial: Trial, *, now: datetime) -> Commitment:
    standing = Answer.objects.filter(trial=trial).first()
    kind = EventKind.STALE_ANSWER if standing is None else EventKind.REPEATED_ANSWER
    Event.objects.create(participant=locked, kind=kind, at=now, detail={"position": trial.position})
    return Commitment(Outcome.OUTDATED if standing is None else Outcome.REPEATED, standing)
