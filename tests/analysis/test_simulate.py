"""Simulated studies: their truth by other means, balance, seeds."""

import numpy as np
import pytest
from scipy import special, stats

from analysis import diversity
from analysis.simulate import StudyDesign, simulate_study, truth_of


def generator(seed=0):
    return np.random.default_rng(seed)


def test_truth_of_two_even_words_by_hand():
    # Dirichlet(1, 1) is a uniform share p: E p² + (1 − p)² = 2/3, E max = 3/4, E H = 1/(2 ln 2) bits.
    truth = truth_of(StudyDesign(vocabulary=2, zipf=0, concentration=2, classes=1))
    assert truth.pairwise_agreement == pytest.approx(2 / 3)
    assert truth.modal_share == pytest.approx(0.75, abs=0.002)
    assert truth.entropy == pytest.approx(1 / (2 * np.log(2)))
    assert truth.alpha == pytest.approx(1 - (1 / 3) / (1 / 2))


def test_truth_of_nameability_is_the_mean_over_people_and_summaries():
    design = StudyDesign(nameability=0.8, network_effect=0.5, random_nameability=0.2)
    truth = truth_of(design)
    assert truth.nameability[0] == pytest.approx(0.8)
    normal = generator().normal(0, design.spread, 400_000)
    assert truth.nameability[1] == pytest.approx(special.expit(design.log_odds(0.8) + 0.5 + normal).mean(), abs=0.002)
    expected = stats.norm.ppf(np.mean(truth.nameability)) - stats.norm.ppf(0.2)
    assert truth.d_prime == pytest.approx(expected)


def test_a_large_study_shows_its_truth():
    design = StudyDesign(participants=150, classes=20, networks=2, summaries=10, intruder_trials=100)
    truth, study = truth_of(design), simulate_study(design, generator=generator(2))
    main = study.arms[study.stimuli]
    assert study.named[main].mean() == pytest.approx(0.75, abs=0.03)
    assert study.named[~main].mean() == pytest.approx(0.3, abs=0.06)
    assert study.intruder_found.mean() == pytest.approx(truth.intruder_precision, abs=0.04)
    agreement = []
    for unit in np.flatnonzero(study.arms):
        words = study.words[(study.stimuli == unit) & study.named]
        agreement.append(diversity.pairwise_agreement(np.bincount(words)).value)
    assert np.mean(agreement) == pytest.approx(truth.pairwise_agreement, abs=0.03)


def test_names_of_different_classes_differ():
    study = simulate_study(StudyDesign(), generator=generator())
    classes = study.names[study.named] // study.design.vocabulary
    assert np.array_equal(classes, study.classes[study.stimuli][study.named])
    assert (study.names[~study.named] == -1).all()


def test_blocks_are_balanced_and_nobody_sees_a_stimulus_twice():
    design = StudyDesign(participants=25, trials=7)
    study = simulate_study(design, generator=generator())
    counts = np.bincount(study.stimuli, minlength=design.stimuli)
    assert counts.max() - counts.min() <= 1
    pairs = study.participants * design.stimuli + study.stimuli
    assert np.unique(pairs).size == pairs.size == 25 * 7


def test_the_same_seed_gives_the_same_study():
    first, second = (simulate_study(StudyDesign(intruder_trials=3), generator=generator(5)) for _ in range(2))
    assert np.array_equal(first.names, second.names)
    assert np.array_equal(first.intruder_found, second.intruder_found)


@pytest.mark.parametrize(
    "wrong",
    [{"participants": 0}, {"nameability": 1}, {"summary_spread": -1}, {"concentration": 0}, {"trials": 1000}],
)
def test_impossible_designs_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        StudyDesign(**wrong)
