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
    """Derivatives of the log-likelihoods ℓ of N answers by their linear predictors η.

    Attributes:
        slope: (N,) dℓ/dη.
        weight: (N,) −d²ℓ/dη², never negative.
        weight_slope: (N,) −d³ℓ/dη³.
    """

    slope: Floats
    weight: Floats
    weight_slope: Floats


@dataclass(frozen=True)
class ThresholdDerivatives:
    """Derivatives by the thresholds τ, (N, T) each: dℓ/dτ, d²ℓ/dη dτ and −d³ℓ/dη² dτ."""

    value: Floats
    slope: Floats
    weight: Floats


class Family(Protocol):
    """A likelihood with T extra parameters besides the linear predictor."""

    @property
    def thresholds(self) -> int:
        """T."""

    def value(self, eta: Floats, thresholds: Floats) -> Floats:
        """ℓ; ``eta`` is (N,) or (N, Q)."""

    def at(self, eta: Floats, thresholds: Floats) -> Derivatives:
        """Derivatives by (N,) linear predictors."""

    def by_thresholds(self, eta: Floats, thresholds: Floats) -> ThresholdDerivatives:
        """Derivatives by the thresholds."""


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
        """Derivatives by η."""
        share = special.expit(eta)
        weight = self.trials * share * (1 - share)
        return Derivatives(self.successes - self.trials * share, weight, weight * (1 - 2 * share))

    def by_thresholds(self, eta: Floats, thresholds: Floats) -> ThresholdDerivatives:
        """There are none."""
        none = np.zeros((eta.size, 0))
        return ThresholdDerivatives(none, none, none)


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
        """Derivatives by η."""
        upper, lower = self._bounds(thresholds)
        above, below = special.expit(upper - eta), special.expit(lower - eta)
        dense_above, dense_below = above * (1 - above), below * (1 - below)
        bend = dense_above * (1 - 2 * above) + dense_below * (1 - 2 * below)
        return Derivatives(above - 1 + below, dense_above + dense_below, -bend)

    def by_thresholds(self, eta: Floats, thresholds: Floats) -> ThresholdDerivatives:
        """Derivatives by the thresholds above and below each answer; all others are 0."""
        upper, lower = self._bounds(thresholds)
        above, below = special.expit(upper - eta), special.expit(lower - eta)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            gap = 1 / np.expm1(upper - lower)
        value, slope, weight = (np.zeros((eta.size, self.thresholds)) for _ in range(3))
        for rows, shift, share, by_value in (
            (np.flatnonzero(self.answers < self.thresholds), 0, above, 1 - above + gap),
            (np.flatnonzero(self.answers > 0), -1, below, -below - gap),
        ):
            at, own = self.answers[rows] + shift, share[rows]
            dense = own * (1 - own)
            value[rows, at] += by_value[rows]
            slope[rows, at] += dense
            weight[rows, at] += dense * (1 - 2 * own)
        return ThresholdDerivatives(value, slope, weight)
