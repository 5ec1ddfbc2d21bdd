"""When a summary has been judged by enough people: a sequential rule on the width of its interval.

The rule: stop asking about a summary when it has at least ``minimum`` answers and Wilson's interval for its share of
names is at most ``target`` wide on either side, on average: (high − low) / 2 ≤ target. For k names of n answers, with z
the normal quantile of the level, that half-width is

    z·√(k(n − k)/n + z²/4) / (n + z²).

The monitor of a running study uses the same formula. The interval of an extreme share is narrow sooner, so the rule
pushes shares outward a little: a true 0.70 is estimated as 0.72 on average with the default rule (a test simulates it).
Choose a smaller target where that matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from analysis.intervals import check_count, check_level


@dataclass(frozen=True, kw_only=True)
class PrecisionRule:
    """When to stop asking about a summary.

    Attributes:
        target: half-width of Wilson's interval that suffices, in (0, 1).
        minimum: answers that are asked for in any case, so that the first few alike do not stop it.
        level: coverage of the interval.
    """

    target: float = 0.15
    minimum: int = 10
    level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.level)
        if not 0 < self.target < 1 or self.minimum < 1:
            raise ValueError(f"Expected a target between 0 and 1 and a minimum of 1 or more, got {self}.")


def half_width(named: int, answers: int, *, level: float = 0.95) -> float:
    """Half the width of Wilson's interval; 0.5 without answers.

    Raises:
        ValueError: for counts that are no counts.
    """
    check_count(named, answers, level)
    z = float(stats.norm.ppf(0.5 + level / 2))
    if answers == 0:
        return 0.5
    return z * math.sqrt(named * (answers - named) / answers + z * z / 4) / (answers + z * z)


def precise_enough(named: int, answers: int, *, rule: PrecisionRule | None = None) -> bool:
    """Whether a summary needs no more answers.

    Args:
        named: answers with a name.
        answers: all answers.
        rule: target, minimum and level.
    """
    chosen = rule or PrecisionRule()
    return answers >= chosen.minimum and half_width(named, answers, level=chosen.level) <= chosen.target


def answers_needed(*, rule: PrecisionRule | None = None, share: float = 0.5) -> int:
    """Answers after which a summary with this share of names is expected to be precise enough.

    Args:
        rule: target, minimum and level.
        share: true share of names; 0.5 needs most.
    """
    chosen = rule or PrecisionRule()
    if not 0 <= share <= 1:
        raise ValueError(f"Expected a share between 0 and 1, got {share}.")
    z = float(stats.norm.ppf(0.5 + chosen.level / 2))
    answers = chosen.minimum
    while z * math.sqrt(answers * share * (1 - share) + z * z / 4) / (answers + z * z) > chosen.target:
        answers += 1
    return answers
