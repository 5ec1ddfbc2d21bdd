"""Bootstrap: oracle Q, exactness of the vectorised sums, and coverage on simulated studies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import resampling


def generator(seed=0):
    return np.random.default_rng(seed)


def test_four_clusters_enumerated():
    estimate = resampling.cluster_bootstrap([0.2, 0.5, 0.9, 0.4], generator=generator(), draws=10)
    assert round(estimate.standard_error, 7) == 0.1274755
    assert (round(estimate.low, 6), round(estimate.high, 6)) == (0.275, 0.775)
    assert estimate.method == "exact cluster bootstrap"


def test_many_clusters_are_drawn_and_near_the_theory():
    values = np.arange(40) / 40
    estimate = resampling.cluster_bootstrap(values, generator=generator(), draws=4000)
    assert estimate.standard_error == pytest.approx(values.std() / np.sqrt(40), rel=0.05)


def test_too_few_clusters():
    assert not resampling.cluster_bootstrap([], generator=generator(), draws=5).defined
    one = resampling.cluster_bootstrap([0.3], generator=generator(), draws=5)
    assert (one.value, one.low) == (0.3, None)


@given(st.integers(1, 12), st.integers(1, 20))
def test_every_draw_takes_as_many_as_there_are(size, draws):
    weights = resampling.multiplicities(generator(), draws=draws, size=size)
    assert weights.shape == (draws, size)
    assert (weights.sum(axis=1) == size).all()


def test_sums_weigh_each_answer_by_its_participant():
    participants, summaries, values = [0, 0, 1, 2], [0, 1, 1, 0], [1.0, 2.0, 4.0, 8.0]
    bootstrap = resampling.CrossedBootstrap(participants, summaries, draws=300, generator=generator())
    data, replicates = bootstrap.summary_sums(values)
    assert data.tolist() == [9, 6]
    weights = np.concatenate([chunk for _, chunk in bootstrap.weight_chunks()])
    assert replicates[:, 0] == pytest.approx(weights[:, 0] + 8 * weights[:, 2])
    assert replicates[:, 1] == pytest.approx(2 * weights[:, 0] + 4 * weights[:, 1])


def test_the_same_seed_gives_the_same_interval():
    codes = np.arange(30)
    first, second = (
        resampling.two_way_mean(codes % 2, codes % 6, codes // 6, draws=200, generator=generator(3)) for _ in range(2)
    )
    assert first == second


def test_mostly_undefined_draws_give_no_interval():
    replicates = np.array([np.nan, np.nan, np.nan, 0.5])
    estimate = resampling.from_replicates(0.5, replicates, n=4, level=0.95, method="test")
    assert (estimate.value, estimate.low) == (0.5, None)
    assert "more than half" in estimate.reason


def test_bias_is_taken_out_of_the_interval():
    replicates = np.linspace(0.6, 0.8, 1001)
    shifted = resampling.from_replicates(0.5, replicates, n=4, level=0.9, method="test", correct_bias=True)
    # The draws lie 0.2 above the value, so the truth is taken to lie 0.2 below it: 0.3 ± 0.09.
    assert (round(shifted.low, 3), round(shifted.high, 3)) == (0.21, 0.39)


@pytest.mark.parametrize("codes", [([0, 1], [0]), ([[0]], [[0]])])
def test_codes_must_match(codes):
    with pytest.raises(ValueError, match="one participant and one summary per answer"):
        resampling.CrossedBootstrap(*codes, draws=3, generator=generator())


def test_two_way_covers_where_participants_alone_do_not():
    """Ten summaries that differ, twenty participants: the truth is the mean over all summaries there could be."""
    source = generator(11)
    participants, summaries = np.divmod(np.arange(200), 10)
    two_way = alone = 0
    studies = 120
    for _ in range(studies):
        logits = 0.5 + source.normal(0, 1.2, 10)[summaries] + source.normal(0, 0.5, 20)[participants]
        values = (source.random(200) < 1 / (1 + np.exp(-logits))).astype(float)
        wide = resampling.two_way_mean(values, participants, summaries, draws=300, generator=source)
        narrow = resampling.cluster_bootstrap(values.reshape(20, 10).mean(axis=1), generator=source, draws=300)
        truth = 0.594  # mean of the logistic function over N(0.5, 1.2² + 0.5²)
        two_way += wide.low <= truth <= wide.high
        alone += narrow.low <= truth <= narrow.high
    assert two_way / studies > 0.88
    assert alone / studies < 0.8
