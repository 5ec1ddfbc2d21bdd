"""A fitted model, and the maximum of a likelihood by quasi-Newton steps polished by Newton's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from analysis.estimates import Estimate
from analysis.models.checks import ModelChecks
from analysis.models.families import Floats

POLISHING_STEPS = 6
LARGEST_STEP = 4.0
"""Parameters are on a logit scale and columns are scaled; a longer step leaves the region where anything is known."""


@dataclass(frozen=True)
class Coefficient:
    """One fixed effect on the logit scale.

    Attributes:
        name: of the column.
        estimate: value, standard error and Wald interval.
        statistic: z, or t where the reference has degrees of freedom.
        p_value: two-sided.
    """

    name: str
    estimate: Estimate
    statistic: float
    p_value: float

    @property
    def odds_ratio(self) -> Estimate:
        """exp of the estimate; its interval is not symmetric."""
        value, low, high = self.estimate.value, self.estimate.low, self.estimate.high
        if value is None or low is None or high is None:
            return self.estimate
        ratio, above = _exponential(value), _exponential(high)
        return Estimate(value=ratio, n=self.estimate.n, low=_exponential(low), high=above, level=self.estimate.level)


def _exponential(number: float) -> float:
    return math.exp(min(number, 700.0))


@dataclass(frozen=True)
class FittedModel:
    """A model with fixed effects on the logit scale and, where there are any, crossed random intercepts.

    Attributes:
        names: of the P fixed effects.
        coefficients: (P,) estimates.
        covariance: (P, P) of the coefficients, the uncertainty of everything else included.
        thresholds: (K − 1,) of a cumulative-link model; empty otherwise.
        threshold_errors: their standard errors.
        deviations: standard deviation of the intercepts of each factor.
        effects: most probable intercept of each group, in the order of the factor's codes, by factor.
        log_likelihood: full, binomial coefficients included; None for estimating equations.
        n: answers (rows).
        groups: number of groups of each factor.
        freedom: degrees of freedom of the t reference; None for normal.
        method: how it was fitted.
        checks: what was looked at.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    thresholds: Floats
    threshold_errors: Floats
    deviations: dict[str, float]
    effects: dict[str, Floats]
    log_likelihood: float | None
    n: int
    groups: dict[str, int]
    freedom: int | None
    method: str
    checks: ModelChecks

    @property
    def standard_errors(self) -> Floats:
        """(P,) of the coefficients."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def parameters(self) -> int:
        """Number of estimated parameters, standard deviations and thresholds included."""
        return len(self.names) + self.thresholds.size + len(self.deviations)

    @property
    def aic(self) -> float | None:
        """Akaike's criterion, 2·parameters − 2·log L; None without a likelihood."""
        return None if self.log_likelihood is None else 2 * self.parameters - 2 * self.log_likelihood

    def coefficient(self, name: str, *, level: float = 0.95) -> Coefficient:
        """One fixed effect by name.

        Raises:
            ValueError: when the model has no such column.
        """
        if name not in self.names:
            raise ValueError(f"Expected one of {', '.join(self.names)}, got {name!r}.")
        weights = np.zeros(len(self.names))
        weights[self.names.index(name)] = 1
        return self.combination(name, weights, level=level)

    def combination(self, name: str, weights: Floats, *, level: float = 0.95) -> Coefficient:
        """A linear combination of fixed effects with (P,) weights."""
        value = float(weights @ self.coefficients)
        error = math.sqrt(max(0.0, float(weights @ self.covariance @ weights)))
        if not self.checks.fine or not math.isfinite(error) or error == 0:
            reason = "; ".join(sentence for sentence in self.checks.sentences() if "no overdispersion" not in sentence)
            estimate = Estimate.undefined(reason, n=self.n) if not self.checks.fine else Estimate(value=value, n=self.n)
            return Coefficient(name, estimate, math.nan, math.nan)
        reference = stats.norm if self.freedom is None else stats.t(self.freedom)
        half = float(reference.ppf(0.5 + level / 2)) * error
        estimate = Estimate(
            value=value,
            n=self.n,
            low=value - half,
            high=value + half,
            standard_error=error,
            level=level,
            method="Wald" if self.freedom is None else f"t({self.freedom})",
        )
        return Coefficient(name, estimate, value / error, float(2 * reference.sf(abs(value / error))))

    def rows(self, *, level: float = 0.95) -> list[dict[str, Any]]:
        """The fixed effects as plain dictionaries, ready for a table."""
        return [
            {
                "term": name,
                "coefficient": own.estimate.value,
                "standard_error": own.estimate.standard_error,
                "low": own.estimate.low,
                "high": own.estimate.high,
                "odds_ratio": own.odds_ratio.value,
                "statistic": None if math.isnan(own.statistic) else own.statistic,
                "p_value": None if math.isnan(own.p_value) else own.p_value,
                "reason": own.estimate.reason,
            }
            for name in self.names
            for own in [self.coefficient(name, level=level)]
        ]

    def __str__(self) -> str:
        """The model as text: coefficients, spread of the intercepts, likelihood, checks."""
        width = max([len(name) for name in self.names] + [9])
        lines = [self.method, f"{'':{width}}  estimate  std.error  statistic        p"]
        for name, value, error in zip(self.names, self.coefficients, self.standard_errors, strict=True):
            own = self.coefficient(name)
            lines.append(f"{name:{width}} {value:9.4f}  {error:9.4f}  {own.statistic:9.3f} {own.p_value:8.2g}")
        if self.thresholds.size:
            lines.append("thresholds " + " ".join(f"{number:.4f}" for number in self.thresholds))
        for factor, deviation in self.deviations.items():
            lines.append(f"intercepts of {factor}: SD {deviation:.4f} over {self.groups[factor]} groups")
        if self.log_likelihood is not None:
            lines.append(f"log-likelihood {self.log_likelihood:.4f}, AIC {self.aic:.2f}, {self.n} rows")
        return "\n".join([*lines, *(f"- {sentence}" for sentence in self.checks.sentences())])


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is largest.

    Attributes:
        parameters: there.
        value: log-likelihood.
        information: (M, M) negative Hessian.
        gradient: (M,) at the end.
    """

    parameters: Floats
    value: float
    information: Floats
    gradient: Floats


def approach(function: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """Come near the maximum of a smooth log-likelihood by BFGS.

    Args:
        function: parameters to (value, gradient); the value may be minus infinity.
        start: (M,) where to begin.
    """

    def negative(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = function(parameters)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            return 1e300, np.zeros_like(parameters)
        return -value, -gradient

    if not start.size:
        return start
    found = optimize.minimize(negative, start, jac=True, method="BFGS", options={"gtol": 1e-4, "maxiter": 500})
    return np.asarray(found.x, dtype=float)


def polish(function: Callable[[Floats], tuple[float, Floats]], near: Floats, *, tolerance: float = 1e-8) -> Maximum:
    """From near a maximum to its exact digits by Newton's method, the Hessian from differences of the gradient.

    Args:
        function: as in :func:`approach`.
        near: (M,) from there.
        tolerance: gradient in units of standard errors that suffices.
    """
    parameters = near
    value, gradient = function(parameters)
    if not near.size:
        return Maximum(near, value, np.zeros((0, 0)), gradient)
    information = _information(function, parameters)
    for _ in range(POLISHING_STEPS):
        step = _step(information, gradient)
        if math.sqrt(max(0.0, float(gradient @ step))) < tolerance:
            break
        step *= min(1.0, LARGEST_STEP / max(1e-12, float(np.abs(step).max())))
        moved = parameters + step
        reached, slope = function(moved)
        if not np.isfinite(reached) or reached < value - 1e-7 * (1 + abs(value)):
            break
        parameters, value, gradient = moved, reached, slope
        information = _information(function, parameters)
    return Maximum(parameters, value, information, gradient)


def _step(information: Floats, gradient: Floats) -> Floats:
    """Newton's step, with directions of no or wrong curvature taken short."""
    values, vectors = np.linalg.eigh(information)
    safe = np.maximum(np.abs(values), 1e-6 * max(1.0, float(np.abs(values).max())))
    return np.asarray(vectors @ ((vectors.T @ gradient) / safe), dtype=float)


def _information(function: Callable[[Floats], tuple[float, Floats]], parameters: Floats) -> Floats:
    """Negative Hessian by central differences of the gradient."""
    size = parameters.size
    hessian = np.empty((size, size))
    for at in range(size):
        width = 1e-4 * (1 + abs(parameters[at]))
        step = width * np.eye(size)[at]
        hessian[at] = (function(parameters + step)[1] - function(parameters - step)[1]) / (2 * width)
    hessian = np.where(np.isfinite(hessian), hessian, 0.0)
    return np.asarray(-(hessian + hessian.T) / 2, dtype=float)
