"""Ratings in the forms that agreement statistics take: who rated which unit how, or how many raters chose what.

Every coefficient takes one of three forms, by keyword:

- ``ratings``: (raters, units), numbers or labels; NaN or None where a rating is missing;
- ``counts``: (units, categories) whole numbers, how many raters put the unit there;
- ``confusion``: (categories, categories) whole numbers for two raters; entry (i, j) is how many units the first put in
  i and the second in j.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Level(StrEnum):
    """Measurement level of the ratings. There is no default anywhere: names are nominal, scales are ordinal."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"
    CUSTOM = "custom"


class Weighting(StrEnum):
    """Credit for a disagreement between ordered categories (Gwet 2014, chapter 3).

    None at all; falling linearly with the distance of the values, or with its square; or, ``ORDINAL``, with the number
    of pairs of categories between and including the two, which needs only their order.
    """

    IDENTITY = "identity"
    LINEAR = "linear"
    QUADRATIC = "quadratic"
    ORDINAL = "ordinal"


@dataclass(frozen=True)
class RatingTable:
    """Ratings of any form, brought to counts.

    Attributes:
        given_counts: (units, categories); None where ``codes`` are given.
        values: (categories,) numbers of the categories: their own where they are numbers, else positions 0, 1, …
        ordered: whether the order of the categories means something: they are numbers or were listed.
        codes: (raters, units) category of each rating, −1 where missing; None where raters are unknown.
        two_raters: whether the table came as a confusion matrix.
    """

    values: Floats
    ordered: bool
    given_counts: Floats | None = None
    codes: Integers | None = None
    two_raters: bool = False

    def sparse_counts(self) -> sparse.csr_array:
        """(units, categories) counts; small however many different values continuous ratings have."""
        if self.codes is None:
            return sparse.csr_array(self.given_counts)
        given = self.codes >= 0
        _, unit = np.broadcast_arrays(self.codes, np.arange(self.codes.shape[1]))
        shape = (self.codes.shape[1], self.values.size)
        return sparse.csr_array((np.ones(int(given.sum())), (unit[given], self.codes[given])), shape=shape)

    @property
    def counts(self) -> Floats:
        """(units, categories) counts."""
        if self.given_counts is not None:
            return self.given_counts
        return np.asarray(self.sparse_counts().toarray(), dtype=float)


def whole_counts(counts: ArrayLike) -> Floats:
    """Counts as floats.

    Raises:
        ValueError: when they are not two-dimensional whole numbers of 0 or more.
    """
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2 or not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError(f"Expected whole counts of shape (units, categories), got {table.dtype} {table.shape}.")
    return table


def rating_codes(ratings: ArrayLike, *, categories: Sequence[Any] | None = None) -> tuple[Integers, list[Any]]:
    """Code ratings by category.

    Args:
        ratings: (raters, units) numbers or labels; NaN, None or pandas' NA where missing.
        categories: all categories that were offered, in order. ``None`` takes those that occur, sorted.

    Returns:
        (raters, units) codes, −1 where missing, and the categories behind them.

    Raises:
        ValueError: when the shape is not two-dimensional, or a rating is none of ``categories``.
    """
    table = np.asarray(ratings)
    if table.dtype.kind not in "fiub":
        table = np.asarray(ratings, dtype=object)
    if table.ndim != 2:
        raise ValueError(f"Expected ratings of shape (raters, units), got shape {table.shape}.")
    if categories is None and table.dtype.kind in "fiub":
        found, codes = np.unique(table.ravel(), return_inverse=True)  # missing ones come last, as one value
        known = found[~np.isnan(found)] if table.dtype.kind == "f" else found
        return np.where(codes < known.size, codes, -1).reshape(table.shape), known.tolist()
    codes, found = pd.factorize(table.ravel(), sort=False)
    labels = [label.item() if isinstance(label, np.generic) else label for label in found]
    if categories is None:
        order = sorted(range(len(labels)), key=lambda at: _sort_key(labels[at]))
        listed = [labels[at] for at in order]
    else:
        listed = list(categories)
        if len(set(listed)) != len(listed):
            raise ValueError(f"Expected every category once, got {listed}.")
        unknown = [label for label in labels if label not in set(listed)]
        if unknown:
            raise ValueError(f"Expected ratings among the categories {listed}, got also {unknown[:5]}.")
    place = {label: at for at, label in enumerate(listed)}
    recoded = np.array([*(place[label] for label in labels), -1], dtype=np.int64)
    return recoded[codes].reshape(table.shape), listed


