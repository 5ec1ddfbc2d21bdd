"""Keeping a study's running totals: counting what came since, and forgetting who withdrew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from django.db import connection, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from study.exports.privacy import plain_name
from study.models import Answer, AnswerKind, Arm, Participant, Phase, Stimulus, Study, Tally
from study.tallying import CountedAnswer, count_with_points, empty_totals, forget_person

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SETTLING = timedelta(seconds=3)
"""Answers younger than this wait: on PostgreSQL one may still be on its way although a later one is there."""
ANSWERS_AT_ONCE = 2000
"""Counted in one transaction, so that nobody's answer waits long for it."""
NAMING = {AnswerKind.NAMED: True, AnswerKind.NO_COMMON_PART: False}


def update_tally(study: Study, *, now: datetime | None = None, at_most: int = ANSWERS_AT_ONCE) -> tuple[Tally, bool]:
    """Count answers that came since the last time; return the tally, and whether it holds all of them.

    At most `at_most` answers are counted, so that a page that was not looked at for long still opens at once. Every
    answer is counted once, also where the clock was set back or forward between two answers.
    """
    until = (now or timezone.now()) - SETTLING
    # The totals are large with many people; they are read once, under the lock where something has to be counted.
    tally, _ = Tally.objects.defer("totals").get_or_create(
        study=study, defaults={"counted_until": BEGINNING, "totals": empty_totals()}
    )
    if not _are_waiting(tally, until=until):
        return tally, True
    complete = False
    for _ in range(max(1, at_most // ANSWERS_AT_ONCE)):
        tally, complete = _count_some(study, until=until)
        if complete:
            break
    return tally, complete


def _are_waiting(tally: Tally, *, until: datetime) -> bool:
    return _later(tally, until=until).exists() or _set_back(tally, until=until).exists()


@transaction.atomic
def _count_some(study: Study, *, until: datetime) -> tuple[Tally, bool]:
    tally = Tally.objects.select_for_update().get(study=study)
    all_set_back = _count(tally, _set_back(tally, until=until))
    all_later = _count(tally, _later(tally, until=until))
    return tally, all_set_back and all_later


def _count(tally: Tally, fresh: QuerySet[Answer]) -> bool:
    """Count the first of these answers in the order of their times, and remember how far that was; True if all."""
    fresh = fresh.order_by("answered_at")
    moments = list(fresh.values_list("answered_at", flat=True)[:ANSWERS_AT_ONCE])
    if not moments:
        return True
    last = moments[-1]  # others of the very same moment are counted with it
    now_counted = fresh.filter(answered_at__lte=last)
    largest = now_counted.aggregate(largest=Max("pk"))["largest"]
    shown = frozenset(
        Stimulus.objects.filter(study=tally.study_id, condition__arm=Arm.SUMMARIES).values_list("pk", flat=True)
    )
    count_with_points(tally.totals, counted(now_counted), summaries=shown)
    tally.counted_until = max(tally.counted_until, last)
    tally.largest_counted = max(tally.largest_counted, largest)
    tally.save(update_fields=["totals", "counted_until", "largest_counted"])
    return len(moments) < ANSWERS_AT_ONCE


@transaction.atomic
def forget_answers(participant: Participant) -> None:
    """Take a participant's answers out of the totals. Must run before they are deleted, in the same transaction."""
    tally = Tally.objects.select_for_update().filter(study_id=participant.study_id).first()
    if tally is None:
        return
    answers = Answer.objects.filter(
        trial__participant=participant,
        trial__phase=Phase.MAIN,
        answered_at__lte=tally.counted_until,
        pk__lte=tally.largest_counted,
    )
    if participant.test_at is None:
        forget_person(tally.totals, participant.pk, counted(answers))
        tally.save(update_fields=["totals"])


def counted(answers: QuerySet[Answer]) -> Iterator[CountedAnswer]:
    """Yield what the totals need of each answer."""
    plain = cache(plain_name)  # few names, many answers
    columns = ("trial__participant_id", "trial__stimulus_id", "trial__cell", "trial__task", "kind", "text")
    rows = answers.values_list(*columns, "reaction_time_ms", "answered_at")
    for participant, stimulus, cell, task, kind, text, reaction, moment in rows.iterator(chunk_size=2000):
        yield CountedAnswer(
            participant=participant,
            stimulus=stimulus,
            cell=cell,
            task=task,
            named=NAMING.get(kind),
            name=plain(text),
            reaction_time_ms=reaction,
            answered_at=moment,
        )


def _later(tally: Tally, *, until: datetime) -> QuerySet[Answer]:
    """Return the answers whose time is after that of all counted ones, up to `until`."""
    return _answers(tally.study_id).filter(answered_at__gt=tally.counted_until, answered_at__lte=until)


def _set_back(tally: Tally, *, until: datetime) -> QuerySet[Answer]:
    """Return answers that came later than all counted ones and bear an earlier time: the clock was set back."""
    return _answers(tally.study_id).filter(
        pk__gt=tally.largest_counted, answered_at__lte=min(tally.counted_until, until)
    )


def _answers(study_id: int) -> QuerySet[Answer]:
    answers = Answer.objects.filter(trial__participant__test_at=None, trial__phase=Phase.MAIN)
    if connection.vendor != "sqlite":
        return answers.filter(trial__participant__study_id=study_id)
    # The sum keeps SQLite's planner from starting at the study's participants and visiting all their answers: few are
    # new, and the index of times finds them (1 ms instead of 170 ms with 225,000 answers). PostgreSQL knows that by
    # itself, and the sum would mislead it.
    return answers.annotate(study_number=F("trial__participant__study_id") + 0).filter(study_number=study_id)
