"""Agreement between raters beyond chance, on NumPy.

Every coefficient takes ``counts``, ``ratings`` or ``confusion`` (see :mod:`analysis.ratings`), by keyword; ``counts``
also by position. What does not exist is ``Estimate.undefined(reason)``.

Intervals: analytic standard errors are linearised with units as the sample and raters fixed (Gwet 2008, 2014), with t
on n − 1 degrees of freedom and cut at 1; with ``bootstrap``, units are resampled instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Estimate
from analysis.krippendorff import NO_PAIRS, ONE_CATEGORY, krippendorff_alpha
from analysis.ratings import (
    Floats,
    Level,
    RatingTable,
    Weighting,
    confusion_from_ratings,
    counts_from_confusion,
    counts_from_ratings,
    credit_matrix,
    rating_codes,
    rating_table,
    ratings_from_long,
    square,
    weight_matrix,
)
from analysis.resampling import UnitBootstrap, unit_interval

__all__ = [
    "NO_PAIRS",
    "ONE_CATEGORY",
    "Level",
    "PercentConvention",
    "UnitBootstrap",
    "Weighting",
    "brennan_prediger",
    "cohen_kappa",
    "conger_kappa",
    "counts_from_confusion",
    "counts_from_ratings",
    "fleiss_kappa",
    "gwet_ac",
    "krippendorff_alpha",
    "percent_agreement",
    "randolph_kappa",
    "ratings_from_long",
    "scott_pi",
    "weight_matrix",
]

NO_INTERVAL = "no interval: it needs two or more units"
Weights = Weighting | str | ArrayLike | None


class PercentConvention(StrEnum):
    """How agreement is averaged: over all pairs at once, or first within each unit and then over units."""

    POOLED_PAIRS = "pooled pairs"
    MEAN_OVER_UNITS = "mean over units"


class _Chance(StrEnum):
    """What tells the coefficients on counts apart: how much agreement chance would bring."""

    GWET = "gwet"
    FLEISS = "fleiss"
    UNIFORM = "uniform"


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


# Coefficients on counts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Units:
    """What each unit with at least one rating contributes.

    Attributes:
        agreement: (units,) weighted share of agreeing pairs, 0 for lone ratings.
        paired: (units,) 1 where there are two ratings or more.
        shares: (units, categories) share of the unit's ratings in each category.
        credit: (categories, categories) agreement weights.
    """

    agreement: Floats
    paired: Floats
    shares: Floats
    credit: Floats

    @classmethod
    def of(cls, table: RatingTable, weights: Weights) -> _Units:
        credit, counts = credit_matrix(table, weights), table.counts
        counts = counts[counts.sum(axis=1) >= 1]
        sizes = counts.sum(axis=1)
        paired = sizes >= 2
        pairs = np.where(paired, sizes * (sizes - 1), 1)
        agreement = np.where(paired, (counts * (counts @ credit - 1)).sum(axis=1) / pairs, 0.0)
        return cls(agreement, paired.astype(float), counts / sizes[:, None], credit)

    def chance(self, kind: _Chance, shares: Floats) -> Floats:
        """(B,) agreement by chance from (B, K) mean shares."""
        categories = self.credit.shape[0]
        if kind is _Chance.UNIFORM:
            return np.full(shares.shape[0], self.credit.sum() / categories**2)
        if kind is _Chance.FLEISS:
            return np.asarray(((shares @ self.credit) * shares).sum(axis=1), dtype=float)
        if categories < 2:
            return np.ones(shares.shape[0])
        scale = self.credit.sum() / (categories * (categories - 1))
        return np.asarray(scale * (shares * (1 - shares)).sum(axis=1), dtype=float)

    def slope(self, kind: _Chance, shares: Floats) -> Floats:
        """(K,) by which a unit's own shares move the agreement by chance (Gwet 2014, chapter 5)."""
        categories = self.credit.shape[0]
        if kind is _Chance.UNIFORM:
            return np.full(categories, self.credit.sum() / categories**2)
        if kind is _Chance.FLEISS:
            return np.asarray(self.credit @ shares, dtype=float)
        return np.asarray(self.credit.sum() / (categories * (categories - 1)) * (1 - shares), dtype=float)

    def coefficient(self, kind: _Chance, weights: Floats) -> Floats:
        """(B,) values for (B, units) weights, NaN where undefined."""
        pairs = weights @ self.paired
        observed = np.divide(weights @ self.agreement, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
        chance = self.chance(kind, weights @ self.shares / weights.sum(axis=1, keepdims=True))
        room = 1 - chance
        return np.divide(observed - chance, room, out=np.full_like(room, np.nan), where=room > 1e-12)


def _chance_corrected(
    table: RatingTable, weights: Weights, kind: _Chance, level: float, bootstrap: UnitBootstrap | None
) -> Estimate:
    """Coefficient (pa − pe) / (1 − pe) with its interval."""
    units = _Units.of(table, weights)
    n, n_paired = units.paired.size, int(units.paired.sum())
    if n_paired == 0:
        return Estimate.undefined(NO_PAIRS)
    shares = units.shares.mean(axis=0)
    chance = float(units.chance(kind, shares[None, :])[0])
    if math.isclose(chance, 1.0):
        return Estimate.undefined(ONE_CATEGORY, n=n)
    observed = float(units.agreement.sum() / n_paired)
    value = (observed - chance) / (1 - chance)
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason=NO_INTERVAL)
    if bootstrap is not None:
        drawn = [units.coefficient(kind, draw) for draw in bootstrap.weights(n, width=shares.size)]
        return unit_interval(value, np.concatenate(drawn), n=n, level=level, units=n)
    per_unit = (n / n_paired) * (units.agreement - chance * units.paired) / (1 - chance)
    per_unit -= 2 * (1 - value) * (units.shares @ units.slope(kind, shares) - chance) / (1 - chance)
    # Tables of two raters are published with n below the line (Gwet 2008), several raters with n − 1 (Gwet 2014).
    below = n * n if table.two_raters else n * (n - 1)
    return _t_interval(value, math.sqrt(float(((per_unit - value) ** 2).sum()) / below), n, level)


