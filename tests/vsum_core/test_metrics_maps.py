import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from vsum_core.metrics_maps import mu_fidelity, points_at, rank_correlation, sparsity


def test_gini_by_hand():
    """Equal values have 0; one of N has 1 - 1/N; [1, 3] has 1 - 2 (1/4 · 1.5/2 + 3/4 · 0.5/2) = 0.25."""
    assert sparsity(np.ones((4, 5))) == pytest.approx(0)
    assert sparsity([0, 0, 0, -7]) == pytest.approx(0.75)
    assert sparsity([1, 3]) == pytest.approx(0.25)
    assert sparsity([]) is None and sparsity(np.zeros(3)) is None


@given(arrays(np.float64, 12, elements=st.floats(0.01, 100)), st.floats(0.1, 50))
def test_gini_does_not_depend_on_scale_or_order_and_stays_in_range(values, factor):
    index = sparsity(values)
    assert -1e-12 <= index < 1
    assert sparsity(values[::-1] * factor) == pytest.approx(index, abs=1e-9)


def test_pointing_by_hand():
    relevance = np.zeros((40, 40))
    relevance[10, 30] = 1
    assert points_at(relevance, [[25, 5, 35, 15]], tolerance=0)
    assert not points_at(relevance, [[0, 0, 20, 20]], tolerance=5)
    assert points_at(relevance, [[0, 0, 20, 20]], tolerance=15)
    assert points_at(relevance, [[0, 30, 5, 35], [30, 10, 31, 11]], tolerance=0)
    for boxes in ([], [[5, 5, 1, 9]]):
        with pytest.raises(ValueError):
            points_at(relevance, boxes)


@given(arrays(np.float64, (2, 9), elements=st.integers(-5, 5).map(float)))
def test_rank_correlation_is_scipys(maps):
    found = rank_correlation(*maps)
    if found is None:
        assert any(len(set(one)) == 1 for one in maps)
    else:
        assert found == pytest.approx(spearmanr(*maps).statistic, abs=1e-9)


def test_rank_correlation_by_hand():
    assert rank_correlation([[1, 2], [3, 4]], [[10, 20], [30, 1000]]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    with pytest.raises(ValueError):
        rank_correlation([1, 2], [1, 2, 3])


def test_fidelity_of_relevance_that_is_the_score():
    """Where the score is the sum of what is seen, its own weights explain it perfectly."""
    weights = np.random.default_rng(1).random((12, 12)) / 144

    def score(masks):
        return (masks * weights).sum((1, 2))

    options = {"cells": 4, "samples": 40}
    assert mu_fidelity(weights, score, generator=np.random.default_rng(0), **options) == pytest.approx(1)
    assert mu_fidelity(-weights, score, generator=np.random.default_rng(0), **options) == pytest.approx(-1)
    assert mu_fidelity(np.ones((12, 12)), score, generator=np.random.default_rng(0), **options) is None
    with pytest.raises(ValueError):
        mu_fidelity(weights, score, generator=np.random.default_rng(0), cells=13)
