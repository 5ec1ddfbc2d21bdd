"""Permutation tests and adjusted p values, by hand and by oracle O."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import comparisons

BENJAMINI = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]


def generator():
    return np.random.default_rng(0)


def test_benjamini_and_hochberg_1995():
    adjusted = comparisons.benjamini_hochberg(BENJAMINI)
    assert [round(p, 6) for p in adjusted[:5]] == [0.0015, 0.003, 0.0095, 0.035625, 0.0603]
    assert sum(p <= 0.05 for p in adjusted) == 4
    holm = comparisons.holm(BENJAMINI)
    assert [round(p, 4) for p in holm[:4]] == [0.0015, 0.0056, 0.0247, 0.114]
    assert sum(p <= 0.05 for p in holm) == 3


def test_all_five_classes_alike_is_two_of_thirty_two():
    test = comparisons.paired_permutation([1, 1, 1, 1, 1], generator=generator(), draws=10)
    assert (test.statistic, test.p_value, test.permutations, test.exact) == (1, 2 / 32, 31, True)


def test_no_difference_is_p_one():
    assert comparisons.paired_permutation([0, 0, 0], generator=generator(), draws=10).p_value == 1


def test_many_classes_are_drawn_and_p_is_never_zero():
    test = comparisons.paired_permutation(np.ones(40), generator=generator(), draws=199)
    assert (test.p_value, test.exact) == (1 / 200, False)


def test_spearman_by_hand():
    test = comparisons.spearman_permutation([1, 2, 3, 4], [10, 20, 30, 40], generator=generator(), draws=10)
    assert (round(test.statistic, 9), test.p_value, test.permutations) == (1, 2 / 24, 23)
    assert comparisons.spearman_permutation([1, 2], [1, 2], generator=generator(), draws=10) is None
    assert comparisons.spearman_permutation([1, 2, 3], [5, 5, 5], generator=generator(), draws=10) is None


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7))
def test_swapping_the_networks_changes_the_sign_only(differences):
    one = comparisons.paired_permutation(differences, generator=generator(), draws=10)
    other = comparisons.paired_permutation([-d for d in differences], generator=generator(), draws=10)
    assert one.p_value == other.p_value
    assert one.statistic == -other.statistic


def cells(counts, accuracy):
    rows = [
        {"class": f"c{n}", "network": network, "method": "m", "network_accuracy": accuracy.get(network)}
        | dict.fromkeys(comparisons.COMPARED, count)
        for network, own in counts.items()
        for n, count in enumerate(own)
    ]
    return pd.DataFrame(rows)


def test_networks_are_paired_over_classes_and_the_accurate_one_is_first():
    table = cells({"a": [1, 2, 3], "b": [3, 3, 5], "c": [1, 1, 1]}, {"a": 0.6, "b": 0.9, "c": 0.5})
    found = [
        p for p in comparisons.compare_networks(table, generator=generator(), draws=10) if p.measure == "summaries"
    ]
    assert [(pair.first, pair.second) for pair in found] == [("b", "a"), ("b", "c"), ("a", "c")]
    assert found[0].difference.value == pytest.approx(5 / 3)
    assert found[0].accuracy_difference == pytest.approx(0.3)
    assert [pair.p_value for pair in found] == [0.25, 0.25, 0.5]
    assert [pair.p_holm for pair in found] == [0.75, 0.75, 0.75]


@pytest.mark.parametrize("missing", [float("nan"), None])
def test_a_network_without_a_single_value_is_compared_with_nothing(missing):
    """As when one person took part and no summary of the network has two answers."""
    table = cells({"a": [1, 2, 3], "b": [missing] * 3}, {"a": 0.6, "b": 0.9})
    found = comparisons.compare_networks(table, generator=generator(), draws=10)
    assert [(pair.first, pair.second) for pair in found] == [("b", "a")] * len(comparisons.COMPARED)
    for pair in found:
        assert pair.difference.value is None
        assert pair.difference.reason
        assert pair.p_value is pair.p_holm is None


def test_accuracy_correlation_needs_three_networks():
    table = cells({"a": [1, 2], "b": [3, 3]}, {"a": 0.6, "b": 0.9})
    assert "there are 2" in comparisons.accuracy_correlation(table, "summaries", generator=generator(), draws=10)
    table = cells({"a": [1, 2], "b": [3, 3], "c": [4, 4]}, {"a": 0.6, "b": 0.9, "c": 0.95})
    test = comparisons.accuracy_correlation(table, "summaries", generator=generator(), draws=10)
    assert (round(test.statistic, 9), test.p_value) == (1, 2 / 6)
