"""Pure statistics of the tasks besides naming: intruder, predict, coherence, confidence, times."""

import numpy as np
import pytest

from analysis.calibration import confidence_calibration
from analysis.coherence import coherence_ratings
from analysis.intruder import intruder_accuracy
from analysis.prediction import prediction_accuracy, utility_k
from analysis.resampling import TwoWayBootstrap
from analysis.times import reaction_times, time_ratio

BOOT = TwoWayBootstrap(draws=200, seed=3)


def crossed(people, units):
    return np.divmod(np.arange(people * units), units)


def test_intruder_by_hand():
    # Summary 0: 10 of 10, summary 1: 4 of 10. Oracle P: 14 of 20 against one fifth.
    people, units = crossed(10, 2)
    right = (units == 0) | (people < 4)
    found = intruder_accuracy(right, participants=people, summaries=units, options=5, bootstrap=BOOT)
    assert found.accuracy.value == found.model_precision.value == 0.7
    assert found.chance_corrected.value == pytest.approx(0.625)
    assert found.p_value == pytest.approx(1.8450057e-6, rel=1e-6)
    assert found.chance == pytest.approx(0.2)
    assert found.units["precision"].tolist() == [1, 0.4]
    assert found.accuracy.low < 0.7 < found.accuracy.high


def test_model_precision_weighs_summaries_alike_and_chance_is_per_trial():
    # Summary a: 3 of 4 with six options, summary b: 0 of 1 with two.
    found = intruder_accuracy(
        [1, 1, 1, 0, 0], participants=range(5), summaries=list("aaaab"), options=[6, 6, 6, 6, 2], bootstrap=BOOT
    )
    assert found.model_precision.value == pytest.approx(0.375)
    assert found.accuracy.value == pytest.approx(0.6)
    assert found.chance_corrected.value == pytest.approx((3 - 4 / 6 - 1 / 2) / (4 * 5 / 6 + 1 / 2))
    assert not intruder_accuracy([], participants=[], summaries=[], options=6).accuracy.defined


def test_prediction_is_split_by_the_network():
    # Network right: 3 of 4; network wrong: 1 of 2.
    found = prediction_accuracy(
        [1, 1, 1, 0, 1, 0],
        network_right=[1, 1, 1, 1, 0, 0],
        participants=list("abcabc"),
        summaries=list("xxyyzz"),
        bootstrap=BOOT,
    )
    assert (found.network_right.value, found.network_wrong.value) == (0.75, 0.5)
    assert found.accuracy.value == pytest.approx(4 / 6)
    assert (found.difference.value, found.balanced.value) == (0.25, 0.625)
    always = prediction_accuracy([1, 0], network_right=[1, 1], participants=[0, 1], summaries=[0, 1], bootstrap=BOOT)
    assert "never wrong" in always.network_wrong.reason
    assert not always.difference.defined


def test_utility_k_by_hand():
    # With the explanation 3 of 4, without 2 of 4.
    more = {"participants": range(8), "summaries": list("aabbaabb"), "bootstrap": BOOT}
    utility = utility_k([1, 1, 1, 0, 1, 1, 0, 0], explained=[1] * 4 + [0] * 4, **more)
    assert utility.value == pytest.approx(1.5)
    assert "with and without" in utility_k([1] * 8, explained=[1] * 8, **more).reason
    assert "nobody" in utility_k([1] * 4 + [0] * 4, explained=[1] * 4 + [0] * 4, **more).reason


def test_confidence_by_hand():
    # Right at 3, 3, 1; wrong at 1, 2: pairs 3>1, 3>2, 3>1, 3>2, 1=1, 1<2.
    found = confidence_calibration(
        [3, 3, 1, 1, 2], [1, 1, 1, 0, 0], participants=range(5), summaries=list("aabbc"), bootstrap=BOOT
    )
    assert found.discrimination.value == pytest.approx(4.5 / 6)
    assert found.gamma.value == pytest.approx((4 - 1) / 5)
    assert found.steps["accuracy"].tolist() == [0.5, 0, 1]
    assert not found.brier.defined
    stated = confidence_calibration(
        [1, 1, 2, 2],
        [1, 0, 1, 1],
        participants=range(4),
        summaries=range(4),
        probabilities={1: 0.7, 2: 0.9},
        bootstrap=BOOT,
    )
    assert stated.overconfidence.value == pytest.approx(0.8 - 0.75)
    assert stated.calibration_error.value == pytest.approx((0.2 + 0.1) / 2)
    assert stated.brier.value == pytest.approx((0.09 + 0.49 + 0.01 + 0.01) / 4)


