"""Oracle P of the statistics design, and the standard error of oracle Q."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import intervals


def test_fourteen_of_twenty():
    wilson, exact = intervals.wilson(14, 20), intervals.clopper_pearson(14, 20)
    assert (round(wilson.low, 6), round(wilson.high, 6)) == (0.481027, 0.854523)
    assert (round(exact.low, 6), round(exact.high, 6)) == (0.457211, 0.881068)
    assert intervals.chance_corrected(0.7, 0.2) == pytest.approx(0.625)


def test_none_of_ten():
    wilson = intervals.wilson(0, 10)
    assert (wilson.low, round(wilson.high, 6)) == (0, 0.277533)
    assert intervals.clopper_pearson(10, 10).high == 1


def test_mean_of_four_clusters():
    mean = intervals.t_mean([0.2, 0.5, 0.9, 0.4])
    assert round(mean.standard_error, 7) == 0.1471960
    assert mean.high - mean.value == pytest.approx(3.182446 * 0.1471960, abs=1e-6)


def test_one_unit_has_a_value_but_no_interval():
    mean = intervals.t_mean([3.0])
    assert (mean.value, mean.low) == (3, None)
    assert "two or more" in mean.reason
    assert not intervals.t_mean([]).defined
    assert intervals.t_mean([2, 2, 2]).reason == "no interval: the same in all 3 classes"


@pytest.mark.parametrize(
    "call",
    [
        lambda: intervals.wilson(3, 2),
        lambda: intervals.clopper_pearson(-1, 2),
        lambda: intervals.wilson(1, 2, level=95),
        lambda: intervals.chance_corrected(0.5, 1),
    ],
)
def test_impossible_inputs_are_refused(call):
    with pytest.raises(ValueError, match="Expected"):
        call()


@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_hold_the_share(counts):
    successes, n = counts
    for estimate in (intervals.wilson(successes, n), intervals.clopper_pearson(successes, n)):
        if n == 0:
            assert not estimate.defined
        else:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
