"""Committing answers: once per trial, never overwritten, on disk before anyone says thanks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from study.flow import Page, Progress, current_step, unanswered_trials
from study.models import Answer, Event, EventKind, Participant, Trial
from study.prepared import PreparedInsert
from study.services.completion import go_on_after_trials
from study.services.progress import count_sending, lock_participant, resume_locked
from study.services.slots import renew_lease
from study.tasks import Submission, get_task

STORE = PreparedInsert(Answer)


class Outcome(StrEnum):
    """What became of a submitted answer."""

    COMMITTED = "committed"
    REPEATED = "repeated"
    """The trial had an answer already, which stands."""
    OUTDATED = "outdated"
    """The trial is not the one whose turn it is, or the participant takes no more answers."""


@dataclass(frozen=True)
class NextTrial:
    """A trial that is sent along with the answer to the one before, those after it, and the progress to show."""

    trial: Trial
    following: list[Trial]
    progress: Progress


@dataclass(frozen=True)
class Commitment:
    """What became of an answer.

    Attributes:
        outcome: whether it was stored.
        answer: the one that now stands for the trial, if there is one.
        next_trial: counted as sent; None where none was asked for, or something else comes next.
    """

    outcome: Outcome
    answer: Answer | None
    next_trial: NextTrial | None = None


@transaction.atomic
def commit_answer(
    participant: Participant, trial: Trial, submission: Submission, *, send_next: bool = False
) -> Commitment:
    """Store the answer to the participant's current trial; after the last one come questionnaires, or the end.

    A repeat changes nothing and is only noted. The participant is locked first, so two posts at once queue up. Somebody
    whose time was up while the page was open goes on with this answer. With `send_next`, a next trial of the same task
    counts as sent in the same transaction, for a response that shows it.
    """
    locked = lock_participant(participant)
    now = timezone.now()  # after the wait for the lock: running totals count by time, and an old time comes too late
    resume_locked(locked)
    waiting, before = unanswered_trials(locked)
    served_at = waiting[0].served_at if waiting else None
    if served_at is None or waiting[0] != trial or not locked.takes_answers:
        return _not_committed(locked, trial, now=now)
    judgement = get_task(trial.task).judge(trial, submission)
    answer = STORE.create(
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
    if len(waiting) == 1:
        go_on_after_trials(locked, now=now)
        return Commitment(Outcome.COMMITTED, answer)
    renew_lease(locked, now=now)
    next_trial = _send_next(locked, waiting, before, now=now) if send_next else None
    return Commitment(Outcome.COMMITTED, answer, next_trial)


def _send_next(locked: Participant, waiting: list[Trial], before: Progress, *, now: datetime) -> NextTrial | None:
    answered, *following = waiting
    if answered.is_practice or following[0].is_practice or following[0].task != answered.task:
        return None  # feedback or instructions may come first, and another task has other scripts
    step = current_step(locked, open_trials=following)
    if step.page != Page.TRIAL or step.trial is None:
        return None
    count_sending(step.trial, now=now)
    progress = Progress(done=before.done + 1, total=before.total)
    return NextTrial(trial=step.trial, following=step.following, progress=progress)


def _not_committed(locked: Participant, trial: Trial, *, now: datetime) -> Commitment:
    standing = Answer.objects.filter(trial=trial).first()
    kind = EventKind.STALE_ANSWER if standing is None else EventKind.REPEATED_ANSWER
    Event.objects.create(participant=locked, kind=kind, at=now, detail={"position": trial.position})
    return Commitment(Outcome.OUTDATED if standing is None else Outcome.REPEATED, standing)
