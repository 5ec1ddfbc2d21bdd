"""Exact binomial tests against guessing, and their power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.intervals import check_count


def exact_binomial_p(successes: int, n: int, *, chance: float) -> float:
    """One-sided p value: how probable ``successes`` or more of ``n`` are by guessing.

    Args:
        successes: right answers, 0 to ``n``.
        n: independent answers.
        chance: of a right answer by guessing, in [0, 1].

    Raises:
        ValueError: for counts that are no counts, or a chance outside [0, 1].
    """
    check_count(successes, n)
    _check_chance(chance)
    return float(stats.binom.sf(successes - 1, n, chance))


def poisson_binomial_p(successes: int, chances: ArrayLike) -> float:
    """The same when every answer has a chance level of its own, such as trials with four and with six options.

    Args:
        successes: right answers, 0 to n.
        chances: (n,) chance of each answer. The distribution is exact, by convolution of the n answers.

    Raises:
        ValueError: for a count that is no count, or a chance outside [0, 1].
    """
    each = np.asarray(chances, dtype=float).ravel()
    check_count(successes, each.size)
    for chance in np.unique(each):
        _check_chance(float(chance))
    distribution = np.ones(1)
    for chance, times in zip(*np.unique(each, return_counts=True), strict=True):
        own = stats.binom.pmf(np.arange(times + 1), times, chance)
        distribution = np.convolve(distribution, own)
    return float(min(1.0, distribution[successes:].sum()))


def _check_chance(chance: float) -> None:
    if not 0 <= chance <= 1:
        raise ValueError(f"Expected a chance between 0 and 1, got {chance}. Give 1/6 for six options.")


@dataclass(frozen=True)
class BinomialPower:
    """Power of the exact one-sided binomial test.

    Attributes:
        critical: fewest right answers that reject guessing; n + 1 when none does.
        size: probability of rejecting although people guess, at most the level of the test.
        power: probability of rejecting when the true share is ``truth``.
    """

    critical: int
    size: float
    power: float


def binomial_power(n: int, *, chance: float, truth: float, alpha: float = 0.05) -> BinomialPower:
    """Power of the exact one-sided binomial test against guessing.

    Args:
        n: answers.
        chance: share of right answers by guessing.
        truth: share of right answers that is to be detected.
        alpha: level of the test.

    Raises:
        ValueError: when a number is out of range.
    """
    check_count(0, n)
    _check_chance(chance)
    _check_chance(truth)
    if not 0 < alpha < 1:
        raise ValueError(f"Expected alpha between 0 and 1, got {alpha}.")
    counts = np.arange(n + 2)
    tails = stats.binom.sf(counts - 1, n, chance)
    critical = int(counts[tails <= alpha][0])
    return BinomialPower(critical, float(tails[critical]), float(stats.binom.sf(critical - 1, n, truth)))
