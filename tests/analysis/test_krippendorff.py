"""Krippendorff's α: other levels, labels, custom distances, its standard error, its bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis import agreement
from analysis.agreement import Level, UnitBootstrap
from analysis.krippendorff import krippendorff_alpha

NAN = np.nan
EXAMPLE = np.array(  # Krippendorff (2011), oracle A of the statistics design
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
LEVELS = [Level.NOMINAL, Level.ORDINAL, Level.INTERVAL, Level.RATIO]


def by_definition(ratings, distance):
    """α from the coincidence matrix, pair by pair."""
    values = np.unique(ratings[~np.isnan(ratings)])
    coincidences = np.zeros((values.size, values.size))
    for unit in ratings.T:
        own = unit[~np.isnan(unit)]
        for first in range(own.size):
            for second in range(own.size):
                if first != second:
                    row, column = np.searchsorted(values, [own[first], own[second]])
                    coincidences[row, column] += 1 / (own.size - 1)
    totals = coincidences.sum(axis=1)
    delta = distance(values, totals)
    pairable = totals.sum()
    return 1 - (pairable - 1) * (coincidences * delta).sum() / (np.outer(totals, totals) * delta).sum()


def ordinal(values, totals):
    """Σ of the totals from c to k less half of both ends, squared (Krippendorff 2011)."""
    size = values.size
    delta = np.zeros((size, size))
    for c in range(size):
        for k in range(c, size):
            delta[c, k] = delta[k, c] = (totals[c : k + 1].sum() - (totals[c] + totals[k]) / 2) ** 2
    return delta


@given(hnp.arrays(np.int64, (3, 6), elements=st.integers(0, 4)))
def test_levels_follow_their_definition(ratings):
    table = np.where(ratings == 0, NAN, ratings).astype(float)
    differences = {
        "nominal": lambda v, _: (v[:, None] != v).astype(float),
        "ordinal": ordinal,
        "interval": lambda v, _: (v[:, None] - v) ** 2.0,
        "ratio": lambda v, _: ((v[:, None] - v) / (v[:, None] + v)) ** 2,
    }
    for level, distance in differences.items():
        alpha = krippendorff_alpha(ratings=table, level=level)
        if alpha.value is not None:
            assert alpha.value == pytest.approx(by_definition(table, distance))


def test_custom_distances():
    # irrCAC's "ordinal" α uses Gwet's ordinal weights; the statistics design prints .83364 for oracle A.
    distance = 1 - agreement.weight_matrix([1, 2, 3, 4, 5], "ordinal")
    assert round(krippendorff_alpha(ratings=EXAMPLE, level="custom", distance=distance).value, 5) == 0.83364
    squared = krippendorff_alpha(ratings=EXAMPLE, level="custom", distance=lambda a, b: (a - b) ** 2)
    assert squared.value == pytest.approx(krippendorff_alpha(ratings=EXAMPLE, level="interval").value)


def test_labels_need_an_order_beyond_the_nominal_level():
    words = np.array([["low", "high", None], ["low", "mid", "mid"]], dtype=object)
    with pytest.raises(ValueError, match="values="):
        krippendorff_alpha(ratings=words, level="ordinal")
    numbers = np.array([[1, 3, NAN], [1, 2, 2]])
    ordered = krippendorff_alpha(ratings=words, level="ordinal", categories=["low", "mid", "high"])
    assert ordered.value == pytest.approx(krippendorff_alpha(ratings=numbers, level="ordinal").value)


def test_standard_error_is_the_published_one_but_for_its_small_sample_factor():
    # irrCAC prints 0.14557 for α without the factor 1 − 1/40 that α itself has.
    alpha = krippendorff_alpha(ratings=EXAMPLE, level="nominal")
    assert alpha.standard_error * 40 / 39 == pytest.approx(0.14557, abs=2e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_linearised_error_is_that_of_the_jackknife_in_a_large_sample(level):
    source = np.random.default_rng(1)
    truth = source.integers(1, 6, 300)
    ratings = np.where(source.random((4, 300)) < 0.7, truth, source.integers(1, 6, (4, 300))).astype(float)
    ratings[source.random((4, 300)) < 0.2] = NAN
    alpha = krippendorff_alpha(ratings=ratings, level=level)
    without = [krippendorff_alpha(ratings=np.delete(ratings, at, axis=1), level=level).value for at in range(300)]
    jackknife = np.sqrt(299 / 300 * ((without - np.mean(without)) ** 2).sum())
    assert alpha.standard_error == pytest.approx(jackknife, rel=0.01)


@pytest.mark.parametrize("level", LEVELS)
def test_each_bootstrap_draw_is_alpha_of_the_drawn_units(level):
    from analysis.krippendorff import _disagreement
    from analysis.ratings import rating_table

    drawn = np.array([0, 0, 3, 5, 6, 6, 6, 8, 9, 10])
    weights = np.bincount(drawn, minlength=12).astype(float)[None, :11]
    table = rating_table(ratings=EXAMPLE)
    sums = _disagreement(table.sparse_counts()[:11], table.values, level, None)
    expected = krippendorff_alpha(ratings=EXAMPLE[:, drawn], level=level, values=None)
    assert sums.alpha(weights)[0] == pytest.approx(expected.value)


def test_continuous_ratings_need_little_memory():
    ratings = np.random.default_rng(0).normal(size=(30, 400))
    alpha = krippendorff_alpha(ratings=ratings, level="interval", bootstrap=UnitBootstrap(draws=20))
    assert abs(alpha.value) < 0.05


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"level": "custom"}, "distance"),
        ({"level": "nominal", "distance": np.zeros((2, 2))}, "distance"),
        ({"level": "custom", "distance": np.ones((2, 2))}, "zeros on the diagonal"),
        ({"level": "custom", "distance": np.zeros((3, 3))}, "shape"),
        ({"level": "ordinal", "values": [2, 1]}, "ascending"),
        ({"level": "ratio", "values": [-1, 1]}, "0 or more"),
        ({"level": "ordinary"}, "ordinary"),
    ],
)
def test_impossible_requests_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        krippendorff_alpha([[1, 1], [2, 0]], **more)


def test_a_distance_of_zero_everywhere_is_undefined():
    alpha = krippendorff_alpha([[1, 1], [2, 0]], level="custom", distance=np.zeros((2, 2)))
    assert "differ" in alpha.reason
