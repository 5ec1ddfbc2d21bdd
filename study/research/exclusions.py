"""How many participants each declared exclusion takes out now, in the order of the analysis plan.

Counts only what a few queries can tell; `analysis.exclusions` applies the rules to an export and decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from study.models import Participant, ParticipantState, Phase, Study
from study.research.forms import EXCLUSIONS

WORDS = {rule: label for rule, _bound, _usual, label in EXCLUSIONS}


@dataclass(frozen=True)
class Excluded:
    """One rule and its bound; how many it takes out of those left (None: only the analysis can tell), and who stays."""

    rule: str
    words: Any
    bound: float | None
    number: int | None
    left: int


def excluded_numbers(study: Study) -> list[Excluded]:
    """Return the effect of each rule of the analysis plan on the participants there are now."""
    left = Participant.objects.filter(study=study, test_at=None)
    found = []
    for rule in study.analysis_plan.get("exclusions", ()):
        name = rule["rule"]
        bound = rule.get("maximum", rule.get("minimum"))
        select = _SELECTIONS.get(name)
        number = None
        if select is not None:
            chosen = select(left, bound)
            number = chosen.count()
            left = left.exclude(pk__in=chosen.values("pk"))
        found.append(Excluded(name, WORDS.get(name, name), bound, number, left.count()))
    return found


def _incomplete(people: QuerySet[Participant], bound: float | None) -> QuerySet[Participant]:
    return people.exclude(state=ParticipantState.COMPLETED)


def _failed_attention(people: QuerySet[Participant], bound: float | None) -> QuerySet[Participant]:
    wrong = Q(trials__phase=Phase.ATTENTION, trials__answer__correct=False)
    return people.annotate(wrong_checks=Count("trials", filter=wrong)).filter(wrong_checks__gt=int(bound or 0))


def _came_back_late(people: QuerySet[Participant], bound: float | None) -> QuerySet[Participant]:
    return people.filter(timed_out_at__isnull=False).exclude(state=ParticipantState.TIMED_OUT)


def _comprehension(people: QuerySet[Participant], bound: float | None) -> QuerySet[Participant]:
    return people.filter(comprehension_attempts__gt=int(bound or 0))


_SELECTIONS: dict[str, Callable[..., QuerySet[Participant]]] = {
    "incomplete": _incomplete,
    "failed-attention": _failed_attention,
    "came-back-late": _came_back_late,
    "comprehension": _comprehension,
}
