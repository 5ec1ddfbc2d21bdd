"""Likelihoods of one answer given its linear predictor, with the derivatives that Laplace's approximation needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Derivatives:
    """Log-likelihood of N answers and its derivatives.

    Attributes:
        value: (N,) log-likelihood ℓ.
        slope: (N,) dℓ/dη.
        weight: (N,) −d²ℓ/dη², never negative.
        weight_slope: (N,) −d³ℓ/dη³.
        value_by_threshold: (N, T) dℓ/dτ for T thresholds, as are the next two.
        slope_by_threshold: (N, T) d²ℓ/dη dτ.
        weight_by_threshold: (N, T) −d³ℓ/dη² dτ.
    """

    value: Floats
    slope: Floats
    weight: Floats
    weight_slope: Floats
    value_by_threshold: Floats
    slope_by_threshold: Floats
    weight_by_threshold: Floats


class Family(Protocol):
    """A likelihood with T extra parameters besides the linear predictor."""

    @property
    def thresholds(self) -> int:
        """T."""

    def at(self, eta: Floats, thresholds: Floats) -> Derivatives:
        """ℓ and its derivatives at (N,) linear predictors."""

    def value(self, eta: Floats, thresholds: Floats) -> Floats:
        """ℓ alone; ``eta`` is (N,) or (N, Q)."""


@dataclass(frozen=True)
class Binomial:
    """Successes of trials with a logit link.

    Attributes:
        successes, trials: (N,) whole numbers; single answers have one trial.
    """

    successes: Floats
    trials: Floats
    thresholds: int = 0

    @property
    def constant(self) -> float:
        """Logarithm of the binomial coefficients, which no parameter changes but which belongs to the likelihood."""
        n, y = self.trials, self.successes
        return float((special.gammaln(n + 1) - special.gammaln(y + 1) - special.gammaln(n - y + 1)).sum())

    def value(self, eta: Floats, thresholds: Floats) -> Floats:
        """ℓ = y·η − n·log(1 + e^η)."""
        shape = (slice(None),) + (None,) * (eta.ndim - 1)
        return np.asarray(self.successes[shape] * eta - self.trials[shape] * np.logaddexp(0, eta), dtype=float)

    def at(self, eta: Floats, thresholds: Floats) -> Derivatives:
        """ℓ and its derivatives."""
        share = special.expit(eta)
        weight = self.trials * share * (1 - share)
        none = np.zeros((eta.size, 0))
        return Derivatives(
            value=self.value(eta, thresholds),
            slope=self.successes - self.trials * share,
            weight=weight,
            weight_slope=weight * (1 - 2 * share),
            value_by_threshold=none,
            slope_by_threshold=none,
            weight_by_threshold=none,
        )


@dataclass(frozen=True)
class CumulativeLogit:
    """Ordered answers: P(y ≤ k) = F(τ_k − η) with the logistic F (McCullagh 1980), K categories and K − 1 thresholds.

    F(a) − F(b) = F(a)·(1 − F(b))·(1 − e^(b−a)), and a − b is a difference of thresholds without η; so η enters through
    two plain logistic terms.

    Attributes:
        answers: (N,) codes 0 to K − 1.
        categories: K.
    """

    answers: Integers
    categories: int
    constant: float = 0.0

    @property
    def thresholds(self) -> int:
        """K − 1."""
        return self.categories - 1

    def _bounds(self, thresholds: Floats) -> tuple[Floats, Floats]:
        padded = np.concatenate([[-np.inf], thresholds, [np.inf]])
        return padded[self.answers + 1], padded[self.answers]

    def value(self, eta: Floats, thresholds: Floats) -> Floats:
        """ℓ = log F(a) + log(1 − F(b)) + log(1 − e^(b−a))."""
        upper, lower = self._bounds(thresholds)
        shape = (slice(None),) + (None,) * (eta.ndim - 1)
        above, below = upper[shape] - eta, lower[shape] - eta
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.log(-np.expm1(lower - upper))  # minus infinity where thresholds are out of order
        return np.asarray(special.log_expit(above) + special.log_expit(-below) + gap[shape], dtype=float)

    def at(self, eta: Floats, thresholds: Floats) -> Derivatives:
        """ℓ and its derivatives."""
        upper, lower = self._bounds(thresholds)
        above, below = special.expit(upper - eta), special.expit(lower - eta)
        dense_above, dense_below = above * (1 - above), below * (1 - below)
        bend_above, bend_below = dense_above * (1 - 2 * above), dense_below * (1 - 2 * below)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            gap = 1 / np.expm1(upper - lower)
        rows = np.arange(eta.size)
        by_value, by_slope, by_weight = (np.zeros((eta.size, self.thresholds)) for _ in range(3))
        has_upper, has_lower = self.answers < self.thresholds, self.answers > 0
        for rows_of, at, value, slope, weight in (
            (rows[has_upper], self.answers[has_upper], 1 - above + gap, dense_above, bend_above),
            (rows[has_lower], self.answers[has_lower] - 1, -below - gap, dense_below, bend_below),
        ):
            by_value[rows_of, at] += value[rows_of]
            by_slope[rows_of, at] += slope[rows_of]
            by_weight[rows_of, at] += weight[rows_of]
        return Derivatives(
            value=self.value(eta, thresholds),
            slope=above - 1 + below,
            weight=dense_above + dense_below,
            weight_slope=-(bend_above + bend_below),
            value_by_threshold=by_value,
            slope_by_threshold=by_slope,
            weight_by_threshold=by_weight,
        )
