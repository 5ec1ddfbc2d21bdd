"""Which page a participant sees now. The server decides it, from what is stored; nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.db.models import BigAutoField, Count, IntegerField, Q, QuerySet, Subquery

from study.design import PlacedQuestionnaire
from study.models import Moment, Participant, ParticipantState, Phase, QuestionnaireAnswer, Trial
from study.prepared import Parameter, PreparedQuery
from study.tasks import get_task

TRIALS_TO_PRELOAD = 2
ANSWER_OF_TRIAL = Trial._meta.get_field("answer")


class Page(StrEnum):
    """The pages behind a participant's link."""

    INSTRUCTIONS = "instructions"
    TRIAL = "trial"
    PRACTICE_FEEDBACK = "practice-feedback"
    COMPREHENSION = "comprehension"
    QUESTIONNAIRE = "questionnaire"
    DEBRIEF = "debrief"
    SCREENED_OUT = "screened-out"
    OVER_QUOTA = "over-quota"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Step:
    """The page; the trial it is about and those after it, for preloading; the questionnaire; where there are any.

    Instructions are about the task of the trial that comes next.
    """

    page: Page
    trial: Trial | None = None
    following: list[Trial] = field(default_factory=list)
    questionnaire: PlacedQuestionnaire | None = None


@dataclass(frozen=True)
class Progress:
    """How many trials of one part of the study are answered; `percent` from 0 to 100."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """The share that is done, rounded down."""
        return 100 * self.done // self.total if self.total else 0


PAGES_OF_ENDS = {
    ParticipantState.WITHDRAWN: Page.WITHDRAWN,
    ParticipantState.OVER_QUOTA: Page.OVER_QUOTA,
    ParticipantState.SCREENED_OUT: Page.SCREENED_OUT,
    ParticipantState.RETURNED: Page.RETURNED,
    ParticipantState.COMPLETED: Page.DEBRIEF,
    ParticipantState.FAILED_CHECKS: Page.DEBRIEF,
}


def current_step(participant: Participant, *, open_trials: list[Trial] | None = None) -> Step:
    """Return what the participant should see now; `open_trials` are their first ones, where they are at hand."""
    end = _end(participant)
    if end is not None:
        return Step(end)
    trials = _open_trials(participant) if open_trials is None else open_trials
    moment = Moment.AFTER if not trials else Moment.BEFORE if participant.active_at is None else None
    questionnaire = next(iter(waiting_questionnaires(participant, moment)), None) if moment else None
    if questionnaire is not None:
        return Step(Page.QUESTIONNAIRE, questionnaire=questionnaire)
    if not trials:
        return Step(Page.DEBRIEF)
    trial, *following = trials
    if participant.active_at is None:
        return Step(Page.INSTRUCTIONS, trial, following)
    if hasattr(trial, "answer"):
        return Step(Page.PRACTICE_FEEDBACK, trial, following)
    if trial.task not in participant.instructions_read:
        return Step(Page.INSTRUCTIONS, trial, following)
    if not trial.is_practice and needs_comprehension(participant, trial):
        return Step(Page.COMPREHENSION, trial, following)
    return Step(Page.TRIAL, trial, following)


def waiting_questionnaires(participant: Participant, moment: Moment) -> list[PlacedQuestionnaire]:
    """Return the questionnaires of a moment that the participant has not done; no query where there are none."""
    placed = [entry for entry in participant.study.placed_questionnaires if entry.moment == moment]
    if not placed:
        return []
    answers = QuestionnaireAnswer.objects.filter(participant=participant, moment=moment)
    done = set(answers.values_list("questionnaire", flat=True))
    return [entry for entry in placed if entry.questionnaire not in done]


def needs_comprehension(participant: Participant, trial: Trial) -> bool:
    """Tell whether the questions about the task of the first trial that counts are still to be answered."""
    return (
        participant.study.comprehension
        and participant.comprehension_passed_at is None
        and bool(get_task(trial.task).comprehension_questions)
    )


def progress(trial: Trial) -> Progress:
    """Return how far the participant is in the trial's part of the study: its block's practice, or all that counts."""
    if trial.is_practice:
        counts = PRACTICE_PROGRESS.first(participant=trial.participant_id, block=trial.block)
    else:
        counts = MAIN_PROGRESS.first(participant=trial.participant_id)
    done, total = counts or (0, 0)
    return Progress(done=done, total=total)


def with_stimuli(trials: QuerySet[Trial]) -> QuerySet[Trial]:
    """Fetch what a page needs of the stimuli along with the trials, without the outlines of all regions."""
    return trials.select_related("stimulus__condition").defer("stimulus__members", "stimulus__quality")


def _end(participant: Participant) -> Page | None:
    if participant.is_test and participant.screened_out_at is not None:
        return Page.SCREENED_OUT
    if participant.is_test and participant.completed_at is not None:
        return Page.DEBRIEF
    return PAGES_OF_ENDS.get(ParticipantState(participant.state))


def unanswered_trials(participant: Participant) -> tuple[list[Trial], Progress]:
    """Return the first trials without an answer, and the progress in all that counts; one query.

    There is one trial more than :func:`current_step` looks at. Without any, the progress is not known: 0 of 0.
    """
    trials = _of(participant, UNANSWERED_TRIALS.all(participant=participant.pk))
    for trial in trials:
        ANSWER_OF_TRIAL.set_cached_value(trial, None)  # as the query has found out; nobody need ask again
    counts = vars(trials[0]) if trials else {}
    return trials, Progress(done=counts.get("main_done") or 0, total=counts.get("main_total") or 0)


def _open_trials(participant: Participant) -> list[Trial]:
    """Return the first trials that wait for an answer, or for going on from their feedback; one query."""
    return _of(participant, OPEN_TRIALS.all(participant=participant.pk))


def _of(participant: Participant, trials: Sequence[Trial]) -> list[Trial]:
    for trial in trials:
        trial.participant = participant
    return list(trials)


def _trials_of_somebody() -> QuerySet[Trial]:
    return Trial.objects.filter(participant_id=Parameter("participant", BigAutoField()))


def _trials_that_count() -> QuerySet[Trial]:
    return _trials_of_somebody().exclude(phase=Phase.PRACTICE)


def _counted(trials: QuerySet[Trial]) -> "QuerySet[Trial, tuple[int, int]]":
    counts = trials.values("participant").annotate(done=Count("answer"), total=Count("pk"))
    return counts.order_by().values_list("done", "total")


def _number(trials: QuerySet[Trial], count: Count) -> Subquery:
    return Subquery(trials.order_by().values("participant").annotate(number=count).values("number"))


OPEN_TRIALS = PreparedQuery(
    lambda: (
        with_stimuli(_trials_of_somebody().filter(Q(answer=None) | Q(phase=Phase.PRACTICE, feedback_read_at=None)))
        .select_related("answer")
        .order_by("position")[: 1 + TRIALS_TO_PRELOAD]
    )
)
MAIN_PROGRESS = PreparedQuery(lambda: _counted(_trials_that_count()))
UNANSWERED_TRIALS = PreparedQuery(
    lambda: (
        with_stimuli(_trials_of_somebody().filter(answer=None))
        .annotate(
            main_done=_number(_trials_that_count(), Count("answer")),
            main_total=_number(_trials_that_count(), Count("pk")),
        )
        .order_by("position")[: 2 + TRIALS_TO_PRELOAD]
    )
)
PRACTICE_PROGRESS = PreparedQuery(
    lambda: _counted(_trials_of_somebody().filter(phase=Phase.PRACTICE, block=Parameter("block", IntegerField())))
)
