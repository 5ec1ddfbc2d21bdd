"""What the monitor shows of a study: a few aggregate queries, and the running totals."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.models import Arm, Participant, ParticipantState, Stimulus, Study, Tally
from study.research.charts import Band, Bar, band, bars, shade
from study.services.tallies import update_tally
from study.tallying import LiveEstimate, SummaryProgress, Totals, flags, mean_agreement, median_ms, summary_progress

HOURS_SHOWN = 48
SUMMARIES_SHOWN = 12
FLAGGED_SHOWN = 20
RECENT = timedelta(minutes=15)
CELL_SEPARATOR = " | "
FLAG_WORDS = {
    "always-none": gettext_lazy("always “No common part”"),
    "always-same": gettext_lazy("always the same answer"),
    "fast": gettext_lazy("half of the answers within 1.5 seconds"),
    "came-back-late": gettext_lazy("came back after the slot had gone"),
}
STOPPED = (
    ParticipantState.TIMED_OUT,
    ParticipantState.RETURNED,
    ParticipantState.SCREENED_OUT,
    ParticipantState.FAILED_CHECKS,
)


@dataclass(frozen=True)
class Step:
    """One step of the funnel; `share` is that of those who consented, from 0 to 1."""

    label: Any
    number: int
    share: float

    @property
    def width(self) -> float:
        """The bar's width in percent."""
        return round(100 * self.share, 1)


@dataclass(frozen=True)
class Cell:
    """One cell of the heat map; `shade` from −3, far fewer answers than its row's middle, to 3."""

    answers: int | None
    shade: int

    @property
    def css(self) -> str:
        """The class that colours it."""
        return f"shade-{'minus-' if self.shade < 0 else ''}{abs(self.shade)}" if self.answers is not None else "none"


@dataclass(frozen=True)
class HeatMap:
    """Answers by condition: classes from left to right, task, network, method and arm from top to bottom."""

    classes: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[Cell, ...]], ...]
    spread: int
    """Largest less smallest count within a task and arm."""


@dataclass(frozen=True)
class SummaryRow:
    """One summary with its progress."""

    identifier: str
    class_name: str
    network: str
    progress: SummaryProgress


@dataclass(frozen=True)
class Flagged:
    """One participant whose answers look careless, and why."""

    pseudonym: str
    state: Any
    answers: int
    reasons: tuple[Any, ...]


@dataclass(frozen=True)
class Monitor:
    """Everything the page shows."""

    counted_until: datetime
    complete: bool
    simulated: int
    completed: int
    target: int
    inside: int
    answers: int
    funnel: tuple[Step, ...]
    outcomes: tuple[tuple[Any, int], ...]
    drop_outs: tuple[Bar, ...]
    stopped: int
    hours: tuple[Bar, ...]
    median_minutes: float | None
    task_times: tuple[tuple[str, float], ...]
    agreement: LiveEstimate | None
    series: Band | None
    heat_map: HeatMap
    summaries: tuple[SummaryRow, ...]
    summaries_reached: int
    summaries_answered: int
    flagged: tuple[Flagged, ...]
    flagged_number: int

    @property
    def percent(self) -> int:
        """Completed participants against the plan, in percent."""
        return min(100, round(100 * self.completed / self.target)) if self.target else 0


def monitor(study: Study, *, now: datetime | None = None) -> Monitor:
    """Return what the monitor shows now; counts new answers on the way. People who tried the study out do not count."""
    now = now or timezone.now()
    tally, complete = update_tally(study, now=now)
    totals = tally.totals
    people = Participant.objects.filter(study=study, test_at=None)
    numbers = _numbers(people, now=now)
    states = dict(people.values_list("state").annotate(number=Count("pk")).order_by())
    drops = _drop_outs(study, totals)
    flagged, flagged_number = _flagged(study, totals)
    arms = dict(Stimulus.objects.filter(study=study).values_list("pk", "condition__arm"))
    shown = {pk for pk, arm in arms.items() if arm == Arm.SUMMARIES}
    progress = [
        one for one in summary_progress(totals, target_half_width=study.target_half_width) if one.stimulus in shown
    ]
    names = (names for key, names in totals["stimuli"].items() if int(key) in shown)
    return Monitor(
        counted_until=tally.counted_until,
        complete=complete,
        simulated=numbers["simulated"],
        completed=numbers["completed"],
        target=study.participants_planned,
        inside=numbers["inside"],
        answers=totals["answers"],
        funnel=_funnel(numbers),
        outcomes=tuple(
            (ParticipantState(state).label, number)
            for state, number in sorted(states.items(), key=lambda item: -item[1])
        ),
        drop_outs=bars(drops, height=90),
        stopped=sum(number for _label, number in drops),
        hours=_hours(totals["hours"], now=now),
        median_minutes=_median_minutes(study),
        task_times=tuple(
            (task, seconds / 1000)
            for task, times in sorted(totals["times"].items())
            if (seconds := median_ms(times)) is not None
        ),
        agreement=mean_agreement(names),
        series=band(totals["series"]),
        heat_map=heat_map(totals["cells"]),
        summaries=_summary_rows(progress[:SUMMARIES_SHOWN]),
        summaries_reached=sum(one.reached for one in progress),
        summaries_answered=len(progress),
        flagged=flagged,
        flagged_number=flagged_number,
    )