def _sort_key(label: Any) -> tuple[int, float, str]:
    number = isinstance(label, int | float | bool)
    return (0, float(label), "") if number else (1, 0.0, str(label))


def counts_from_ratings(
    ratings: ArrayLike, *, categories: Sequence[Any] | None = None
) -> tuple[Integers, NDArray[Any]]:
    """Turn ratings into counts.

    Args:
        ratings: (raters, units) numbers or labels, NaN or None where a rating is missing.
        categories: all categories that were offered, in order; ``None`` takes those that occur, sorted.

    Returns:
        counts (units, categories) and the categories (categories,).

    Raises:
        ValueError: when ``ratings`` is not two-dimensional, or a rating is none of ``categories``.
    """
    codes, labels = rating_codes(ratings, categories=categories)
    table = RatingTable(values=np.arange(len(labels), dtype=float), ordered=False, codes=codes)
    return table.counts.astype(np.int64), np.asarray(labels)


def counts_from_confusion(confusion: ArrayLike | None) -> Integers:
    """Two raters' (K, K) table as counts (units, K), each unit with two ratings."""
    table = square(confusion).astype(np.int64)
    categories = np.eye(table.shape[0], dtype=np.int64)
    pairs = (categories[:, None, :] + categories[None, :, :]).reshape(-1, table.shape[0])
    return np.repeat(pairs, table.ravel(), axis=0)


def square(confusion: ArrayLike | None) -> Floats:
    """A confusion matrix as floats; ``ValueError`` unless it is square and holds whole counts."""
    table = whole_counts(np.zeros(0) if confusion is None else confusion)
    if table.shape[0] != table.shape[1]:
        raise ValueError(f"Expected a square table of two raters' categories, got shape {table.shape}.")
    return table


def confusion_from_ratings(
    ratings: ArrayLike, *, categories: Sequence[Any] | None = None
) -> tuple[Integers, list[Any]]:
    """The (K, K) table of two raters from their (2, units) ratings; units that either left out are left out.

    Raises:
        ValueError: unless there are exactly two raters.
    """
    codes, labels = rating_codes(ratings, categories=categories)
    if codes.shape[0] != 2:
        raise ValueError(f"Expected the ratings of two raters, shape (2, units), got shape {codes.shape}.")
    both = (codes >= 0).all(axis=0)
    keys = codes[0, both] * len(labels) + codes[1, both]
    return np.bincount(keys, minlength=len(labels) ** 2).reshape(len(labels), len(labels)).astype(np.int64), labels


def ratings_from_long(raters: ArrayLike, units: ArrayLike, values: ArrayLike) -> tuple[Floats, list[Any], list[Any]]:
    """A (raters, units) matrix from one row per rating; what nobody rated is NaN.

    Args:
        raters, units: (A,) who rated what; any labels.
        values: (A,) numbers.

    Returns:
        The matrix, and the raters and units behind its rows and columns, in order of appearance.

    Raises:
        ValueError: when a rater rated a unit twice. A duplicate is never averaged away.
    """
    rows, rater_labels = pd.factorize(np.asarray(raters))
    columns, unit_labels = pd.factorize(np.asarray(units))
    if (rows < 0).any() or (columns < 0).any():
        raise ValueError("Expected a rater and a unit for every rating, got a missing one.")
    keys = rows * len(unit_labels) + columns
    first, counts = np.unique(keys, return_counts=True)
    if (counts > 1).any():
        twice = int(first[counts > 1][0])
        raise ValueError(
            f"Expected one rating per rater and unit, got {int(counts.max())} of unit "
            f"{str(unit_labels[twice % len(unit_labels)])!r} by rater "
            f"{str(rater_labels[twice // len(unit_labels)])!r}. "
            "Decide which one counts before."
        )
    matrix = np.full((len(rater_labels), len(unit_labels)), np.nan)
    matrix[rows, columns] = np.asarray(values, dtype=float)
    return matrix, list(rater_labels), list(unit_labels)


