"""The compare task: which of two summaries explains the class better. Bradley–Terry and Davidson models."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse.csgraph import connected_components

from analysis.estimates import Estimate
from analysis.resampling import CrossedTotals, Floats, TwoWayBootstrap

FIRST, SECOND, TIE = 1.0, 0.0, 0.5
ITERATIONS = 100
RIDGE_OF_DRAWS = 1e-3
"""Keeps a bootstrap draw finite in which an item happens never to lose."""


@dataclass(frozen=True)
class Preference:
    """A fitted model of paired comparisons.

    With worth π of each item, P(first better) : P(second better) : P(tie) = γ·π₁ : π₂ : ν·√(γ·π₁π₂); γ = 1 without an
    effect of the side, ν = 0 without ties (Bradley and Terry 1952, Davidson 1970, Davidson and Beaver 1977).

    Attributes:
        items: labels in order of worth, the best first.
        abilities: log π of each item, summing to 0, with intervals.
        shares: π of each item, summing to 1: of the comparisons among all items, how often it would be chosen.
        differences: log π of one item minus another for every pair, the better first; exp of it is the odds.
        tie: ν; undefined where no ties were possible or none occurred.
        side: log γ, above 0 when what stands first is preferred; undefined unless asked for.
        p_equal: likelihood ratio test that all items are alike; None where undefined.
        log_likelihood: of the fit; None where undefined.
        reason: why there is no fit; empty when there is.
    """

    items: tuple[Any, ...]
    abilities: dict[Any, Estimate]
    shares: dict[Any, Estimate]
    differences: dict[tuple[Any, Any], Estimate]
    tie: Estimate
    side: Estimate
    p_equal: float | None
    log_likelihood: float | None
    reason: str = ""


@dataclass(frozen=True)
class _Design:
    """Conditional logit form: (pairs, outcomes, parameters); outcomes are first, second and, with ties, tie."""

    matrix: Floats
    items: int
    ties: bool
    side: bool

    @classmethod
    def of(cls, pairs: list[tuple[int, int]], items: int, *, ties: bool, side: bool) -> _Design:
        width = items + int(ties) + int(side)
        matrix = np.zeros((len(pairs), 3 if ties else 2, width))
        for at, (first, second) in enumerate(pairs):
            matrix[at, 0, first] = matrix[at, 1, second] = 1
            if side:
                matrix[at, 0, -1] = 1
            if ties:
                matrix[at, 2, first] = matrix[at, 2, second] = 0.5
                matrix[at, 2, items] = 1
                if side:
                    matrix[at, 2, -1] = 0.5
        return cls(matrix, items, ties, side)

    def fit(self, counts: Floats, *, ridge: float) -> tuple[Floats, Floats, Floats]:
        """Newton's method for (B, pairs, outcomes) counts: parameters (B, p), log-likelihoods (B,), information.

        Items are kept at sum zero by adding the square of their sum to the objective, which changes no fit.
        """
        width = self.matrix.shape[2]
        parameters = np.zeros((counts.shape[0], width))
        pinned = np.zeros((width, width))
        pinned[: self.items, : self.items] = 1
        pinned += ridge * np.eye(width)
        trials = counts.sum(axis=2)
        information = np.zeros((counts.shape[0], width, width))
        for _ in range(ITERATIONS):
            chance = self._probabilities(parameters)
            mean = np.einsum("bpo,pow->bpw", chance, self.matrix)
            slope = np.einsum("bpo,pow->bw", counts, self.matrix) - np.einsum("bp,bpw->bw", trials, mean)
            squares = np.einsum("bp,bpo,pow,pov->bwv", trials, chance, self.matrix, self.matrix, optimize=True)
            information = squares - np.einsum("bp,bpw,bpv->bwv", trials, mean, mean, optimize=True)
            step = np.linalg.solve(information + pinned, (slope - parameters @ pinned)[:, :, None])[:, :, 0]
            parameters = parameters + np.clip(step, -2, 2)
            if np.abs(step).max(initial=0.0) < 1e-10:
                break
        logs = np.log(np.maximum(self._probabilities(parameters), 1e-300))
        return parameters, np.einsum("bpo,bpo->b", counts, logs), information + pinned

    def _probabilities(self, parameters: Floats) -> Floats:
        linear = np.einsum("bw,pow->bpo", parameters, self.matrix)
        linear = np.exp(linear - linear.max(axis=2, keepdims=True))
        return np.asarray(linear / linear.sum(axis=2, keepdims=True), dtype=float)


def preference_model(
    first: ArrayLike,
    second: ArrayLike,
    outcome: ArrayLike,
    *,
    participants: ArrayLike | None = None,
    summaries: ArrayLike | None = None,
    side: bool = False,
    bootstrap: TwoWayBootstrap | None = None,
    level: float = 0.95,
) -> Preference:
    """Fit Bradley and Terry's model to paired comparisons, Davidson's where ties occur.

    Args:
        first, second: (A,) items that were compared, such as networks; in the order shown.
        outcome: (A,) 1 where the first was preferred, 0 where the second was, 0.5 for a tie.
        participants, summaries: (A,) labels; with both, intervals come from the two-way bootstrap, otherwise from the
            information matrix, which takes answers for independent.
        side: whether to estimate a preference for what stands first.
        bootstrap: draws, seed and level of the two-way bootstrap.
        level: coverage of intervals without a bootstrap.

    Raises:
        ValueError: when shapes do not fit, an item is compared with itself, or an outcome is none of the three.
    """
    codes, items, results = _comparisons(first, second, outcome)
    if results.size == 0 or len(items) < 2:
        return _without_fit(items, "no comparisons of two items")
    ties = bool((results == TIE).any())
    pairs = [(i, j) for i in range(len(items)) for j in range(len(items)) if i != j]
    columns = np.zeros((results.size, len(pairs), 3 if ties else 2))
    place = {pair: at for at, pair in enumerate(pairs)}
    at = np.array([place[int(i), int(j)] for i, j in codes.T])
    kinds = np.select([results == FIRST, results == SECOND], [0, 1], default=2)
    columns[np.arange(results.size), at, kinds] = 1
    counts = columns.sum(axis=0)
    reason = _why_no_fit(counts, pairs, items)
    if reason:
        return _without_fit(items, reason)
    design = _Design.of(pairs, len(items), ties=ties, side=side)
    fitted, likelihood, information = design.fit(counts[None], ridge=0.0)
    n = int(results.size)
    ratio = 2 * (float(likelihood[0]) - _equal_likelihood(design, counts))
    p_equal = float(stats.chi2.sf(max(0.0, ratio), len(items) - 1))
    if participants is not None and summaries is not None:
        boot = bootstrap or TwoWayBootstrap(level=level)
        drawn = boot.totals(columns.reshape(results.size, -1), participants, summaries)
        replicates = design.fit(drawn.values[1:].reshape(-1, *counts.shape), ridge=RIDGE_OF_DRAWS)[0]
        stacked = np.concatenate([fitted, replicates])
        return _resampled(stacked, items, design, drawn, n, p_equal, float(likelihood[0]))
    return _analytic(fitted[0], np.linalg.inv(information[0]), items, design, n, p_equal, float(likelihood[0]), level)


def _comparisons(
    first: ArrayLike, second: ArrayLike, outcome: ArrayLike
) -> tuple[NDArray[np.int64], tuple[Any, ...], Floats]:
    one, two = np.asarray(first, dtype=object).ravel(), np.asarray(second, dtype=object).ravel()
    results = np.asarray(outcome, dtype=float).ravel()
    if not one.size == two.size == results.size:
        raise ValueError(f"Expected as many items as outcomes, got {one.size}, {two.size} and {results.size}.")
    if not np.isin(results, (FIRST, SECOND, TIE)).all():
        raise ValueError("Expected outcomes of 1 (first), 0 (second) or 0.5 (tie), got other numbers.")
    if (one == two).any():
        raise ValueError("Expected two different items in every comparison, got one compared with itself.")
    codes, labels = pd.factorize(np.concatenate([one, two]), sort=True)
    if (codes < 0).any():
        raise ValueError("Expected two items in every comparison, got a missing one.")
    return codes.reshape(2, -1).astype(np.int64), tuple(labels), results


def _why_no_fit(counts: Floats, pairs: list[tuple[int, int]], items: tuple[Any, ...]) -> str:
    """Ford's (1957) condition: from every item one must reach every other along wins; a tie counts as both."""
    beats = np.zeros((len(items), len(items)))
    for at, (i, j) in enumerate(pairs):
        tied = counts[at, 2] if counts.shape[1] == 3 else 0
        beats[i, j] += counts[at, 0] + tied
        beats[j, i] += counts[at, 1] + tied
    compared = connected_components(beats, connection="weak")[0]
    if compared > 1:
        return "the items fall into groups that were never compared with each other"
    if connected_components(beats, connection="strong")[0] > 1:
        return "one item, or a group of them, won every comparison with the others"
    return ""


