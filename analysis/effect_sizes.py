"""How large a difference is, apart from how sure one is of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Estimate
from analysis.intervals import check_count, check_level, wilson


def cohen_h(first: float, second: float) -> float:
    """Cohen's h, the difference of two shares on the arcsine scale; 0.2 is small, 0.5 medium, 0.8 large.

    Raises:
        ValueError: when a share is outside [0, 1].
    """
    for share in (first, second):
        if not 0 <= share <= 1:
            raise ValueError(f"Expected shares between 0 and 1, got {share}.")
    return 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second))


def cliff_delta(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Cliff's δ: how much more often a value of ``first`` exceeds one of ``second`` than the other way round.

    Args:
        first, second: independent numbers, any order.
        level: coverage of Cliff's (1996) asymmetric interval; there is none when all pairs point the same way.
    """
    check_level(level)
    a, b = np.asarray(first, dtype=float).ravel(), np.asarray(second, dtype=float).ravel()
    n, m = a.size, b.size
    if n == 0 or m == 0:
        return Estimate.undefined("one of the groups is empty")
    sorted_b, sorted_a = np.sort(b), np.sort(a)
    rows = (np.searchsorted(sorted_b, a, "left") - (m - np.searchsorted(sorted_b, a, "right"))) / m
    columns = ((n - np.searchsorted(sorted_a, b, "right")) - np.searchsorted(sorted_a, b, "left")) / n
    delta = float(rows.mean())
    if n < 2 or m < 2:
        reason = "no interval: it needs two or more values in both groups"
        return Estimate(value=delta, n=n + m, level=level, reason=reason)
    ties = float((np.searchsorted(sorted_b, a, "right") - np.searchsorted(sorted_b, a, "left")).sum()) / (n * m)
    over_rows, over_columns = float(((rows - delta) ** 2).sum()), float(((columns - delta) ** 2).sum())
    single = n * m * ((1 - ties) - delta**2)
    variance = (m * m * over_rows + n * n * over_columns - single) / (n * m * (n - 1) * (m - 1))
    variance = max(variance, (1 - delta**2) / (n * m - 1))
    if variance <= 0 or abs(delta) == 1:
        return Estimate(value=delta, n=n + m, level=level, reason="no interval: all pairs point the same way")
    z = float(stats.norm.ppf(0.5 + level / 2))
    half = z * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + z * z * variance)
    below = 1 - delta**2 + z * z * variance
    return Estimate(
        value=delta,
        n=n + m,
        low=max(-1.0, (delta - delta**3 - half) / below),
        high=min(1.0, (delta - delta**3 + half) / below),
        standard_error=math.sqrt(variance),
        level=level,
        method="Cliff 1996",
    )


def odds_ratio(
    first_successes: int, first_n: int, second_successes: int, second_n: int, *, level: float = 0.95
) -> Estimate:
    """Odds of the first group over odds of the second, with Woolf's interval on the log scale.

    When a cell is empty, 0.5 is added to all four (Haldane 1956, Anscombe 1956) and ``method`` says so. The standard
    error is that of the logarithm.

    Raises:
        ValueError: for counts that are no counts.
    """
    check_count(first_successes, first_n, level)
    check_count(second_successes, second_n, level)
    if first_n == 0 or second_n == 0:
        return Estimate.undefined("one of the groups is empty")
    cells = np.array(
        [first_successes, first_n - first_successes, second_successes, second_n - second_successes], dtype=float
    )
    corrected = bool((cells == 0).any())
    cells += 0.5 if corrected else 0.0
    ratio = float(cells[0] * cells[3] / (cells[1] * cells[2]))
    error = math.sqrt(float((1 / cells).sum()))
    half = float(stats.norm.ppf(0.5 + level / 2)) * error
    return Estimate(
        value=ratio,
        n=first_n + second_n,
        low=ratio * math.exp(-half),
        high=ratio * math.exp(half),
        standard_error=error,
        level=level,
        method="Woolf, 0.5 added to each cell" if corrected else "Woolf",
    )


def share_difference(
    first_successes: int, first_n: int, second_successes: int, second_n: int, *, level: float = 0.95
) -> Estimate:
    """First share minus second with Newcombe's (1998) hybrid score interval, for independent observations.

    Raises:
        ValueError: for counts that are no counts.
    """
    first = wilson(first_successes, first_n, level=level)
    second = wilson(second_successes, second_n, level=level)
    if first.value is None or second.value is None or first.low is None or second.low is None:
        return Estimate.undefined("one of the groups is empty")
    if first.high is None or second.high is None:
        return Estimate.undefined("one of the groups has no interval")
    difference = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(
        value=difference,
        n=first_n + second_n,
        low=difference - below,
        high=difference + above,
        level=level,
        method="Newcombe 1998",
    )
