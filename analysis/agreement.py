"""Agreement between raters beyond chance, on NumPy.

Two inputs are in use. *Ratings* are (raters, units) floats with NaN for a missing rating. *Counts* are (units,
categories) whole numbers: how many raters put the unit there. What does not exist is ``Estimate.undefined(reason)``.

Analytic standard errors follow Gwet (2008, 2014): units are the sample, raters are fixed; intervals use t on n − 1
degrees of freedom, cut at 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.estimates import Estimate

Floats = NDArray[np.float64]
ONE_CATEGORY = "all ratings fall into one category"
NO_PAIRS = "no unit has two or more ratings"


class Level(StrEnum):
    """Measurement level of the ratings. There is no default anywhere: names are nominal, scales are ordinal."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


class Weighting(StrEnum):
    """Credit for a disagreement between ordered categories: none, falling linearly, or with the square."""

    IDENTITY = "identity"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


class PercentConvention(StrEnum):
    """How agreement is averaged: over all pairs at once, or first within each unit and then over units."""

    POOLED_PAIRS = "pooled pairs"
    MEAN_OVER_UNITS = "mean over units"


def counts_from_ratings(ratings: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """Turn ratings into counts.

    Args:
        ratings: (raters, units) numbers, NaN where a rating is missing.

    Returns:
        counts (units, categories) and the sorted category values (categories,).

    Raises:
        ValueError: when ``ratings`` is not two-dimensional.
    """
    table = np.asarray(ratings, dtype=float)
    if table.ndim != 2:
        raise ValueError(f"Expected ratings of shape (raters, units), got shape {table.shape}.")
    values = np.unique(table[~np.isnan(table)])
    counts = np.stack([(table == value).sum(axis=0) for value in values], axis=1) if values.size else None
    return (np.zeros((table.shape[1], 0), dtype=np.int64) if counts is None else counts.astype(np.int64)), values


def _as_counts(counts: ArrayLike) -> Floats:
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2 or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError(f"Expected whole counts of shape (units, categories), got {table.dtype} {table.shape}.")
    return table


def weight_matrix(values: ArrayLike, weighting: Weighting) -> Floats:
    """Agreement weights in [0, 1] between categories, (K, K), ones on the diagonal.

    Args:
        values: (K,) category values; their distances matter for linear and quadratic weights.
        weighting: which credit to give.
    """
    numbers = np.asarray(values, dtype=float)
    if weighting is Weighting.IDENTITY or numbers.size < 2:
        return np.eye(numbers.size)
    distance: Floats = np.abs(numbers[:, None] - numbers[None, :]) / (numbers.max() - numbers.min())
    credit: Floats = 1 - (distance if weighting is Weighting.LINEAR else distance * distance)
    return credit


# Krippendorff ---------------------------------------------------------------------------------------------------------


def _squared_differences(values: Floats, totals: Floats, level: Level) -> Floats:
    first, second = values[:, None], values[None, :]
    if level is Level.NOMINAL:
        return np.not_equal(first, second).astype(float)
    if level is Level.INTERVAL:
        return np.square(first - second)
    if level is Level.RATIO:
        if (values < 0).any():
            raise ValueError(f"Expected values of 0 or more at the ratio level, got {values.min()}.")
        both = first + second
        return np.square(np.divide(first - second, both, out=np.zeros_like(both), where=both > 0))
    middle = np.cumsum(totals) - totals / 2
    return np.square(middle[:, None] - middle[None, :])


def krippendorff_alpha(counts: ArrayLike, *, level: Level, values: ArrayLike | None = None) -> Estimate:
    """Krippendorff's α (2011): 1 − observed over expected disagreement; missing ratings are allowed.

    Args:
        counts: (units, categories) whole numbers. Units with one rating are left out, as α demands.
        level: measurement level of the categories.
        values: (categories,) numbers of the categories, ascending for the ordinal level; needed unless nominal.

    Returns:
        α without an interval (resample units for one); ``n`` is the number of pairable ratings.

    Raises:
        ValueError: when a level other than nominal comes without values, or the shapes do not fit.
    """
    table = _as_counts(counts)
    if values is None and level is not Level.NOMINAL:
        raise ValueError(f"Expected the values of the categories at the {level} level, got none. Pass values=.")
    numbers = np.arange(table.shape[1], dtype=float) if values is None else np.asarray(values, dtype=float)
    if numbers.shape != (table.shape[1],):
        raise ValueError(f"Expected one value per category ({table.shape[1]}), got shape {numbers.shape}.")
    table = table[table.sum(axis=1) >= 2]
    pairable = float(table.sum())
    if pairable == 0:
        return Estimate.undefined(NO_PAIRS)
    totals = table.sum(axis=0)
    if (totals > 0).sum() < 2:
        return Estimate.undefined(ONE_CATEGORY, n=int(pairable))
    difference = _squared_differences(numbers, totals, level)
    per_unit = np.einsum("uc,cd,ud->u", table, difference, table) / (table.sum(axis=1) - 1)
    observed = per_unit.sum() / pairable
    expected = totals @ difference @ totals / (pairable * (pairable - 1))
    return Estimate(value=float(1 - observed / expected), n=int(pairable))


# Chance-corrected coefficients on counts ------------------------------------------------------------------------------


def percent_agreement(counts: ArrayLike, *, convention: PercentConvention) -> Estimate:
    """Share of rater pairs that agree, in one of the two conventions in use. ``n`` counts units with two ratings."""
    table = _as_counts(counts)
    sizes = table.sum(axis=1)
    table, sizes = table[sizes >= 2], sizes[sizes >= 2]
    if sizes.size == 0:
        return Estimate.undefined(NO_PAIRS)
    agreeing, pairs = (table * (table - 1)).sum(axis=1), sizes * (sizes - 1)
    pooled = convention is PercentConvention.POOLED_PAIRS
    share = agreeing.sum() / pairs.sum() if pooled else (agreeing / pairs).mean()
    return Estimate(value=float(share), n=int(sizes.size))


def _t_interval(value: float, error: float, n: int, level: float) -> Estimate:
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    return Estimate(
        value=value,
        n=n,
        low=max(-1.0, value - half),
        high=min(1.0, value + half),
        standard_error=error,
        level=level,
        method=f"analytic, t({n - 1}) over units",
    )


def _chance_corrected(
    counts: ArrayLike,
    weights: Floats | None,
    expected: Callable[[Floats, Floats], tuple[float, Floats]],
    level: float,
) -> Estimate:
    """Coefficient (pa − pe) / (1 − pe) with Gwet's linearised standard error.

    ``expected`` gets mean category shares (K,) and weights (K, K) and returns pe and the (K,) derivative by which a
    unit's own shares move pe (Gwet 2014, chapter 5); both are what tells the coefficients apart.
    """
    table = _as_counts(counts)
    table = table[table.sum(axis=1) >= 1]
    sizes = table.sum(axis=1)
    paired = sizes >= 2
    n, n_paired = int(sizes.size), int(paired.sum())
    if n_paired == 0:
        return Estimate.undefined(NO_PAIRS)
    credit = np.eye(table.shape[1]) if weights is None else weights
    if credit.shape != (table.shape[1], table.shape[1]):
        raise ValueError(f"Expected weights of shape {(table.shape[1],) * 2}, got {credit.shape}.")
    pairs = np.where(paired, sizes * (sizes - 1), 1)
    agreement = np.where(paired, (table * (table @ credit.T - 1)).sum(axis=1) / pairs, 0.0)
    observed = float(agreement.sum() / n_paired)
    own_shares = table / sizes[:, None]
    chance, derivative = expected(own_shares.mean(axis=0), credit)
    if math.isclose(chance, 1.0):
        return Estimate.undefined(ONE_CATEGORY, n=n)
    value = (observed - chance) / (1 - chance)
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason="no interval: it needs two or more units")
    per_unit = (n / n_paired) * (agreement - chance * paired) / (1 - chance)
    per_unit -= 2 * (1 - value) * (own_shares @ derivative - chance) / (1 - chance)
    error = math.sqrt(float(((per_unit - value) ** 2).sum()) / (n * (n - 1)))
    return _t_interval(value, error, n, level)