def _numbers(people: Any, *, now: datetime) -> dict[str, int]:
    begun = Q(active_at__isnull=False)
    return dict(
        people.aggregate(
            consented=Count("pk", filter=~Q(state=ParticipantState.OVER_QUOTA)),
            started=Count("pk", filter=begun),
            completed=Count("pk", filter=Q(state=ParticipantState.COMPLETED)),
            simulated=Count("pk", filter=Q(simulated=True)),
            inside=Count(
                "pk",
                filter=Q(state__in=[ParticipantState.CONSENTED, ParticipantState.ACTIVE])
                & Q(slot__lease_expires_at__gt=now),
            ),
            passed=Count("pk", filter=begun & ~Q(state=ParticipantState.SCREENED_OUT)),
        )
    )


def _funnel(numbers: Mapping[str, int]) -> tuple[Step, ...]:
    first = numbers["consented"]
    steps = (
        (gettext_lazy("consented"), first),
        (gettext_lazy("left the instructions"), numbers["started"]),
        (gettext_lazy("passed comprehension"), numbers["passed"]),
        (gettext_lazy("completed"), numbers["completed"]),
    )
    return tuple(Step(label, number, number / first if first else 0.0) for label, number in steps)


def _drop_outs(study: Study, totals: Totals) -> list[tuple[str, int]]:
    """Return after which share of their trials people stopped."""
    stopped = Participant.objects.filter(study=study, test_at=None, state__in=STOPPED)
    labels = ("0 %", "1–25 %", "26–50 %", "51–75 %", "76–100 %")
    found: Counter[str] = Counter()
    for key, planned in stopped.values_list("pk", "trials_planned"):
        answered = totals["people"].get(str(key), [0])[0]
        quarter = 0 if answered == 0 else 1 + min(3, int(4 * answered / max(1, planned)))
        found[labels[quarter]] += 1
    return [(label, found[label]) for label in labels]


def _hours(hours: Mapping[str, int], *, now: datetime) -> tuple[Bar, ...]:
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    moments = [end - timedelta(hours=back) for back in range(HOURS_SHOWN - 1, -1, -1)]
    return bars([(f"{moment:%d %b %H:00}", hours.get(f"{moment:%Y-%m-%dT%H}", 0)) for moment in moments])


def _median_minutes(study: Study) -> float | None:
    finished = Participant.objects.filter(
        study=study, test_at=None, state=ParticipantState.COMPLETED, active_at__isnull=False
    )
    times = finished.order_by("-pk").values_list("active_at", "completed_at")[:500]
    minutes = [(end - start).total_seconds() / 60 for start, end in times if start and end]
    return median(minutes) if minutes else None


def heat_map(cells: Mapping[str, int]) -> HeatMap:
    """Arrange counts by cell (`task | network | class | method | arm`); shades compare within a task and arm."""
    table: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
    for cell, number in cells.items():
        parts = cell.split(CELL_SEPARATOR)
        if len(parts) == 5:
            task, network, class_name, method, arm = parts
            table[task, arm, network, method][class_name] = number
    classes = tuple(sorted({name for row in table.values() for name in row}))
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, row in table.items():
        groups[key[0], key[1]] += row.values()
    rows = []
    for key, row in sorted(table.items()):
        middle = sum(groups[key[0], key[1]]) / len(groups[key[0], key[1]])
        rows.append(
            (
                key,
                tuple(Cell(row[name], shade(row[name], middle)) if name in row else Cell(None, 0) for name in classes),
            )
        )
    spread = max((max(group) - min(group) for group in groups.values()), default=0)
    return HeatMap(classes=classes, rows=tuple(rows), spread=spread)


def _summary_rows(progress: list[SummaryProgress]) -> tuple[SummaryRow, ...]:
    columns = ("pk", "identifier", "condition__class_name", "condition__network")
    keys = [one.stimulus for one in progress]
    known = {
        key: (identifier, class_name, network)
        for key, identifier, class_name, network in Stimulus.objects.filter(pk__in=keys).values_list(*columns)
    }
    return tuple(SummaryRow(*known[one.stimulus], progress=one) for one in progress if one.stimulus in known)


def _flagged(study: Study, totals: Totals) -> tuple[tuple[Flagged, ...], int]:
    """Return those whose answers look careless, most reasons first, and how many there are in all."""
    reasons = {int(key): found for key, person in totals["people"].items() if (found := flags(person))}
    late = Participant.objects.filter(
        study=study, test_at=None, timed_out_at__isnull=False, state=ParticipantState.COMPLETED
    )
    for key in late.values_list("pk", flat=True)[:FLAGGED_SHOWN]:
        reasons.setdefault(key, []).append("came-back-late")
    order = sorted(reasons, key=lambda key: (-len(reasons[key]), key))
    first = order[:FLAGGED_SHOWN]
    known = {
        key: (pseudonym, state)
        for key, pseudonym, state in Participant.objects.filter(pk__in=first).values_list("pk", "pseudonym", "state")
    }
    shown = [
        Flagged(
            pseudonym=known[key][0],
            state=ParticipantState(known[key][1]).label,
            answers=totals["people"].get(str(key), [0])[0],
            reasons=tuple(FLAG_WORDS[reason] for reason in reasons[key]),
        )
        for key in first
        if key in known
    ]
    return tuple(shown), len(order)


def alerts(study: Study, tally: Tally | None, *, completed: int) -> list[str]:
    """Return what the home page should warn of, in words."""
    found = []
    if tally is not None:
        careless = sum(bool(flags(person)) for person in tally.totals["people"].values())
        if careless:
            found.append(_("%(number)d participants look careless") % {"number": careless})
    if study.takes_participants and completed >= study.participants_planned:
        found.append(_("all planned participants are complete"))
    return found