def rating_table(
    counts: ArrayLike | None = None,
    *,
    ratings: ArrayLike | None = None,
    confusion: ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    values: ArrayLike | None = None,
) -> RatingTable:
    """Bring ratings of any form to a :class:`RatingTable`.

    Args:
        counts, ratings, confusion: exactly one of the three; see the module's description.
        categories: all categories that were offered, in order; only with ``ratings``.
        values: (categories,) numbers of the categories, where they are not the categories themselves.

    Raises:
        ValueError: when not exactly one form is given, or shapes do not fit.
    """
    given = [
        name for name, form in (("counts", counts), ("ratings", ratings), ("confusion", confusion)) if form is not None
    ]
    if len(given) != 1:
        raise ValueError(f"Expected one of counts, ratings and confusion, got {' and '.join(given) or 'none'}.")
    if categories is not None and ratings is None:
        raise ValueError("Expected categories only with ratings; counts and confusion have one column per category.")
    codes: Integers | None = None
    numbers: Floats | None = None
    table: Floats | None = None
    ordered = False
    if ratings is not None:
        codes, labels = rating_codes(ratings, categories=categories)
        width = len(labels)
        if all(isinstance(label, int | float | bool) for label in labels):
            numbers, ordered = np.asarray(labels, dtype=float), True
        ordered = ordered or categories is not None
    else:
        table = whole_counts(counts) if counts is not None else counts_from_confusion(confusion).astype(float)
        width = table.shape[1]
    if values is not None:
        numbers, ordered = np.asarray(values, dtype=float), True
        if numbers.shape != (width,):
            raise ValueError(f"Expected one value per category ({width}), got shape {numbers.shape}.")
    return RatingTable(
        values=np.arange(width, dtype=float) if numbers is None else numbers,
        ordered=ordered,
        given_counts=table,
        codes=codes,
        two_raters=confusion is not None,
    )


def weight_matrix(values: ArrayLike, weighting: Weighting | str) -> Floats:
    """Agreement weights in [0, 1] between categories, (K, K), ones on the diagonal.

    Args:
        values: (K,) category values in ascending order; their distances matter for linear and quadratic weights, only
            their order for ordinal ones.
        weighting: which credit to give.
    """
    numbers, kind = np.asarray(values, dtype=float), Weighting(weighting)
    if kind is Weighting.IDENTITY or numbers.size < 2:
        return np.eye(numbers.size)
    if kind is Weighting.ORDINAL:
        place = np.argsort(np.argsort(numbers))
        steps = np.abs(place[:, None] - place[None, :])
        return np.asarray(1 - steps * (steps + 1) / 2 / math.comb(numbers.size, 2), dtype=float)
    distance: Floats = np.abs(numbers[:, None] - numbers[None, :]) / (numbers.max() - numbers.min())
    credit: Floats = 1 - (distance if kind is Weighting.LINEAR else distance * distance)
    return credit


def credit_matrix(table: RatingTable, weights: Weighting | str | ArrayLike | None) -> Floats:
    """Agreement weights for a table: by name, or a matrix of one's own.

    Raises:
        ValueError: when a matrix does not fit, is not symmetric, has no ones on its diagonal or leaves [0, 1].
    """
    size = table.values.size
    if weights is None:
        return np.eye(size)
    if isinstance(weights, str):
        return weight_matrix(table.values, weights)
    credit = np.asarray(weights, dtype=float)
    if credit.shape != (size, size):
        raise ValueError(f"Expected weights of shape {(size, size)}, got {credit.shape}.")
    fits = np.allclose(credit, credit.T) and np.allclose(np.diag(credit), 1)
    if not fits or (credit < -1e-12).any() or (credit > 1 + 1e-12).any():
        raise ValueError("Expected symmetric agreement weights in [0, 1] with ones on the diagonal. Pass 1 − distance.")
    return credit