def gwet_ac(counts: ArrayLike, *, weights: Floats | None = None, level: float = 0.95) -> Estimate:
    """Gwet's AC1, or AC2 with ``weights`` (Gwet 2008); stays sensible when nearly everyone says the same.

    Args:
        counts: (units, categories); categories nobody used count for chance, so leave out those that were not offered.
        weights: (K, K) from :func:`weight_matrix`; ``None`` is AC1.
        level: coverage of the interval.
    """

    def expected(shares: Floats, credit: Floats) -> tuple[float, Floats]:
        categories = shares.size
        if categories < 2:
            return 1.0, np.zeros_like(shares)
        scale = credit.sum() / (categories * (categories - 1))
        return float(scale * (shares * (1 - shares)).sum()), scale * (1 - shares)

    return _chance_corrected(counts, weights, expected, level)


def fleiss_kappa(counts: ArrayLike, *, weights: Floats | None = None, level: float = 0.95) -> Estimate:
    """Fleiss' κ (1971), with Gwet's extension to unequal numbers of raters; for two raters it is Scott's π."""

    def expected(shares: Floats, credit: Floats) -> tuple[float, Floats]:
        return float(shares @ credit @ shares), (credit @ shares + credit.T @ shares) / 2

    return _chance_corrected(counts, weights, expected, level)


