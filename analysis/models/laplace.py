"""The marginal likelihood of crossed random intercepts: Laplace's approximation with its gradient, and quadrature.

Model: η = Xβ + Σ_f θ_f·u_f[group of the answer in f], u independent standard normal, θ_f the standard deviations. For
given parameters u is set to its mode by Newton's method; then log L ≈ ℓ(û) − û'û/2 − log det H / 2 with
H = I + ΛZ'WZΛ (Tierney and Kadane 1986; Bates et al. 2015 for the spherical form). H consists of a diagonal block, that
of the factor with most levels, bordered by the others; eliminating it leaves a dense matrix of the small factors only,
60 × 60 for 300 participants and 60 summaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, sparse, special

from analysis.models.families import Derivatives, Family, Floats, Integers

NEWTON_STEPS = 100
MODE_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Crossing:
    """Which group of which factor each answer belongs to; the factor with most levels comes first.

    Attributes:
        codes: one (N,) array of codes from 0 per factor.
        sizes: levels of each factor.
    """

    codes: tuple[Integers, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, codes: Sequence[Integers]) -> Crossing:
        """From one array of codes per factor, the factor with most levels first."""
        return cls(tuple(codes), tuple(int(own.max(initial=-1)) + 1 for own in codes))

    @property
    def starts(self) -> list[int]:
        """Where each factor's effects begin in the vector of all."""
        return [sum(self.sizes[:at]) for at in range(len(self.sizes))]

    @property
    def width(self) -> int:
        """Number of effects of all factors."""
        return sum(self.sizes)

    def cut(self, effects: Floats) -> list[Floats]:
        """The effects of each factor."""
        return [effects[start : start + size] for start, size in zip(self.starts, self.sizes, strict=True)]

    def per_answer(self, effects: Floats) -> Floats:
        """(F, N) effect of each factor on each answer."""
        return np.stack([own[codes] for own, codes in zip(self.cut(effects), self.codes, strict=True)])

    def gathered(self, values: Floats, deviations: Floats) -> Floats:
        """ΛZ'·values: sums over each group, times the factor's standard deviation."""
        sums = [
            deviation * np.bincount(codes, values, minlength=size)
            for deviation, codes, size in zip(deviations, self.codes, self.sizes, strict=True)
        ]
        return np.concatenate(sums) if sums else np.zeros(0)


@dataclass(frozen=True)
class Curvature:
    """H of one set of weights, factorised.

    Attributes:
        corner: (q₁,) its diagonal block, of the first factor.
        border: (q₁, q₂) between the first factor and the others.
        schur: Cholesky factor of what is left of the others.
        log_determinant: of H.
    """

    crossing: Crossing
    corner: Floats
    border: Floats
    schur: tuple[Floats, bool]
    log_determinant: float

    @classmethod
    def of(cls, crossing: Crossing, weight: Floats, deviations: Floats) -> Curvature:
        """Build and factorise H for (N,) weights."""
        first, others = crossing.sizes[0], sum(crossing.sizes[1:])
        corner = 1 + deviations[0] ** 2 * np.bincount(crossing.codes[0], weight, minlength=first)
        border, rest = np.zeros((first, others)), np.eye(others)
        starts = [start - first for start in crossing.starts]
        for at in range(1, len(crossing.sizes)):
            place = slice(starts[at], starts[at] + crossing.sizes[at])
            border[:, place] = deviations[0] * deviations[at] * _cells(crossing, 0, at, weight)
            for other in range(1, len(crossing.sizes)):
                across = slice(starts[other], starts[other] + crossing.sizes[other])
                rest[place, across] += deviations[at] * deviations[other] * _cells(crossing, at, other, weight)
        schur = linalg.cho_factor(rest - border.T @ (border / corner[:, None]), lower=True)
        logs = float(np.log(corner).sum()) + 2 * float(np.log(np.diag(schur[0])).sum())
        return cls(crossing, corner, border, schur, logs)

    def solve(self, right: Floats) -> Floats:
        """H⁻¹·right."""
        first, others = right[: self.corner.size], right[self.corner.size :]
        if not others.size:
            return first / self.corner
        below = linalg.cho_solve(self.schur, others - self.border.T @ (first / self.corner))
        return np.concatenate([(first - self.border @ below) / self.corner, below])

    def leverages(self, deviations: Floats) -> Floats:
        """(F, N) entry of H⁻¹Λz at the answer's own group in each factor, z being the answer's groups."""
        crossing, count = self.crossing, self.crossing.sizes[0]
        inverse = linalg.cho_solve(self.schur, np.eye(self.border.shape[1])) if self.border.shape[1] else self.border.T
        mixed = -(self.border / self.corner[:, None]) @ inverse if self.border.shape[1] else self.border
        own = 1 / self.corner - np.einsum("ij,ij->i", mixed, self.border) / self.corner
        starts = [start - count for start in crossing.starts]
        out = np.zeros((len(crossing.codes), crossing.codes[0].size))
        for at, codes in enumerate(crossing.codes):
            for other, others in enumerate(crossing.codes):
                if at == other == 0:
                    entry = own[codes]
                elif at == 0 or other == 0:
                    side, top = (other, others) if at == 0 else (at, codes)
                    entry = mixed[crossing.codes[0], starts[side] + top]
                else:
                    entry = inverse[starts[at] + codes, starts[other] + others]
                out[at] += deviations[other] * entry
        return out