def _equal_likelihood(design: _Design, counts: Floats) -> float:
    """Log-likelihood when all items are alike; ties and side are still estimated."""
    if not design.ties and not design.side:
        return float(counts.sum()) * math.log(0.5)
    alike = _Design(design.matrix[:, :, design.items :], 0, design.ties, design.side)
    return float(alike.fit(counts[None], ridge=0.0)[1][0])


def _without_fit(items: tuple[Any, ...], reason: str) -> Preference:
    none = Estimate.undefined(reason)
    pairs = dict.fromkeys(itertools.combinations(items, 2), none)
    return Preference(
        items, dict.fromkeys(items, none), dict.fromkeys(items, none), pairs, none, none, None, None, reason
    )


def _shares(abilities: Floats) -> Floats:
    worth = np.exp(abilities - abilities.max(axis=1, keepdims=True))
    return np.asarray(worth / worth.sum(axis=1, keepdims=True), dtype=float)


def _ranked(abilities: Floats, items: tuple[Any, ...]) -> list[int]:
    return sorted(range(len(items)), key=lambda at: (-abilities[at], str(items[at])))


def _resampled(
    stacked: Floats,
    items: tuple[Any, ...],
    design: _Design,
    drawn: CrossedTotals,
    n: int,
    p_equal: float,
    likelihood: float,
) -> Preference:
    abilities = stacked[:, : design.items] - stacked[:, : design.items].mean(axis=1, keepdims=True)
    shares = _shares(abilities)
    order = _ranked(abilities[0], items)
    return Preference(
        items=tuple(items[at] for at in order),
        abilities={items[at]: drawn.estimate(abilities[:, at], n=n) for at in order},
        shares={items[at]: drawn.estimate(shares[:, at], n=n) for at in order},
        differences={
            (items[i], items[j]): drawn.estimate(abilities[:, i] - abilities[:, j], n=n)
            for i, j in itertools.combinations(order, 2)
        },
        tie=drawn.estimate(np.exp(stacked[:, design.items]), n=n) if design.ties else _NO_TIES,
        side=drawn.estimate(stacked[:, -1], n=n) if design.side else _NO_SIDE,
        p_equal=p_equal,
        log_likelihood=likelihood,
    )


