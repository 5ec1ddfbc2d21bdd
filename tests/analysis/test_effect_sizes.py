"""Effect sizes: oracle P of the statistics design, and published examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import effect_sizes


def test_oracle_p():
    assert round(effect_sizes.cohen_h(0.65, 0.45), 6) == 0.404860
    delta = effect_sizes.cliff_delta([1, 1, 2, 2, 2, 3, 3, 3, 4, 5], [1, 2, 3, 4, 4, 5])
    assert delta.value == -0.25
    assert delta.low < -0.25 < delta.high
    assert not effect_sizes.cliff_delta([], [1]).defined


@given(st.lists(st.integers(0, 5), min_size=2, max_size=9), st.lists(st.integers(0, 5), min_size=2, max_size=9))
def test_cliff_delta_compares_every_pair(first, second):
    delta = effect_sizes.cliff_delta(first, second)
    pairs = np.sign(np.subtract.outer(np.array(first), np.array(second)))
    assert delta.value == pytest.approx(pairs.mean())
    assert delta.value == pytest.approx(-effect_sizes.cliff_delta(second, first).value)
    if delta.low is not None:
        assert -1 <= delta.low <= delta.value <= delta.high <= 1


def test_cliff_delta_covers():
    """N(0.5, 1) against N(0, 1): δ = 2Φ(0.5/√2) − 1 = 0.27633."""
    source = np.random.default_rng(3)
    inside = 0
    for _ in range(300):
        delta = effect_sizes.cliff_delta(source.normal(0.5, 1, 25), source.normal(0, 1, 30))
        inside += delta.low <= 0.27633 <= delta.high
    assert 0.91 <= inside / 300 <= 0.98


def test_odds_ratio_by_hand():
    # 12 of 20 against 5 of 20: (12 · 15) / (8 · 5) = 4.5; log error √(1/12 + 1/8 + 1/5 + 1/15) = 0.689202.
    odds = effect_sizes.odds_ratio(12, 20, 5, 20)
    assert odds.value == pytest.approx(4.5)
    assert odds.standard_error == pytest.approx(0.689202, abs=1e-6)
    assert (odds.low, odds.high) == pytest.approx((4.5 / 3.860559, 4.5 * 3.860559), rel=1e-5)
    assert "0.5 added" in effect_sizes.odds_ratio(5, 5, 2, 5).method
    assert not effect_sizes.odds_ratio(0, 0, 2, 5).defined


def test_newcombe_1998():
    """Table II of the paper, method 10: 56/70 − 48/80 has the interval (0.0524, 0.3339)."""
    difference = effect_sizes.share_difference(56, 70, 48, 80)
    assert round(difference.value, 4) == 0.2
    assert (round(difference.low, 4), round(difference.high, 4)) == (0.0524, 0.3339)
    assert not effect_sizes.share_difference(0, 0, 1, 2).defined


@pytest.mark.parametrize("call", [lambda: effect_sizes.cohen_h(1.2, 0), lambda: effect_sizes.odds_ratio(3, 2, 1, 2)])
def test_impossible_input_is_refused(call):
    with pytest.raises(ValueError, match="Expected"):
        call()