def _cells(crossing: Crossing, first: int, second: int, weight: Floats) -> Floats:
    rows, columns = crossing.sizes[first], crossing.sizes[second]
    keys = crossing.codes[first] * columns + crossing.codes[second]
    sums = np.bincount(keys, weight, minlength=rows * columns)
    return np.asarray(sums, dtype=float).reshape(rows, columns)


@dataclass
class MarginalLikelihood:
    """Log-likelihood of the fixed parameters with the random effects integrated out.

    Parameters are one vector: thresholds, coefficients, standard deviations (of either sign; the likelihood is even).

    Attributes:
        family: likelihood of an answer.
        design: (N, P) fixed effects.
        crossing: the factors; with none of them this is an ordinary regression.
        nodes: of Gauss–Hermite quadrature; 1 is Laplace's approximation. More need exactly one factor.
    """

    family: Family
    design: Floats
    crossing: Crossing
    nodes: int = 1
    _modes: Floats = field(init=False)

    def __post_init__(self) -> None:
        if self.nodes < 1 or (self.nodes > 1 and len(self.crossing.codes) != 1):
            raise ValueError(
                f"Expected one quadrature node (Laplace), or more with exactly one factor, got {self.nodes} nodes and "
                f"{len(self.crossing.codes)} factors."
            )
        self._modes = np.zeros(self.crossing.width)

    def cut(self, parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """Thresholds, coefficients and standard deviations."""
        first, second = self.family.thresholds, self.family.thresholds + self.design.shape[1]
        return parameters[:first], parameters[first:second], parameters[second:]

    def modes(self, parameters: Floats) -> tuple[Floats, Floats, Derivatives]:
        """Most probable effects (q,), linear predictors (N,) and derivatives there; starts from the last ones."""
        thresholds, coefficients, deviations = self.cut(parameters)
        fixed = self.design @ coefficients
        if not self.crossing.codes:
            return self._modes, fixed, self.family.at(fixed, thresholds)
        effects = self._modes
        eta = fixed + deviations @ self.crossing.per_answer(effects)
        objective = float(self.family.value(eta, thresholds).sum()) - effects @ effects / 2
        derivatives = self.family.at(eta, thresholds)
        for _ in range(NEWTON_STEPS):
            curvature = Curvature.of(self.crossing, derivatives.weight, deviations)
            slope = self.crossing.gathered(derivatives.slope, deviations) - effects
            step = curvature.solve(slope)
            gain = float(slope @ step)
            if not np.isfinite(gain) or gain < MODE_TOLERANCE**2:
                break
            length = 1.0
            while True:
                moved = effects + length * step
                eta = fixed + deviations @ self.crossing.per_answer(moved)
                reached = float(self.family.value(eta, thresholds).sum()) - moved @ moved / 2
                if reached >= objective - 1e-9 * (1 + abs(objective)) or length < 1e-8:
                    break
                length /= 2
            effects, objective = moved, reached
            derivatives = self.family.at(eta, thresholds)
            if gain < MODE_TOLERANCE:
                break
        if np.isfinite(effects).all():
            self._modes = effects
        return effects, eta, derivatives

    def value(self, parameters: Floats) -> float:
        """Log-likelihood; minus infinity where thresholds are out of order."""
        return self._laplace(parameters)[0] if self.nodes == 1 else self._quadrature(parameters)

    def value_and_gradient(self, parameters: Floats) -> tuple[float, Floats]:
        """Log-likelihood and its gradient: exact for Laplace, by central differences for quadrature."""
        if self.nodes == 1:
            return self._laplace(parameters)
        gradient = np.empty_like(parameters)
        for at, number in enumerate(parameters):
            width = 1e-4 * (1 + abs(number))
            step = width * np.eye(parameters.size)[at]
            gradient[at] = (self._quadrature(parameters + step) - self._quadrature(parameters - step)) / (2 * width)
        return self._quadrature(parameters), gradient

    def _laplace(self, parameters: Floats) -> tuple[float, Floats]:
        thresholds, _, deviations = self.cut(parameters)
        effects, eta, at = self.modes(parameters)
        value, slope = float(self.family.value(eta, thresholds).sum()), at.slope
        moved = self.family.by_thresholds(eta, thresholds)
        by_threshold = moved.value.sum(axis=0)
        if not self.crossing.codes:
            return value, np.concatenate([by_threshold, self.design.T @ slope])
        curvature = Curvature.of(self.crossing, at.weight, deviations)
        value += -float(effects @ effects) / 2 - curvature.log_determinant / 2
        # d log det H = Σ dW·h + 2·Σ W·c dθ, and W moves with η, which moves with the modes: du = H⁻¹ dg.
        entries = curvature.leverages(deviations)
        leverage = deviations @ entries
        bend = at.weight_slope * leverage
        adjoint = curvature.solve(self.crossing.gathered(bend, deviations))
        through = self.crossing.per_answer(adjoint)
        pull = deviations @ through
        own = self.crossing.per_answer(effects)
        by_coefficient = self.design.T @ (slope - (bend - pull * at.weight) / 2)
        by_deviation = (
            own @ slope - (2 * entries @ at.weight + own @ bend + through @ slope - own @ (pull * at.weight)) / 2
        )
        by_threshold = by_threshold - (leverage @ moved.weight + pull @ moved.slope) / 2
        return value, np.concatenate([by_threshold, by_coefficient, by_deviation])

    def _quadrature(self, parameters: Floats) -> float:
        """Adaptive Gauss–Hermite quadrature around the mode of each group (Pinheiro and Bates 1995)."""
        thresholds, coefficients, deviations = self.cut(parameters)
        effects, _, at = self.modes(parameters)
        codes, size = self.crossing.codes[0], self.crossing.sizes[0]
        scale = np.sqrt(2 / Curvature.of(self.crossing, at.weight, deviations).corner)
        nodes, weights = np.polynomial.hermite.hermgauss(self.nodes)
        points = effects[:, None] + scale[:, None] * nodes
        eta = (self.design @ coefficients)[:, None] + deviations[0] * points[codes]
        answers = self.family.value(eta, thresholds)
        within = sparse.csr_array((np.ones(codes.size), (codes, np.arange(codes.size))), shape=(size, codes.size))
        sums = within @ answers
        heights = sums - points**2 / 2 + nodes**2 + np.log(weights)
        logs = special.logsumexp(heights, axis=1) + np.log(scale) - np.log(2 * np.pi) / 2
        return float(logs.sum())
