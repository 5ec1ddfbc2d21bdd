"""Oracle I of the statistics design, ManyNames included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import diversity
from analysis.resampling import UnitBootstrap


@pytest.mark.parametrize(
    ("counts", "bits"),
    [
        ([10], 0),
        ([5, 5], 1),
        ([8, 2], 0.721928),
        ([6, 3, 1], 1.295462),
        ([4, 4, 2], 1.521928),
        ([10, 5, 3, 2], 1.742738),
        ([1] * 8, 3),
        ([20, 2, 1], 0.678407),
        ([15, 2, 1, 1], 1.058277),
    ],
)
def test_entropy(counts, bits):
    assert round(diversity.entropy(counts).value, 6) == bits


def test_miller_madow_adds_its_correction():
    assert round(diversity.miller_madow([6, 3, 1]).value, 6) == 1.439731


def test_chao_shen_by_hand():
    # [2, 1, 1]: coverage 1 − 2/4, so shares of 1/4, 1/8, 1/8; each term −p·log₂(p) / (1 − (1 − p)⁴).
    quarter, eighth = 0.5 / (1 - 0.75**4), 0.375 / (1 - 0.875**4)
    assert diversity.chao_shen([2, 1, 1]).value == pytest.approx(quarter + 2 * eighth)
    assert diversity.chao_shen([5, 5]).value == pytest.approx(1 / (1 - 0.5**10))
    assert diversity.chao_shen([7]).value == 0
    assert diversity.chao_shen([1, 1]).value > 1


@pytest.mark.parametrize(("counts", "share"), [([20, 2, 1], 0.869565), ([15, 2, 1, 1], 0.789474)])
def test_modal_share_of_manynames(counts, share):
    assert round(diversity.modal_share(counts).value, 6) == share


def test_modal_share_with_both_denominators():
    assert diversity.modal_share([6, 2]).value == 0.75
    assert diversity.modal_share([6, 2], denominator=12).value == 0.5
    assert diversity.modal_share([], denominator=12).value == 0
    with pytest.raises(ValueError, match="at least the 8 names"):
        diversity.modal_share([6, 2], denominator=5)


@pytest.mark.parametrize(("counts", "share"), [([5, 5], 0.444444), ([6, 3, 1], 0.4), ([10, 5, 3, 2], 0.310526)])
def test_simpson(counts, share):
    assert round(diversity.pairwise_agreement(counts).value, 6) == share


def test_nothing_to_measure_is_undefined():
    for function in (
        diversity.entropy,
        diversity.miller_madow,
        diversity.chao_shen,
        diversity.pairwise_agreement,
        diversity.modal_share,
    ):
        assert not function([]).defined
    assert not diversity.pairwise_agreement([1]).defined


@pytest.mark.parametrize("counts", [[-1, 2], [0.5, 1.5]])
def test_counts_must_be_whole(counts):
    with pytest.raises(ValueError, match="whole counts"):
        diversity.entropy(counts)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_entropy_lies_between_nothing_and_evenly_spread(counts):
    bits = diversity.entropy(counts).value
    assert -1e-12 <= bits <= diversity.entropy([1] * len(counts)).value + 1e-9
    assert diversity.miller_madow(counts).value >= bits


@pytest.mark.parametrize("function", [diversity.entropy, diversity.miller_madow, diversity.pairwise_agreement])
def test_intervals(function):
    """Delta method and bootstrap over people agree in a large sample."""
    counts = [240, 120, 60, 30, 30]
    delta = function(counts)
    boot = function(counts, bootstrap=UnitBootstrap(draws=4000, seed=1))
    assert boot.value == delta.value
    assert boot.standard_error == pytest.approx(delta.standard_error, rel=0.06)
    assert delta.low < delta.value < delta.high
    assert boot == function(counts, bootstrap=UnitBootstrap(draws=4000, seed=1))


def test_delta_error_by_hand():
    # Shares ¾ and ¼ of 16 names: Var of −log₂ p is ¾·¼·(log₂ 3)²; that of 2p is 4·(¾·¼)·(½)².
    assert diversity.entropy([12, 4]).standard_error == pytest.approx(np.log2(3) * np.sqrt(3 / 16) / 4)
    assert diversity.pairwise_agreement([12, 4]).standard_error == pytest.approx(np.sqrt(4 * 3 / 16 / 4) / 4)
    assert "two or more names" in diversity.entropy([1]).reason
