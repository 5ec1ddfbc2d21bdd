"""Bradley–Terry and Davidson: saturated fits by hand, a published table, undefined cases."""

import math

import numpy as np
import pytest

from analysis.preference import preference_model
from analysis.resampling import TwoWayBootstrap

# Agresti (2002), Categorical Data Analysis, table 10.10: American League baseball 1987; wins of the row team.
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)


def repeated(wins):
    first, second = [], []
    for i, row in enumerate(wins):
        for j, count in enumerate(row):
            first += [TEAMS[i]] * int(count)
            second += [TEAMS[j]] * int(count)
    return first, second


def test_baseball():
    """Estimates relative to Baltimore as Agresti prints them."""
    first, second = repeated(WINS)
    model = preference_model(first, second, np.ones(len(first)))
    published = {
        "Milwaukee": 1.581,
        "Detroit": 1.436,
        "Toronto": 1.294,
        "New York": 1.248,
        "Boston": 1.108,
        "Cleveland": 0.684,
    }
    assert model.items == (*published, "Baltimore")
    for team, ability in published.items():
        difference = model.differences[team, "Baltimore"]
        assert round(difference.value, 3) == ability
    assert sum(share.value for share in model.shares.values()) == pytest.approx(1)
    assert model.p_equal < 0.01


def test_two_items_without_ties_are_their_odds():
    model = preference_model(["a"] * 10, ["b"] * 10, [1] * 8 + [0] * 2)
    difference = model.differences["a", "b"]
    assert difference.value == pytest.approx(math.log(4))
    assert difference.standard_error == pytest.approx(math.sqrt(1 / 8 + 1 / 2))
    assert model.shares["a"].value == pytest.approx(0.8)
    assert not model.tie.defined


def test_davidson_by_hand():
    # Saturated for two items: π_a/π_b = 9/4, ν = ties / √(9 · 4).
    outcomes = [1] * 9 + [0] * 4 + [0.5] * 3
    model = preference_model(["a"] * 16, ["b"] * 16, outcomes)
    assert model.differences["a", "b"].value == pytest.approx(math.log(9 / 4))
    assert model.tie.value == pytest.approx(3 / 6)
    expected = 9 * math.log(9 / 16) + 4 * math.log(4 / 16) + 3 * math.log(3 / 16)
    assert model.log_likelihood == pytest.approx(expected)


def test_side_by_hand():
    # a first: 8 of 10; b first: 6 of 10. log γ ± difference: logit .8 = γ + d, logit .6 = γ − d.
    first, second = ["a"] * 10 + ["b"] * 10, ["b"] * 10 + ["a"] * 10
    model = preference_model(first, second, [1] * 8 + [0] * 2 + [1] * 6 + [0] * 4, side=True)
    assert model.side.value == pytest.approx((math.log(4) + math.log(1.5)) / 2)
    assert model.differences["a", "b"].value == pytest.approx((math.log(4) - math.log(1.5)) / 2)


def test_two_way_bootstrap_is_seeded_and_wider_than_wald():
    source = np.random.default_rng(0)
    people, units = np.divmod(np.arange(240), 8)
    taste = source.normal(0, 1.5, 8)[units]
    outcome = (source.random(240) < 1 / (1 + np.exp(-0.6 - taste))).astype(float)
    outcome[source.random(240) < 0.15] = 0.5
    items = (np.full(240, "lite2"), np.full(240, "lite0"))
    boot = TwoWayBootstrap(draws=300, seed=4)
    model = preference_model(*items, outcome, participants=people, summaries=units, bootstrap=boot)
    again = preference_model(*items, outcome, participants=people, summaries=units, bootstrap=boot)
    wald = preference_model(*items, outcome)
    pair = model.items
    assert model == again
    assert model.differences[pair].value == pytest.approx(wald.differences[pair].value)
    assert model.differences[pair].standard_error > wald.differences[pair].standard_error
    assert model.tie.low < model.tie.value < model.tie.high


@pytest.mark.parametrize(
    ("first", "second", "outcome", "reason"),
    [
        ([], [], [], "no comparisons"),
        (["a", "a"], ["b", "b"], [1, 1], "won every"),
        (["a", "a", "c", "c"], ["b", "b", "d", "d"], [1, 0, 1, 0], "never compared"),
    ],
)
def test_no_fit_has_a_reason(first, second, outcome, reason):
    model = preference_model(first, second, outcome)
    assert reason in model.reason
    assert all(reason in estimate.reason for estimate in model.abilities.values())


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [(["a"], ["a"], [1]), (["a"], ["b"], [2]), (["a"], ["b", "c"], [1]), (["a"], [None], [1])],
)
def test_impossible_comparisons_are_refused(first, second, outcome):
    with pytest.raises(ValueError, match="Expected"):
        preference_model(first, second, outcome)