def test_times_by_hand():
    # Participant a: 1, 2, 4 s, median 2; b: 8 s. Geometric mean of all: (1 · 2 · 4 · 8)^(1/4) = √8.
    found = reaction_times(
        [1000, 2000, 4000, 8000, np.nan], participants=list("aaabb"), summaries=list("xyzxy"), bootstrap=BOOT
    )
    assert found.median.value == 5
    assert found.geometric_mean.value == pytest.approx(8**0.5)
    assert (found.answers, found.missing) == (4, 1)
    assert found.spread == pytest.approx(np.log(2))
    ratio = time_ratio(
        [4000, 2000, 8000, 4000], [1, 0, 1, 0], participants=[0, 0, 1, 1], summaries=[0, 1, 0, 1], bootstrap=BOOT
    )
    assert ratio.value == pytest.approx(2)
    assert not reaction_times([np.nan], participants=[0], summaries=[0]).median.defined
    with pytest.raises(ValueError, match="above 0"):
        reaction_times([0], participants=[0], summaries=[0])


def test_bootstrapped_median_is_near_the_exact_one():
    """The median of five drawn from five is the lowest with probability P(Bin(5, 1/5) ≥ 3) = 0.05792."""

    def low(tail):
        boot = TwoWayBootstrap(draws=20_000, seed=1, level=1 - 2 * tail)
        times = reaction_times([1000, 2000, 3000, 4000, 5000], participants=range(5), summaries=[0] * 5, bootstrap=boot)
        return times.median.low

    assert (low(0.052), low(0.064)) == (1, 2)


def test_coherence_by_hand():
    people, units = crossed(3, 4)
    ratings = np.array([[7, 5, 2, 1], [7, 6, 2, 1], [6, 5, 3, 1]]).ravel()
    found = coherence_ratings(ratings, participants=people, summaries=units, bootstrap=BOOT)
    assert found.mean.value == pytest.approx(46 / 12)
    assert found.top_share.value == pytest.approx(0.5)
    assert 0.8 < found.alpha.value < 1
    assert 0.8 < found.ac2.value < 1
    assert found.intraclass.value > 0.9
    with pytest.raises(ValueError, match="one rating per rater"):
        coherence_ratings([1, 2], participants=[0, 0], summaries=[0, 0])
    with pytest.raises(ValueError, match="on the scale"):
        coherence_ratings([8], participants=[0], summaries=[0])


def test_two_way_totals_weigh_participant_times_summary():
    people, units = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    totals = BOOT.totals(np.array([[1.0], [2], [4], [8]]), people, units)
    assert totals.values[0].tolist() == [15]
    assert totals.values.shape == (1 + 3 * 200, 1)
    ones = BOOT.totals(np.ones((4, 1)), people, units)
    assert ones.values.max() > 4
    with pytest.raises(ValueError, match="one stratum"):
        BOOT.totals(np.ones((4, 1)), people, units, strata=[0, 0, 1, 1])
    with pytest.raises(ValueError, match="missing"):
        BOOT.totals(np.full((4, 1), np.nan), people, units)


def test_a_summary_drawn_in_its_own_stratum_is_always_there():
    """One summary per stratum: its weight is always one, so only participants vary."""
    people, units = crossed(20, 2)
    totals = BOOT.totals(np.eye(2)[units], people, units, strata=units)
    assert np.array_equal(totals.values[1:], np.full((600, 2), 20.0))
    assert (totals.participants, totals.summaries) == (20, 1)