_NO_TIES = Estimate.undefined("no ties occurred")
_NO_SIDE = Estimate.undefined("the effect of the side was not asked for")


def _analytic(
    fitted: Floats,
    covariance: Floats,
    items: tuple[Any, ...],
    design: _Design,
    n: int,
    p_equal: float,
    likelihood: float,
    level: float,
) -> Preference:
    z = float(stats.norm.ppf(0.5 + level / 2))
    count = design.items
    centring = np.zeros((count, fitted.size))
    centring[:, :count] = np.eye(count) - 1 / count
    abilities = centring @ fitted
    order = _ranked(abilities, items)

    def wald(contrast: Floats, *, exponentiated: bool = False) -> Estimate:
        value, error = float(contrast @ fitted), math.sqrt(max(0.0, float(contrast @ covariance @ contrast)))
        numbers = [value, value - z * error, value + z * error]
        if exponentiated:
            numbers, error = [math.exp(number) for number in numbers], math.exp(value) * error
        return Estimate(
            value=numbers[0], n=n, low=numbers[1], high=numbers[2], standard_error=error, level=level, method="Wald"
        )

    worth = _shares(abilities[None, :])[0]
    shares = {}
    for at in order:  # on the logit scale, so that the interval stays inside (0, 1)
        slope = (np.eye(count)[at] - worth) / (1 - worth[at]) @ centring
        error = math.sqrt(max(0.0, float(slope @ covariance @ slope)))
        logit = math.log(worth[at] / (1 - worth[at]))
        low, high = (1 / (1 + math.exp(-(logit + sign * z * error))) for sign in (-1, 1))
        shares[items[at]] = Estimate(
            value=float(worth[at]), n=n, low=low, high=high, level=level, method="Wald on the logit scale"
        )
    unit = np.eye(fitted.size)
    return Preference(
        items=tuple(items[at] for at in order),
        abilities={items[at]: wald(centring[at]) for at in order},
        shares=shares,
        differences={(items[i], items[j]): wald(unit[i] - unit[j]) for i, j in itertools.combinations(order, 2)},
        tie=wald(unit[count], exponentiated=True) if design.ties else _NO_TIES,
        side=wald(unit[-1]) if design.side else _NO_SIDE,
        p_equal=p_equal,
        log_likelihood=likelihood,
    )