def gwet_ac(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    confusion: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Gwet's AC1, or AC2 with ``weights`` (Gwet 2008); stays sensible when nearly everyone says the same.

    Args:
        counts, ratings, confusion: one of them. Columns of counts that nobody used count for chance, so leave out
            those that were not offered.
        categories: with ``ratings``, all categories that were offered, in order; ``None`` takes those that occur.
        values: (K,) numbers of the categories for weights by name; positions where they are no numbers.
        weights: ``None`` or ``identity`` for AC1; ``linear``, ``quadratic``, ``ordinal``, or a (K, K) matrix.
        level: coverage of the interval.
        bootstrap: resample units for the interval instead of the analytic one.
    """
    table = rating_table(counts, ratings=ratings, confusion=confusion, categories=categories, values=values)
    return _chance_corrected(table, weights, _Chance.GWET, level, bootstrap)


def fleiss_kappa(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    confusion: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Fleiss' κ (1971), with Gwet's extension to unequal numbers of raters; for two raters it is Scott's π.

    Arguments as in :func:`gwet_ac`.
    """
    table = rating_table(counts, ratings=ratings, confusion=confusion, categories=categories, values=values)
    return _chance_corrected(table, weights, _Chance.FLEISS, level, bootstrap)


def brennan_prediger(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    confusion: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Brennan and Prediger's coefficient (1981): chance is even over the categories.

    Arguments as in :func:`gwet_ac`.
    """
    table = rating_table(counts, ratings=ratings, confusion=confusion, categories=categories, values=values)
    return _chance_corrected(table, weights, _Chance.UNIFORM, level, bootstrap)


def randolph_kappa(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Randolph's (2005) free-marginal κ of several raters: Brennan and Prediger's coefficient without weights."""
    return brennan_prediger(counts, ratings=ratings, categories=categories, level=level, bootstrap=bootstrap)


def scott_pi(
    confusion: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Scott's π (1955) of two raters, a (K, K) table or (2, units) ratings: κ with one shared habit instead of two."""
    if confusion is None and ratings is not None:
        confusion, labels = confusion_from_ratings(ratings, categories=categories)
        values = labels if values is None and all(isinstance(label, int | float) for label in labels) else values
    table = rating_table(confusion=confusion, values=values)
    return _chance_corrected(table, weights, _Chance.FLEISS, level, bootstrap)


def percent_agreement(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    confusion: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    convention: PercentConvention | str,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Share of rater pairs that agree, in one of the two conventions in use. ``n`` counts units with two ratings.

    Other arguments as in :func:`gwet_ac`; with ``weights``, disagreements get their credit.
    """
    table = rating_table(counts, ratings=ratings, confusion=confusion, categories=categories, values=values)
    counted = table.counts
    sizes = counted.sum(axis=1)
    counted, sizes = counted[sizes >= 2], sizes[sizes >= 2]
    n = int(sizes.size)
    if n == 0:
        return Estimate.undefined(NO_PAIRS)
    credit = credit_matrix(table, weights)
    agreeing, pairs = (counted * (counted @ credit - 1)).sum(axis=1), sizes * (sizes - 1)
    if PercentConvention(convention) is PercentConvention.MEAN_OVER_UNITS:
        agreeing, pairs = agreeing / pairs, np.ones(n)
    value = float(agreeing.sum() / pairs.sum())
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason=NO_INTERVAL)
    if bootstrap is not None:
        drawn = np.concatenate([(draw @ agreeing) / (draw @ pairs) for draw in bootstrap.weights(n)])
        return unit_interval(value, drawn, n=n, level=level, units=n)
    residuals = (agreeing - value * pairs) / pairs.mean()
    interval = _t_interval(value, math.sqrt(float(residuals @ residuals) / (n * (n - 1))), n, level)
    return Estimate(**{**vars(interval), "low": max(0.0, interval.low or 0.0)})


# Coefficients that need to know which rater said what -----------------------------------------------------------------


def conger_kappa(
    ratings: ArrayLike,
    *,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Conger's κ (1980): Cohen's κ for several raters, each with a habit of their own; missing ratings are allowed.

    Args:
        ratings: (raters, units) numbers or labels, NaN or None where missing.
        categories, values, weights, level, bootstrap: as in :func:`gwet_ac`.
    """
    table = rating_table(ratings=ratings, categories=categories, values=values)
    codes = rating_codes(ratings, categories=categories)[0]
    codes = codes[(codes >= 0).any(axis=1)]
    units = _Units.of(table, weights)
    n = units.paired.size
    if not units.paired.any():
        return Estimate.undefined(NO_PAIRS)
    if codes.shape[0] < 2:
        return Estimate.undefined("a single rater", n=n)
    codes = codes[:, (codes >= 0).any(axis=0)]
    said = (codes[:, :, None] == np.arange(table.values.size)).astype(float)  # raters × units × categories
    everyone = np.ones((1, n))
    observed, chance = (float(part[0]) for part in _conger_parts(units, said, everyone))
    if math.isclose(chance, 1.0):
        return Estimate.undefined(ONE_CATEGORY, n=n)
    value = (observed - chance) / (1 - chance)
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason=NO_INTERVAL)
    if bootstrap is not None:
        drawn = []
        for draw in bootstrap.weights(n, width=said.shape[0] * said.shape[2]):
            seen, expected = _conger_parts(units, said, draw)
            drawn.append(np.divide(seen - expected, 1 - expected, out=np.full_like(seen, np.nan), where=expected < 1))
        return unit_interval(value, np.concatenate(drawn), n=n, level=level, units=n)
    given = said.sum(axis=2)
    habits = said.sum(axis=1) / given.sum(axis=1, keepdims=True)
    others = (habits.sum(axis=0) - habits) @ units.credit
    scale = 2 / (habits.shape[0] * (habits.shape[0] - 1)) / given.sum(axis=1)
    moved_chance = np.einsum("r,ruk,rk->u", scale, said - habits[:, None, :] * given[:, :, None], others)
    per_unit = (n / units.paired.sum()) * (units.agreement - chance * units.paired) / (1 - chance)
    per_unit -= (1 - value) * n * moved_chance / (1 - chance)
    return _t_interval(value, math.sqrt(float(((per_unit - value) ** 2).sum()) / (n * (n - 1))), n, level)


def _conger_parts(units: _Units, said: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Observed agreement and agreement by chance, (B,) each, for (B, units) weights."""
    pairs = weights @ units.paired
    observed = np.divide(weights @ units.agreement, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
    counted = np.einsum("bu,ruk->brk", weights, said, optimize=True)
    given = counted.sum(axis=2, keepdims=True)
    habits = np.divide(counted, given, out=np.zeros_like(counted), where=given > 0)
    present = (given[:, :, 0] > 0).sum(axis=1)
    total = habits.sum(axis=1)
    both = ((total @ units.credit) * total).sum(axis=1) - ((habits @ units.credit) * habits).sum(axis=(1, 2))
    ways = present * (present - 1.0)
    return observed, np.divide(both, ways, out=np.full_like(both, np.nan), where=ways > 0)


def cohen_kappa(
    confusion: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
    weights: Weights = None,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Cohen's κ of two raters, weighted if asked, with the large-sample error of Fleiss, Cohen and Everitt (1969).

    Args:
        confusion: (K, K) counts; entry (i, j) is how many units the first rater put in i and the second in j; or
        ratings: (2, units) numbers or labels; units that either left out do not count.
        categories, values, weights, level, bootstrap: as in :func:`gwet_ac`.
    """
    if (confusion is None) == (ratings is None):
        raise ValueError("Expected one of confusion and ratings.")
    if ratings is not None:
        confusion, labels = confusion_from_ratings(ratings, categories=categories)
        values = labels if values is None and all(isinstance(label, int | float) for label in labels) else values
    table = square(confusion)
    n = int(table.sum())
    if n == 0:
        return Estimate.undefined("no units")
    credit = credit_matrix(rating_table(table, values=values), weights)
    joint = table / n
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed, chance = float((credit * joint).sum()), float(rows @ credit @ columns)
    if math.isclose(chance, 1.0):
        return Estimate.undefined(ONE_CATEGORY, n=n)
    value = (observed - chance) / (1 - chance)
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason=NO_INTERVAL)
    if bootstrap is not None:
        generator = np.random.default_rng(bootstrap.seed)
        tables = generator.multinomial(n, joint.ravel(), size=bootstrap.draws).reshape(-1, *joint.shape) / n
        seen = (tables * credit).sum(axis=(1, 2))
        expected = np.einsum("bk,kl,bl->b", tables.sum(axis=2), credit, tables.sum(axis=1))
        drawn = np.divide(seen - expected, 1 - expected, out=np.full_like(seen, np.nan), where=expected < 1 - 1e-12)
        return unit_interval(value, drawn, n=n, level=level, units=n)
    by_row, by_column = credit @ columns, rows @ credit
    moved = credit - (1 - value) * (by_row[:, None] + by_column[None, :])
    spread = float((joint * moved**2).sum()) - (observed - 2 * (1 - value) * chance) ** 2
    return _t_interval(value, math.sqrt(max(spread, 0.0) / n) / (1 - chance), n, level)
