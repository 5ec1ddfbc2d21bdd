"""Intraclass correlations: agreement of raters on numbers, such as ratings of coherence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.estimates import Estimate
from analysis.ratings import Floats
from analysis.resampling import UnitBootstrap, unit_interval


class IntraclassForm(StrEnum):
    """Forms in the notation of McGraw and Wong (1996); Shrout and Fleiss (1979) in brackets.

    ``1`` raters differ from unit to unit; ``A`` the same raters, absolute agreement; ``C`` the same raters, consistency
    (a rater's constant offset does not count). The second letter: reliability of one rating, or of the mean of k.
    """

    ONE_WAY_SINGLE = "1,1"
    AGREEMENT_SINGLE = "A,1"
    CONSISTENCY_SINGLE = "C,1"
    ONE_WAY_MEAN = "1,k"
    AGREEMENT_MEAN = "A,k"
    CONSISTENCY_MEAN = "C,k"


@dataclass(frozen=True)
class _MeanSquares:
    """Mean squares of a complete (units × raters) table; arrays (B,) over weightings of the units."""

    units: int
    raters: int
    between: Floats
    within: Floats
    columns: Floats
    residual: Floats

    @classmethod
    def of(cls, ratings: Floats, weights: Floats) -> _MeanSquares:
        raters, units = ratings.shape
        centred = ratings - ratings.mean()
        means = centred.mean(axis=0)
        grand = weights @ means / units
        between = raters * (weights @ means**2 - units * grand**2)
        total = weights @ np.square(centred).sum(axis=0) - units * raters * grand**2
        by_rater = weights @ centred.T / units
        columns = units * (np.square(by_rater).sum(axis=1) - raters * grand**2)
        return cls(
            units=units,
            raters=raters,
            between=between / (units - 1),
            within=(total - between) / (units * (raters - 1)),
            columns=columns / (raters - 1),
            residual=np.maximum(total - between - columns, 0.0) / ((units - 1) * (raters - 1)),
        )

    def correlation(self, form: IntraclassForm) -> Floats:
        """(B,) coefficients, NaN where there is no variance at all."""
        k, n = self.raters, self.units
        kind, mean = form.value[0], form.value.endswith("k")
        noise = self.within if kind == "1" else self.residual
        offset = (self.columns - self.residual) / n if kind == "A" else np.zeros_like(noise)
        below = self.between + offset + (0 if mean else (k - 1) * (noise + offset))
        return np.divide(self.between - noise, below, out=np.full_like(below, np.nan), where=np.abs(below) > 1e-12)


def intraclass_correlation(
    ratings: ArrayLike,
    *,
    form: IntraclassForm | str,
    level: float = 0.95,
    bootstrap: UnitBootstrap | None = None,
) -> Estimate:
    """Intraclass correlation (Shrout and Fleiss 1979) with the F interval of McGraw and Wong (1996).

    Args:
        ratings: (raters, units) numbers, complete.
        form: which of the six coefficients, such as ``"A,1"``.
        level: coverage of the interval.
        bootstrap: resample units for the interval instead.

    Returns:
        The coefficient, ``n`` units; undefined where ratings are missing, or without two raters, two units or variance.

    Raises:
        ValueError: when ratings are not two-dimensional.
    """
    table = np.asarray(ratings, dtype=float)
    kind = IntraclassForm(form)
    if table.ndim != 2:
        raise ValueError(f"Expected ratings of shape (raters, units), got shape {table.shape}.")
    raters, units = table.shape
    if raters < 2 or units < 2:
        return Estimate.undefined(f"it needs two raters and two units, there are {raters} and {units}", n=units)
    missing = int(np.isnan(table).sum())
    if missing:
        reason = f"{missing} of {table.size} ratings are missing; a mixed model can use incomplete ratings"
        return Estimate.undefined(reason, n=units)
    squares = _MeanSquares.of(table, np.ones((1, units)))
    value = float(squares.correlation(kind)[0])
    if np.isnan(value):
        return Estimate.undefined("the ratings do not vary", n=units)
    if bootstrap is not None:
        drawn = [_MeanSquares.of(table, draw).correlation(kind) for draw in bootstrap.weights(units)]
        return unit_interval(value, np.concatenate(drawn), n=units, level=level, units=units)
    if float(squares.within[0]) <= 0 or float(squares.residual[0]) <= 0:
        return Estimate(value=value, n=units, level=level, reason="no interval: the residuals do not vary")
    low, high = _f_interval(squares, kind, level)
    return Estimate(value=value, n=units, low=low, high=high, level=level, method="F (McGraw and Wong 1996)")


def _f_interval(squares: _MeanSquares, form: IntraclassForm, level: float) -> tuple[float, float]:
    k, n, tail = squares.raters, squares.units, 0.5 + level / 2
    between, columns = float(squares.between[0]), float(squares.columns[0])
    residual = float(squares.residual[0])
    if form.value[0] == "A":
        single = float(squares.correlation(IntraclassForm.AGREEMENT_SINGLE)[0])
        a = k * single / (n * (1 - single))
        b = 1 + k * single * (n - 1) / (n * (1 - single))
        freedom = (a * columns + b * residual) ** 2 / (
            (a * columns) ** 2 / (k - 1) + (b * residual) ** 2 / ((n - 1) * (k - 1))
        )
        upper, lower = float(stats.f.ppf(tail, n - 1, freedom)), float(stats.f.ppf(tail, freedom, n - 1))
        noise = k * columns + (k * n - k - n) * residual
        low = n * (between - upper * residual) / (upper * noise + n * between)
        high = n * (lower * between - residual) / (noise + n * lower * between)
        if form.value.endswith("k"):
            low, high = k * low / (1 + (k - 1) * low), k * high / (1 + (k - 1) * high)
        return low, high
    noise, freedom = (float(squares.within[0]), n * (k - 1)) if form.value[0] == "1" else (residual, (n - 1) * (k - 1))
    ratio = between / noise
    first = ratio / float(stats.f.ppf(tail, n - 1, freedom))
    last = ratio * float(stats.f.ppf(tail, freedom, n - 1))
    if form.value.endswith("k"):
        return 1 - 1 / first, 1 - 1 / last
    return (first - 1) / (first + k - 1), (last - 1) / (last + k - 1)
