"""Logistic and cumulative-link models with crossed random intercepts, from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from analysis.models.checks import (
    FEW_LEVELS,
    GRADIENT_TOLERANCE,
    SINGULAR_BELOW,
    ModelChecks,
    separated_columns,
)
from analysis.models.families import Binomial, CumulativeLogit, Floats
from analysis.models.fit import FittedModel, Maximum, approach, polish
from analysis.models.laplace import Crossing, MarginalLikelihood

START_DEVIATION = 0.7


@dataclass(frozen=True)
class _Factors:
    """Grouping factors, the one with most levels first."""

    names: tuple[str, ...]
    crossing: Crossing

    @classmethod
    def of(cls, groups: Mapping[str, ArrayLike], n: int) -> _Factors:
        coded = {}
        for name, labels in groups.items():
            codes, found = pd.factorize(np.asarray(labels), sort=True)
            if codes.size != n:
                raise ValueError(f"Expected one group of {name!r} per row ({n}), got {codes.size}.")
            if (codes < 0).any():
                raise ValueError(f"Expected a group of {name!r} in every row, got a missing one.")
            if len(found) < 2:
                raise ValueError(f"Expected two or more groups of {name!r}, got {len(found)}. Leave the factor out.")
            coded[str(name)] = codes.astype(np.int64)
        order = sorted(coded, key=lambda name: -int(coded[name].max()))
        return cls(tuple(order), Crossing.of([coded[name] for name in order]))


def fit_logistic(
    successes: ArrayLike,
    design: ArrayLike,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    trials: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    nodes: int = 1,
) -> FittedModel:
    """Logistic regression with crossed random intercepts, by maximum likelihood.

    Args:
        successes: (N,) whole numbers up to ``trials``; true and false where there is one trial.
        design: (N, P) fixed effects, with a column of ones for the intercept.
        groups: (N,) labels of each factor, by name, such as ``{"participant": …, "summary": …}``; none fits an
            ordinary logistic regression.
        trials: (N,) whole numbers; ``None`` is 1 each.
        names: of the columns.
        nodes: 1 is Laplace's approximation; more are nodes of adaptive Gauss–Hermite quadrature, for one factor only.

    Returns:
        The model with its checks. Standard errors come from the full Hessian, standard deviations included.

    Raises:
        ValueError: when shapes do not fit, columns depend on each other, or counts are no counts.
    """
    y = np.asarray(successes, dtype=float).ravel()
    n = np.ones_like(y) if trials is None else np.asarray(trials, dtype=float).ravel()
    columns, labels = _checked_design(design, y.size, names)
    if n.size != y.size or (n < 1).any() or (y < 0).any() or (y > n).any() or (y != np.floor(y)).any():
        raise ValueError("Expected whole successes between 0 and trials, and trials of 1 or more, in every row.")
    factors = _Factors.of(groups or {}, y.size)
    family = Binomial(y, n)
    scale = _scale(columns)
    likelihood = MarginalLikelihood(family, columns / scale, factors.crossing, nodes)
    start = np.concatenate([np.zeros(columns.shape[1]), np.full(len(factors.names), START_DEVIATION)])
    maximum = polish(likelihood.value_and_gradient, approach(likelihood.value_and_gradient, start))
    direction = np.where(y == n, 1, np.where(y == 0, -1, 0)).astype(float)
    separated = separated_columns(columns, direction, labels)
    dispersion = _dispersion(likelihood, maximum, y, n) if (n > 1).any() else None
    kind = "Logistic regression" if not factors.names else "Logistic mixed model"
    return _fitted(likelihood, maximum, factors, labels, scale, kind, family.constant, separated, dispersion)


def fit_cumulative_link(
    answers: ArrayLike,
    design: ArrayLike,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
    nodes: int = 1,
) -> FittedModel:
    """Cumulative-link model of ordered answers (McCullagh 1980) with a logit link and crossed random intercepts.

    P(y ≤ k) = F(τ_k − η): positive coefficients mean higher answers.

    Args:
        answers: (N,) ordered numbers, such as ratings 1 to 7; steps that nobody used have no threshold.
        design: (N, P) fixed effects without a column of ones, which the thresholds stand for; P may be 0.
        groups, names, nodes: as in :func:`fit_logistic`.

    Raises:
        ValueError: when shapes do not fit, columns depend on each other or on the thresholds, or all answers are alike.
    """
    ordered = np.asarray(answers, dtype=float).ravel()
    if np.isnan(ordered).any():
        raise ValueError("Expected an answer in every row, got a missing one. Leave it out.")
    steps, codes = np.unique(ordered, return_inverse=True)
    if steps.size < 2:
        raise ValueError(f"Expected answers of two or more kinds, got {steps.size}.")
    columns, labels = _checked_design(design, ordered.size, names, thresholds=True)
    factors = _Factors.of(groups or {}, ordered.size)
    family = CumulativeLogit(codes.astype(np.int64), int(steps.size))
    scale = _scale(columns)
    likelihood = MarginalLikelihood(family, columns / scale, factors.crossing, nodes)
    shares = np.cumsum(np.bincount(codes))[:-1] / ordered.size
    start = np.concatenate(
        [_to_gaps(special.logit(shares)), np.zeros(columns.shape[1]), np.full(len(factors.names), START_DEVIATION)]
    )
    count = family.thresholds

    def by_gaps(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood.value_and_gradient(_from_gaps(parameters, count))
        onward = np.cumsum(gradient[:count][::-1])[::-1]
        inner = np.concatenate([onward[:1], onward[1:] * np.exp(np.minimum(parameters[1:count], 50))])
        return value, np.concatenate([inner, gradient[count:]])

    near = _from_gaps(approach(by_gaps, start), count)
    maximum = polish(likelihood.value_and_gradient, near)
    kinds = pd.DataFrame(columns).assign(code=codes).drop_duplicates().to_numpy()
    ones = np.ones((len(kinds), 1))
    stacked = np.concatenate([np.column_stack([-ones * np.eye(count)[at], kinds[:, :-1]]) for at in range(count)])
    direction = np.concatenate([np.where(kinds[:, -1] > at, 1.0, -1.0) for at in range(count)])
    every = [*(f"threshold {at + 1}" for at in range(count)), *labels]
    separated = tuple(name for name in separated_columns(stacked, direction, every) if name in labels)
    kind = "Cumulative-link model" if not factors.names else "Cumulative-link mixed model"
    return _fitted(likelihood, maximum, factors, labels, scale, kind, 0.0, separated, None)


def _to_gaps(thresholds: Floats) -> Floats:
    gaps = np.log(np.diff(thresholds))
    return np.concatenate([thresholds[:1], gaps])


def _from_gaps(parameters: Floats, count: int) -> Floats:
    """Thresholds from the first one and logarithms of the gaps, so that they stay in order."""
    gaps = np.exp(np.minimum(parameters[1:count], 50))
    return np.concatenate([parameters[0] + np.concatenate([[0.0], np.cumsum(gaps)]), parameters[count:]])


def _checked_design(
    design: ArrayLike, n: int, names: Sequence[str] | None, *, thresholds: bool = False
) -> tuple[Floats, tuple[str, ...]]:
    columns = np.asarray(design, dtype=float)
    if columns.ndim != 2 or columns.shape[0] != n or n == 0:
        raise ValueError(f"Expected a design of shape ({n}, columns) with rows, got shape {columns.shape}.")
    if not np.isfinite(columns).all():
        raise ValueError("Expected finite numbers in the design, got missing or infinite ones.")
    labels = (
        tuple(str(name) for name in names) if names is not None else tuple(f"x{at}" for at in range(columns.shape[1]))
    )
    if len(labels) != columns.shape[1]:
        raise ValueError(f"Expected a name for each of {columns.shape[1]} columns, got {len(labels)}.")
    known = np.ones((n, 1)) if thresholds else np.zeros((n, 0))
    for at, label in enumerate(labels):
        wider = np.column_stack([known, columns[:, at]])
        if np.linalg.matrix_rank(wider) < wider.shape[1]:
            more = " (the thresholds stand for the intercept)" if thresholds else ""
            raise ValueError(
                f"Expected independent columns; {label!r} follows from those before it{more}. Leave it out."
            )
        known = wider
    return columns, labels


def _scale(columns: Floats) -> Floats:
    spread = np.abs(columns).max(axis=0, initial=0.0)
    return np.where(spread > 0, spread, 1.0)


def _dispersion(likelihood: MarginalLikelihood, maximum: Maximum, y: Floats, n: Floats) -> float:
    eta = likelihood.modes(maximum.parameters)[1]
    share = special.expit(eta)
    squares = (y - n * share) ** 2 / (n * share * (1 - share))
    return float(squares.sum() / max(1, y.size - maximum.parameters.size))


def _fitted(
    likelihood: MarginalLikelihood,
    maximum: Maximum,
    factors: _Factors,
    labels: tuple[str, ...],
    scale: Floats,
    kind: str,
    constant: float,
    separated: tuple[str, ...],
    dispersion: float | None,
) -> FittedModel:
    thresholds, coefficients, deviations = likelihood.cut(maximum.parameters)
    sizes = factors.crossing.sizes
    singular = np.abs(deviations) < SINGULAR_BELOW
    kept = np.concatenate([np.ones(maximum.parameters.size - deviations.size, dtype=bool), ~singular])
    information = maximum.information[np.ix_(kept, kept)]
    downward = bool((np.linalg.eigvalsh(information) > 0).all()) if information.size else True
    covariance = np.linalg.inv(information) if downward else np.linalg.pinv(information)
    per_error = float(np.sqrt(max(0.0, maximum.gradient[kept] @ covariance @ maximum.gradient[kept])))
    count, width = thresholds.size, coefficients.size
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    effects = likelihood.crossing.cut(likelihood.modes(maximum.parameters)[0])
    how = "" if not factors.names else ", Laplace" if likelihood.nodes == 1 else f", AGHQ with {likelihood.nodes} nodes"
    by_column = np.outer(scale, scale)
    return FittedModel(
        names=labels,
        coefficients=coefficients / scale,
        covariance=covariance[count : count + width, count : count + width] / by_column,
        thresholds=thresholds,
        threshold_errors=errors[:count],
        deviations={name: abs(float(own)) for name, own in zip(factors.names, deviations, strict=True)},
        effects={name: float(d) * own for name, d, own in zip(factors.names, deviations, effects, strict=True)},
        log_likelihood=maximum.value + constant,
        n=int(likelihood.design.shape[0]),
        groups=dict(zip(factors.names, sizes, strict=True)),
        freedom=None,
        method=f"{kind}{how}",
        checks=ModelChecks(
            converged=downward and per_error < GRADIENT_TOLERANCE,
            gradient=per_error,
            singular=tuple(name for name, flat in zip(factors.names, singular, strict=True) if flat),
            separated=separated,
            dispersion=dispersion,
            few_levels=tuple(name for name, size in zip(factors.names, sizes, strict=True) if size < FEW_LEVELS),
        ),
    )
