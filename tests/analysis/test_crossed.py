"""Intervals of crossed answers: the variance of three kinds of draws, degrees of freedom, corrections."""

import numpy as np
import pytest
from scipy import stats

from analysis.comparisons import crossed_difference
from analysis.crossed import OVER_PARTICIPANTS, OVER_UNITS, TWO_WAY, CrossedReplicates, widening
from analysis.resampling import TwoWayBootstrap, two_way_mean


def replicates(people, units, extra, *, participants=10**6, summaries=10**6, value=0.0, draws=4000):
    source = np.random.default_rng(0)
    by_people, by_units = source.normal(0, people, draws), source.normal(0, units, draws)
    both = by_people + by_units + source.normal(0, extra, draws)
    return CrossedReplicates(value, value + by_people, value + by_units, value + both, participants, summaries)


def test_variance_is_that_of_people_and_units_less_what_both_add():
    # Parts A = 9, B = 16, E = 4: people draws have A + E, units B + E, both A + B + 3E; the truth is A + B + E.
    estimate = replicates(np.sqrt(13), np.sqrt(20), 2).estimate(n=1, level=0.95)
    assert estimate.standard_error == pytest.approx(np.sqrt(29), rel=0.04)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * np.sqrt(29), rel=0.05)
    assert estimate.method == TWO_WAY


def test_variance_is_never_below_that_of_one_side():
    estimate = replicates(1, 1, 5).estimate(n=1, level=0.95)
    assert estimate.standard_error == pytest.approx(1, rel=0.06)


def test_few_summaries_widen_the_interval():
    many = replicates(0.01, 1, 0.01).estimate(n=1, level=0.95)
    few = replicates(0.01, 1, 0.01, summaries=5).estimate(n=1, level=0.95)
    expected = np.sqrt(5 / 4) * stats.t.ppf(0.975, 4) / stats.norm.ppf(0.975)
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(expected, rel=1e-3)
    assert widening(0.95, 1e9) == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "method"), [({"summaries": 1}, OVER_PARTICIPANTS), ({"participants": 1}, OVER_UNITS)]
)
def test_one_side_alone(counts, method):
    assert replicates(1, 1, 0.1, **counts).estimate(n=1, level=0.95).method == method


def test_one_participant_and_one_summary_have_no_interval():
    alone = replicates(1, 1, 1, participants=1, summaries=1).estimate(n=1, level=0.95)
    assert (alone.low, "two or more" in alone.reason) == (None, True)


def test_bias_is_taken_out_and_bounds_are_kept():
    drawn = replicates(0.01, 0.05, 0.01, value=0.9)
    pushed = CrossedReplicates(0.9, drawn.people, drawn.units, drawn.both + 0.1, 100, 100)
    shifted = pushed.estimate(n=1, level=0.95, correct_bias=True)
    assert (shifted.low + shifted.high) / 2 == pytest.approx(0.8, abs=0.01) or shifted.high == 0.9
    assert "bias" in shifted.method
    cut = drawn.estimate(n=1, level=0.95, bounds=(0, 0.92))
    assert cut.high == 0.92


def test_undefined_draws_are_left_out_and_a_majority_of_them_gives_no_interval():
    drawn = replicates(1, 1, 1)
    broken = CrossedReplicates(0.0, drawn.people, np.where(np.arange(4000) % 4, np.nan, drawn.units), drawn.both, 9, 9)
    assert "more than half" in broken.estimate(n=1, level=0.95).reason
    with pytest.raises(ValueError, match="undefined"):
        CrossedReplicates(np.nan, drawn.people, drawn.units, drawn.both, 9, 9).estimate(n=1, level=0.95)


def test_standard_error_of_balanced_answers_is_that_of_the_analysis_of_variance():
    """Mean of a balanced crossed table: (MS_people + MS_units − MS_residual) / (P·S) estimates its variance."""
    source = np.random.default_rng(3)
    table = source.normal(0, 1, (14, 1)) + source.normal(0, 0.8, (1, 12)) + source.normal(0, 1.5, (14, 12))
    rows, columns, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    residual = table - rows[:, None] - columns + grand
    squares = 12 * rows.var(ddof=1) + 14 * columns.var(ddof=1) - (residual**2).sum() / (13 * 11)
    people, units = np.divmod(np.arange(168), 12)
    mean = two_way_mean(table.ravel(), people, units, draws=20_000, generator=np.random.default_rng(0))
    assert mean.standard_error == pytest.approx(np.sqrt(squares / 168), rel=0.05)


def test_difference_of_two_groups_of_summaries():
    people, units = np.divmod(np.arange(60), 6)
    values = np.where(units < 3, 1.0, 0.25) + people / 100
    boot = TwoWayBootstrap(draws=300)
    more = {"participants": people, "summaries": units, "bootstrap": boot}
    difference = crossed_difference(values, units < 3, **more)
    assert difference.value == pytest.approx(0.75)
    # Everybody saw both groups, so habits cancel; summaries of a group are alike.
    assert difference.high - difference.low < 1e-9
    assert "both groups" in crossed_difference(values, units < 9, **more).reason
