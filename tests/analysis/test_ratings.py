"""Ratings in their forms: codes, counts, duplicates."""

import numpy as np
import pandas as pd
import pytest

from analysis import ratings


def test_numbers_and_labels_are_sorted_and_missing_is_missing():
    codes, labels = ratings.rating_codes([[3, np.nan], [1, 3]])
    assert (codes.tolist(), labels) == ([[1, -1], [0, 1]], [1, 3])
    codes, labels = ratings.rating_codes([["wing", None], ["beak", pd.NA]])
    assert (codes.tolist(), labels) == ([[1, -1], [0, -1]], ["beak", "wing"])


def test_counts_have_a_column_for_every_category_offered():
    counts, labels = ratings.counts_from_ratings([[1, 2], [2, np.nan]], categories=[1, 2, 3])
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0]]
    assert labels.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="every category once"):
        ratings.rating_codes([[1]], categories=[1, 1])


def test_nothing_rated_is_an_empty_table():
    counts, labels = ratings.counts_from_ratings(np.full((2, 3), np.nan))
    assert counts.shape == (3, 0)
    assert labels.size == 0


def test_two_raters_confusion():
    confusion, labels = ratings.confusion_from_ratings([["a", "b", "b", None], ["a", "a", "b", "b"]])
    assert (confusion.tolist(), labels) == ([[1, 0], [1, 1]], ["a", "b"])
    with pytest.raises(ValueError, match="two raters"):
        ratings.confusion_from_ratings([[1], [1], [1]])


def test_long_ratings_and_a_duplicate():
    matrix, raters, units = ratings.ratings_from_long(["p", "q", "p"], ["s", "s", "t"], [1, 2, 5])
    assert np.array_equal(matrix, [[1, 5], [2, np.nan]], equal_nan=True)
    assert (raters, units) == (["p", "q"], ["s", "t"])
    with pytest.raises(ValueError, match="2 of unit 's' by rater 'p'"):
        ratings.ratings_from_long(["p", "p"], ["s", "s"], [1, 2])
    with pytest.raises(ValueError, match="missing one"):
        ratings.ratings_from_long(["p", None], ["s", "s"], [1, 2])


def test_wrong_shapes_are_refused():
    for call in (
        lambda: ratings.rating_codes([1, 2]),
        lambda: ratings.square([[1, 2]]),
        lambda: ratings.rating_table([[1, 1]], values=[1, 2, 3]),
        lambda: ratings.rating_table([[1, 1]], categories=["a", "b"]),
    ):
        with pytest.raises(ValueError, match="Expected"):
            call()