def brennan_prediger(counts: ArrayLike, *, weights: Floats | None = None, level: float = 0.95) -> Estimate:
    """Brennan and Prediger's coefficient (1981): chance is even over the categories; Randolph's κ with many raters."""

    def expected(shares: Floats, credit: Floats) -> tuple[float, Floats]:
        chance = float(credit.sum() / shares.size**2)
        return chance, np.full_like(shares, chance)

    return _chance_corrected(counts, weights, expected, level)


# Coefficients that need to know which rater said what -----------------------------------------------------------------


def conger_kappa(ratings: ArrayLike, *, weighting: Weighting = Weighting.IDENTITY) -> Estimate:
    """Conger's κ (1980): Cohen's κ for several raters, each with a habit of their own; missing ratings are allowed.

    Args:
        ratings: (raters, units) numbers, NaN where missing.
        weighting: credit for disagreements between ordered categories.
    """
    table = np.asarray(ratings, dtype=float)
    counts, values = counts_from_ratings(table)
    share = _chance_corrected(counts, weight_matrix(values, weighting), lambda s, _: (0.0, np.zeros_like(s)), 0.95)
    if share.value is None:
        return share
    given = np.stack([(table == value).sum(axis=1) for value in values], axis=1).astype(float)
    given = given[given.sum(axis=1) > 0]
    raters = given.shape[0]
    if raters < 2:
        return Estimate.undefined("a single rater", n=share.n)
    shares = given / given.sum(axis=1, keepdims=True)
    credit = weight_matrix(values, weighting)
    totals = shares.sum(axis=0)
    chance = float(totals @ credit @ totals - np.einsum("rk,kl,rl->", shares, credit, shares)) / (raters * (raters - 1))
    if math.isclose(chance, 1.0):
        return Estimate.undefined(ONE_CATEGORY, n=share.n)
    return Estimate(value=(share.value - chance) / (1 - chance), n=share.n)


def _square(confusion: ArrayLike) -> Floats:
    table = _as_counts(confusion)
    if table.shape[0] != table.shape[1]:
        raise ValueError(f"Expected a square table of two raters' categories, got shape {table.shape}.")
    return table


def cohen_kappa(confusion: ArrayLike, *, weights: Floats | None = None, level: float = 0.95) -> Estimate:
    """Cohen's κ of two raters, weighted if asked, with the large-sample error of Fleiss, Cohen and Everitt (1969).

    Args:
        confusion: (K, K) counts; entry (i, j) is how many units the first rater put in i and the second in j.
        weights: (K, K) agreement weights, or ``None`` for none.
        level: coverage of the interval.
    """
    table = _square(confusion)
    n = int(table.sum())
    if n == 0:
        return Estimate.undefined("no units")
    credit = np.eye(table.shape[0]) if weights is None else weights
    joint = table / n
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed, chance = float((credit * joint).sum()), float(rows @ credit @ columns)
    if math.isclose(chance, 1.0):
        return Estimate.undefined(ONE_CATEGORY, n=n)
    value = (observed - chance) / (1 - chance)
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason="no interval: it needs two or more units")
    by_row, by_column = credit @ columns, rows @ credit
    moved = credit - (1 - value) * (by_row[:, None] + by_column[None, :])
    spread = float((joint * moved**2).sum()) - (observed - 2 * (1 - value) * chance) ** 2
    return _t_interval(value, math.sqrt(max(spread, 0.0) / n) / (1 - chance), n, level)


def scott_pi(confusion: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Scott's π (1955) of two raters: κ with one shared habit instead of two."""
    return fleiss_kappa(counts_from_confusion(confusion), level=level)


def counts_from_confusion(confusion: ArrayLike) -> NDArray[np.int64]:
    """Two raters' (K, K) table as counts (units, K), each unit with two ratings."""
    table = _square(confusion).astype(np.int64)
    categories = np.eye(table.shape[0], dtype=np.int64)
    pairs = (categories[:, None, :] + categories[None, :, :]).reshape(-1, table.shape[0])
    return np.repeat(pairs, table.ravel(), axis=0)
