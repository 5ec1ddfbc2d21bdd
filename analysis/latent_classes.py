"""Dawid and Skene's model: true categories and every rater's error rates, from ratings alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.ratings import Floats, rating_codes


@dataclass(frozen=True)
class DawidSkene:
    """A fitted model.

    Attributes:
        categories: labels of the K categories.
        marginals: (K,) estimated share of units in each category.
        error_rates: (raters, K, K); entry (r, j, l) is the chance that rater r says l about a unit that is j.
        posteriors: (units, K) probability of each category; rows sum to 1.
        log_likelihood: natural logarithm, without multinomial coefficients.
        iterations: of EM.
        converged: whether the log-likelihood moved by less than the tolerance at the end.
    """

    categories: tuple[Any, ...]
    marginals: Floats
    error_rates: Floats
    posteriors: Floats
    log_likelihood: float
    iterations: int
    converged: bool

    @property
    def labels(self) -> list[Any]:
        """The most probable category of each unit; the first of equals."""
        return [self.categories[at] for at in self.posteriors.argmax(axis=1)]


def dawid_skene(
    ratings: ArrayLike,
    *,
    raters: Sequence[Any] | None = None,
    categories: Sequence[Any] | None = None,
    tolerance: float = 1e-10,
    maximum_iterations: int = 10_000,
) -> DawidSkene:
    """Fit the model by EM, started from the vote shares (Dawid and Skene 1979).

    Args:
        ratings: (rows, units) numbers or labels, NaN or None where missing.
        raters: who gave each row; the same rater in several rows rated units several times. ``None``: all differ.
        categories: all categories, in order; ``None`` takes those that occur, sorted.
        tolerance: change of the log-likelihood at which EM stops.
        maximum_iterations: at which it stops anyway, with ``converged`` false.

    Raises:
        ValueError: when nothing was rated, a unit has no rating, or ``raters`` does not fit.
    """
    codes, labels = rating_codes(ratings, categories=categories)
    rows = list(range(codes.shape[0])) if raters is None else list(raters)
    if len(rows) != codes.shape[0]:
        raise ValueError(f"Expected one rater per row ({codes.shape[0]}), got {len(rows)}.")
    if not labels:
        raise ValueError("Expected at least one rating, got none.")
    empty = np.flatnonzero((codes < 0).all(axis=0))
    if empty.size:
        raise ValueError(f"Expected a rating of every unit; unit {int(empty[0])} has none. Leave it out.")
    people = list(dict.fromkeys(rows))
    given = np.zeros((len(people), codes.shape[1], len(labels)))  # how often a rater said what about a unit
    for row, rater in enumerate(rows):
        given[people.index(rater)] += codes[row][:, None] == np.arange(len(labels))
    posteriors = given.sum(axis=0)
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    before, converged, iteration = -np.inf, False, 0
    marginals, rates, likelihood = np.empty(0), np.empty(0), -np.inf
    for iteration in range(1, maximum_iterations + 1):  # noqa: B007 (reported)
        marginals = posteriors.mean(axis=0)
        rates = np.einsum("uj,rul->rjl", posteriors, given)
        said = rates.sum(axis=2, keepdims=True)
        rates = np.divide(rates, said, out=np.zeros_like(rates), where=said > 0)
        logs = np.einsum("rul,rjl->uj", given, np.log(np.maximum(rates, 1e-300)))
        joint = logs + np.log(np.maximum(marginals, 1e-300))
        top = joint.max(axis=1, keepdims=True)
        weights = np.exp(joint - top)
        likelihood = float((top[:, 0] + np.log(weights.sum(axis=1))).sum())
        posteriors = weights / weights.sum(axis=1, keepdims=True)
        converged = abs(likelihood - before) < tolerance
        if converged:
            break
        before = likelihood
    return DawidSkene(tuple(labels), marginals, rates, posteriors, likelihood, iteration, converged)
