from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.orders import balance_positions, balanced_orders


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_every_block_is_everywhere_and_follows_every_other_equally_often(count):
    orders = balanced_orders(count)
    assert len(orders) == (count if count % 2 == 0 or count == 1 else 2 * count)
    places = Counter((block, place) for order in orders for place, block in enumerate(order))
    assert len(places) == count**2
    assert len(set(places.values())) == 1
    followers = Counter(pair for order in orders for pair in pairwise(order))
    assert len(followers) == count * (count - 1)
    assert len(set(followers.values())) <= 1


def test_williams_square_of_four():
    """The first row of Williams' square is 0, 1, n-1, 2, …; the others follow by adding one modulo n."""
    assert balanced_orders(4) == ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))


@given(st.integers(2, 9), st.integers(1, 20), st.integers(0, 14), st.integers(0, 2**31))
def test_within_a_slot_no_position_is_used_more_than_once_more_often(alternatives, slots, trials, seed):
    sequences = [[f"i{trial}" for trial in range(trials)] for _ in range(slots)]
    drawn = balance_positions(sequences, alternatives=alternatives, generator=np.random.default_rng(seed))
    for positions in drawn:
        assert len(positions) == trials
        counts = [positions.count(place) for place in range(1, alternatives + 1)]
        assert sum(counts) == trials
        assert max(counts) - min(counts) <= 1


def test_every_item_has_its_target_everywhere():
    """12 items, 6 positions, 36 slots that show them all: 6 times each, give or take one."""
    names = [f"i{number}" for number in range(12)]
    drawn = balance_positions([names] * 36, alternatives=6, generator=np.random.default_rng(0))
    counts = Counter((name, place) for positions in drawn for name, place in zip(names, positions, strict=True))
    assert len(counts) == 72
    assert set(counts.values()) <= {5, 6, 7}
