"""Which page a participant sees now. The server decides it, from what is stored; nothing is written here."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet

from study.models import Participant, ParticipantState, Phase, Trial


class Page(StrEnum):
    """The pages behind a participant's link."""

    INSTRUCTIONS = "instructions"
    TRIAL = "trial"
    PRACTICE_FEEDBACK = "practice-feedback"
    DEBRIEF = "debrief"
    OVER_QUOTA = "over-quota"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


@dataclass(frozen=True)
class Step:
    """The page, and the trial it is about where there is one."""

    page: Page
    trial: Trial | None = None


@dataclass(frozen=True)
class Progress:
    """How many trials of one part of the study are answered; `percent` from 0 to 100."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """The share that is done, rounded down."""
        return 100 * self.done // self.total if self.total else 0


ENDED_STATES = frozenset(
    {ParticipantState.SCREENED_OUT, ParticipantState.FAILED_CHECKS, ParticipantState.RETURNED, ParticipantState.TEST}
)


def current_step(participant: Participant) -> Step:
    """Return what the participant should see now."""
    state = ParticipantState(participant.state)
    if state == ParticipantState.WITHDRAWN:
        return Step(Page.WITHDRAWN)
    if state == ParticipantState.OVER_QUOTA:
        return Step(Page.OVER_QUOTA)
    if state == ParticipantState.COMPLETED:
        return Step(Page.DEBRIEF)
    if state in ENDED_STATES:
        return Step(Page.ENDED)
    if state == ParticipantState.CONSENTED or participant.active_at is None:
        return Step(Page.INSTRUCTIONS)
    unread = (
        participant.trials.filter(phase=Phase.PRACTICE, answer__isnull=False, feedback_read_at=None)
        .select_related("answer")
        .order_by("position")
        .first()
    )
    if unread is not None:
        return Step(Page.PRACTICE_FEEDBACK, unread)
    trial = with_stimuli(participant.trials.filter(answer=None)).order_by("position").first()
    return Step(Page.TRIAL, trial) if trial is not None else Step(Page.DEBRIEF)


def progress(trial: Trial) -> Progress:
    """Return how far the participant is in the trial's part of the study: practice, or all that counts."""
    trials = Trial.objects.filter(participant_id=trial.participant_id)
    practice = Q(phase=Phase.PRACTICE)
    same_part = trials.filter(practice if trial.is_practice else ~practice)
    return Progress(done=same_part.filter(answer__isnull=False).count(), total=same_part.count())


def next_trials(trial: Trial, *, count: int) -> list[Trial]:
    """Return the trials after this one, for preloading their pictures."""
    following = Trial.objects.filter(participant_id=trial.participant_id, position__gt=trial.position, answer=None)
    return list(with_stimuli(following).order_by("position")[:count])


def with_stimuli(trials: QuerySet[Trial]) -> QuerySet[Trial]:
    """Fetch what a page needs of the stimuli along with the trials, without the outlines of all regions."""
    return trials.select_related("stimulus__condition").defer("stimulus__members", "stimulus__quality")
