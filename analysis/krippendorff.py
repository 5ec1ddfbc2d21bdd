"""Krippendorff's α at every measurement level, for the data and for all bootstrap draws at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse, stats

from analysis.estimates import Estimate
from analysis.ratings import Floats, Level, rating_table
from analysis.resampling import UnitBootstrap, unit_interval

ONE_CATEGORY = "all ratings fall into one category"
NO_PAIRS = "no unit has two or more ratings"
CATEGORIES_AT_MOST = 4000
"""Categories up to which a matrix of distances is built; only the ratio and custom levels need one."""
Distance = Callable[[Floats, Floats], Floats]


def krippendorff_alpha(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    level: Level | str,
    values: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    distance: ArrayLike | Distance | None = None,
    bootstrap: UnitBootstrap | None = None,
    coverage: float = 0.95,
) -> Estimate:
    """Krippendorff's α (2011): 1 − observed over expected disagreement; missing ratings are allowed.

    Args:
        counts: (units, categories) whole numbers; or
        ratings: (raters, units) numbers or labels, NaN or None where missing. Units with one rating are left out, as
            α demands.
        level: measurement level of the categories.
        values: (categories,) numbers of the categories, ascending for the ordinal level; needed unless nominal, where
            the categories are not numbers themselves.
        categories: with ``ratings`` of labels, all categories in order.
        distance: for the custom level, the squared difference of two categories: a symmetric (K, K) matrix with zeros
            on its diagonal, or a function of two arrays of values that broadcasts.
        bootstrap: resample units for the interval; ``None`` takes the linearised standard error and t.
        coverage: of the interval.

    Returns:
        α with its interval; ``n`` is the number of pairable ratings.

    Raises:
        ValueError: when a level other than nominal comes without values, or the shapes do not fit.
    """
    kind = Level(level)
    table = rating_table(counts, ratings=ratings, categories=categories, values=values)
    if (distance is None) == (kind is Level.CUSTOM):
        raise ValueError(f"Expected a distance with the custom level and with no other, got the {kind} level.")
    if kind not in (Level.NOMINAL, Level.CUSTOM) and not table.ordered:
        raise ValueError(f"Expected the values of the categories at the {kind} level, got none. Pass values=.")
    everything = table.sparse_counts()
    paired = everything[(everything.sum(axis=1) >= 2).nonzero()[0]]
    pairable = int(paired.sum())
    if pairable == 0:
        return Estimate.undefined(NO_PAIRS)
    if (paired.sum(axis=0) > 0).sum() < 2:
        return Estimate.undefined(ONE_CATEGORY, n=pairable)
    disagreement = _disagreement(paired, table.values, kind, distance)
    units = paired.shape[0]
    value = float(disagreement.alpha(np.ones((1, units)))[0])
    if np.isnan(value):
        return Estimate.undefined("no two categories in use differ under this distance", n=pairable)
    if units < 2:
        return Estimate(value=value, n=pairable, level=coverage, reason="no interval: it needs two or more units")
    if bootstrap is not None:
        drawn = np.concatenate(
            [
                disagreement.alpha(weights)
                for weights in bootstrap.weights(units, width=1 if kind is Level.INTERVAL else table.values.size)
            ]
        )
        return unit_interval(value, drawn, n=pairable, level=coverage, units=units)
    moved = disagreement.influence()
    error = float(np.sqrt(units / (units - 1) * np.square(moved - moved.mean()).sum()))
    half = float(stats.t.ppf(0.5 + coverage / 2, units - 1)) * error
    return Estimate(
        value=value,
        n=pairable,
        low=value - half,
        high=min(1.0, value + half),
        standard_error=error,
        level=coverage,
        method=f"linearised, t({units - 1}) over units",
    )


@dataclass(frozen=True)
class _Disagreement:
    """Sums behind α. Units may be weighted; every unit has two or more ratings.

    With w the weights of units, t the weighted totals of categories, P = Σ w·m the pairable ratings and δ the squared
    difference of categories: N = Σ_u w_u Σ_cd n_uc n_ud δ_cd / (m_u − 1), D = Σ_cd t_c t_d δ_cd,
    α = 1 − (P − 1)·N / D.
    """

    table: sparse.csr_array
    sizes: Floats

    def alpha(self, weights: Floats) -> Floats:
        """α for (B, units) weights, NaN where undefined."""
        pairable = weights @ self.sizes
        observed, expected = self.sums(weights)
        scale = pairable * pairable
        ratio = np.divide(
            (pairable - 1) * observed, expected, out=np.full_like(observed, np.nan), where=expected > 1e-12 * scale
        )
        return np.asarray(1 - ratio, dtype=float)

    def sums(self, weights: Floats) -> tuple[Floats, Floats]:
        """N and D, (B,) each, from (B, units) weights."""
        raise NotImplementedError

    def totals(self, weights: Floats) -> Floats:
        """(B, K) weighted totals of the categories."""
        return np.asarray(weights @ self.table, dtype=float)

    def influence(self) -> Floats:
        """How α moves with the weight of each unit at weights of one: (units,) derivatives."""
        raise NotImplementedError

    def _influence(self, own: Floats, own_expected: Floats, expected: float) -> Floats:
        """From how N and D move with each unit; (P − 1)·N / D by the rules of products and quotients."""
        pairable, observed = float(self.sizes.sum()), float(own.sum())
        by_n = (pairable - 1) * own + self.sizes * observed
        return np.asarray(-(by_n / expected - (pairable - 1) * observed * own_expected / expected**2), dtype=float)


@dataclass(frozen=True)
class _Nominal(_Disagreement):
    def _own(self) -> Floats:
        squares = np.asarray(self.table.multiply(self.table).sum(axis=1), dtype=float).ravel()
        return np.asarray((self.sizes**2 - squares) / (self.sizes - 1), dtype=float)

    def sums(self, weights: Floats) -> tuple[Floats, Floats]:
        return weights @ self._own(), np.square(weights @ self.sizes) - np.square(self.totals(weights)).sum(axis=1)

    def influence(self) -> Floats:
        totals = np.asarray(self.table.sum(axis=0), dtype=float).ravel()
        pairable = float(totals.sum())
        return self._influence(
            self._own(), 2 * (self.sizes * pairable - self.table @ totals), pairable**2 - float(totals @ totals)
        )


@dataclass(frozen=True)
class _Metric(_Disagreement):
    """Squared differences of positions: the values themselves, or, ordinal, the middles of the cumulated totals."""

    values: Floats
    ordinal: bool

    def _positions(self, totals: Floats) -> Floats:
        if not self.ordinal:
            return np.broadcast_to(self.values - self.values.mean(), totals.shape)
        share = totals / totals.sum(axis=1, keepdims=True)
        return np.asarray(np.cumsum(share, axis=1) - share / 2 - 0.5, dtype=float)

    def _own(self, positions: Floats) -> Floats:
        """(units, B) disagreement within each unit for (B, K) positions."""
        linear, square = self.table @ positions.T, self.table @ np.square(positions).T
        sizes = self.sizes[:, None]
        return np.asarray(2 * (sizes * square - linear**2) / (sizes - 1), dtype=float)

    def sums(self, weights: Floats) -> tuple[Floats, Floats]:
        if self.ordinal:
            totals = self.totals(weights)
            positions = self._positions(totals)
            observed = np.einsum("bu,ub->b", weights, self._own(positions))
            linear, square = (totals * positions).sum(axis=1), (totals * positions**2).sum(axis=1)
        else:  # sums over units suffice, so continuous ratings cost no more than five categories
            place = self.values - self.values.mean()
            observed = weights @ self._own(place[None, :])[:, 0]
            linear, square = weights @ (self.table @ place), weights @ (self.table @ place**2)
        return observed, np.asarray(2 * ((weights @ self.sizes) * square - linear**2), dtype=float)

    def influence(self) -> Floats:
        totals = np.asarray(self.table.sum(axis=0), dtype=float).ravel()
        place = self._positions(totals[None, :])[0]
        own = self._own(place[None, :])[:, 0]
        pairable, linear, square = float(totals.sum()), float(totals @ place), float(totals @ place**2)
        away = pairable * place**2 - 2 * place * linear + square
        own_expected = 2 * (self.table @ away)
        if self.ordinal:  # the positions move with the totals, too
            mean = (self.table @ place) / (self.sizes - 1)
            by_unit = self.table.T @ (self.sizes / (self.sizes - 1))
            slope_observed = 4 * (by_unit * place - self.table.T @ mean)
            slope_expected = 4 * totals * (pairable * place - linear)
            own = own + self._by_positions(slope_observed, totals)
            own_expected = own_expected + self._by_positions(slope_expected, totals)
        expected = 2 * (pairable * square - linear**2)
        return self._influence(own, own_expected, expected)

    def _by_positions(self, slope: Floats, totals: Floats) -> Floats:
        """Change of a sum through the positions, which are shares: d place_c = (cum_c − n_c/2 − m·place_c) / P."""
        pairable = float(totals.sum())
        raw = (np.cumsum(totals) - totals / 2) / pairable
        onward = np.cumsum(slope[::-1])[::-1]
        return np.asarray((self.table @ (onward - slope / 2) - self.sizes * float(slope @ raw)) / pairable, dtype=float)


@dataclass(frozen=True)
class _Distances(_Disagreement):
    distances: Floats

    def _own(self) -> Floats:
        across = np.asarray(self.table.multiply(self.table @ self.distances).sum(axis=1), dtype=float).ravel()
        return np.asarray(across / (self.sizes - 1), dtype=float)

    def sums(self, weights: Floats) -> tuple[Floats, Floats]:
        totals = self.totals(weights)
        return weights @ self._own(), ((totals @ self.distances) * totals).sum(axis=1)

    def influence(self) -> Floats:
        totals = np.asarray(self.table.sum(axis=0), dtype=float).ravel()
        away = self.distances @ totals
        return self._influence(self._own(), 2 * (self.table @ away), float(totals @ away))


def _disagreement(
    table: sparse.csr_array, values: Floats, level: Level, distance: ArrayLike | Distance | None
) -> _Disagreement:
    sizes = np.asarray(table.sum(axis=1), dtype=float).ravel()
    if level is Level.NOMINAL:
        return _Nominal(table, sizes)
    if level in (Level.ORDINAL, Level.INTERVAL):
        if level is Level.ORDINAL and (np.diff(values) <= 0).any():
            raise ValueError(f"Expected ascending values at the ordinal level, got {values.tolist()[:8]}.")
        return _Metric(table, sizes, values, level is Level.ORDINAL)
    if values.size > CATEGORIES_AT_MOST:
        raise ValueError(
            f"Expected at most {CATEGORIES_AT_MOST} values at the {level} level, got {values.size}. Round them."
        )
    first, second = values[:, None], values[None, :]
    if level is Level.RATIO:
        if (values < 0).any():
            raise ValueError(f"Expected values of 0 or more at the ratio level, got {values.min()}.")
        both = first + second
        return _Distances(
            table, sizes, np.square(np.divide(first - second, both, out=np.zeros_like(both), where=both > 0))
        )
    custom = np.asarray(distance(first, second) if callable(distance) else distance, dtype=float)
    custom = np.broadcast_to(custom, (values.size, values.size)) if callable(distance) else custom
    if custom.shape != (values.size, values.size):
        raise ValueError(f"Expected distances of shape {(values.size, values.size)}, got {custom.shape}.")
    if not np.allclose(custom, custom.T) or np.diag(custom).any() or (custom < 0).any():
        raise ValueError("Expected symmetric distances of 0 or more with zeros on the diagonal.")
    return _Distances(table, sizes, custom)
