"""Affinity propagation against scikit-learn, and clusters with one region per image."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import affinity_propagation as scikit_learn_propagation

from vsum_core.clustering import Cluster, Propagation, affinity_propagation, clusters_from_labels
from vsum_core.config import ClusteringConfig

REFERENCE = ClusteringConfig()


def blob_similarity(*, centres, per_centre, spread, seed):
    """Negative squared distances between points drawn around centres on a circle, float32."""
    generator = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(centres) / centres
    middle = np.stack([np.cos(angles), np.sin(angles)], axis=1).repeat(per_centre, axis=0)
    points = middle + generator.normal(scale=spread, size=middle.shape)
    return -((points[:, None] - points[None]) ** 2).sum(axis=2).astype(np.float32)


def scikit_learn_result(similarity, *, config, state):
    """Labels, exemplars and iterations of scikit-learn with our shift, preference and noise."""
    shifted = similarity.astype(np.float32).copy()
    off_diagonal = ~np.eye(len(shifted), dtype=bool)
    shifted -= shifted[off_diagonal].max()
    preference = config.preference_factor * np.median(shifted[off_diagonal])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exemplars, labels, iterations = scikit_learn_propagation(
            shifted,
            preference=preference,
            damping=config.damping,
            max_iter=config.maximum_iterations,
            convergence_iter=config.convergence_window,
            return_n_iter=True,
            random_state=np.random.RandomState(state),
        )
    return labels, np.asarray(exemplars), iterations


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_scikit_learn_on_asymmetric_similarities(seed):
    generator = np.random.default_rng(seed)
    similarity = blob_similarity(centres=7, per_centre=12, spread=0.2, seed=seed)
    similarity += generator.uniform(0, 0.05, size=similarity.shape).astype(np.float32)
    noise = np.random.RandomState(seed).standard_normal(size=similarity.shape)

    ours = affinity_propagation(similarity, config=REFERENCE, seed=0, noise=noise)
    labels, exemplars, iterations = scikit_learn_result(similarity, config=REFERENCE, state=seed)

    assert ours.converged
    assert ours.attempts == 1
    assert ours.damping == 0.9
    assert ours.iterations == iterations
    np.testing.assert_array_equal(ours.exemplars, exemplars)
    np.testing.assert_array_equal(ours.labels, labels)


def test_agrees_with_scikit_learn_where_ties_are_broken_by_the_noise():
    # Every point four times: the exemplar of each place is decided by the noise alone.
    places = blob_similarity(centres=5, per_centre=2, spread=0.3, seed=3)
    similarity = np.kron(places, np.ones((4, 4), dtype=np.float32))
    noise = np.random.RandomState(11).standard_normal(size=similarity.shape)
    ours = affinity_propagation(similarity, config=REFERENCE, seed=0, noise=noise)
    labels, _, _ = scikit_learn_result(similarity, config=REFERENCE, state=11)
    np.testing.assert_array_equal(ours.labels, labels)
    assert (ours.labels.reshape(-1, 4) == ours.labels[::4, None]).all()


def test_finds_three_well_separated_groups():
    similarity = blob_similarity(centres=3, per_centre=10, spread=0.05, seed=0)
    result = affinity_propagation(similarity, config=REFERENCE, seed=0)
    np.testing.assert_array_equal(result.labels, np.repeat([0, 1, 2], 10))
    assert result.exemplars.tolist() == sorted(result.exemplars.tolist())
    np.testing.assert_array_equal(result.labels[result.exemplars], [0, 1, 2])


def test_preference_is_the_factor_times_the_median_below_the_maximum_off_the_diagonal():
    # Off-diagonal entries 1, 2, 3, 4, 5, 9; less the maximum: -8, -7, -6, -5, -4, 0, whose median is -5.5.
    similarity = np.array([[100, 1, 2], [3, -100, 4], [5, 9, 50]], dtype=float)
    assert affinity_propagation(similarity, config=REFERENCE, seed=0).preference == pytest.approx(1.3 * -5.5)


def test_neither_the_diagonal_nor_a_common_offset_matters():
    similarity = blob_similarity(centres=4, per_centre=8, spread=0.3, seed=5)
    moved = similarity + 8
    np.fill_diagonal(moved, 1e6)
    first = affinity_propagation(similarity, config=REFERENCE, seed=0)
    second = affinity_propagation(moved, config=REFERENCE, seed=0)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_the_seed_decides_ties_and_repeats():
    similarity = np.kron(blob_similarity(centres=3, per_centre=1, spread=0, seed=0), np.ones((6, 6), np.float32))
    first, again = (affinity_propagation(similarity, config=REFERENCE, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.exemplars, again.exemplars)
    others = {tuple(affinity_propagation(similarity, config=REFERENCE, seed=seed).exemplars) for seed in range(8)}
    assert len(others) > 1


def test_input_is_left_alone():
    similarity = blob_similarity(centres=2, per_centre=5, spread=0.1, seed=0)
    before = similarity.copy()
    affinity_propagation(similarity, config=REFERENCE, seed=0)
    np.testing.assert_array_equal(similarity, before)


def test_no_region_gives_no_cluster():
    result = affinity_propagation(np.zeros((0, 0)), config=REFERENCE, seed=0)
    assert result.labels.shape == result.exemplars.shape == (0,)
    assert result.converged
    assert result.preference is None
    assert result.attempts == 0


def test_one_region_is_its_own_cluster():
    result = affinity_propagation([[3.0]], config=REFERENCE, seed=0)
    assert (result.labels.tolist(), result.exemplars.tolist()) == ([0], [0])
    assert result.preference is None


@pytest.mark.parametrize("count", [2, 3, 20])
def test_equal_similarities_form_one_cluster_around_the_first(count):
    result = affinity_propagation(np.full((count, count), 0.7), config=REFERENCE, seed=0)
    assert result.labels.tolist() == [0] * count
    assert result.exemplars.tolist() == [0]
    assert (result.converged, result.iterations, result.attempts, result.preference) == (True, 0, 0, 0.0)


def test_two_regions_of_asymmetric_similarity_choose_the_better_exemplar():
    # Region 0 is served well by region 1 (0.9), region 1 badly by region 0 (0.1).
    result = affinity_propagation([[0, 0.9], [0.1, 0]], config=REFERENCE, seed=0)
    assert result.converged
    assert result.exemplars.tolist() == [1]
    assert result.labels.tolist() == [0, 0]


def test_a_run_that_does_not_converge_is_repeated_with_each_damping_and_reported():
    hasty = dataclasses.replace(REFERENCE, maximum_iterations=5, retry_dampings=(0.95, 0.98))
    result = affinity_propagation(blob_similarity(centres=3, per_centre=4, spread=0.1, seed=0), config=hasty, seed=0)
    assert not result.converged
    assert (result.attempts, result.damping, result.iterations) == (3, 0.98, 5)


def test_more_damping_mends_an_oscillating_run():
    # Found by search over small matrices full of ties: damping 0.5 swings for ever, 0.95 comes to rest.
    similarity = np.random.default_rng(6).integers(0, 3, size=(5, 5)).astype(np.float32)
    swinging = ClusteringConfig(damping=0.5, retry_dampings=(0.95,), convergence_window=100, maximum_iterations=400)
    alone = affinity_propagation(similarity, config=dataclasses.replace(swinging, retry_dampings=()), seed=0)
    result = affinity_propagation(similarity, config=swinging, seed=0)
    assert not alone.converged
    assert alone.attempts == 1
    assert result.converged
    assert (result.attempts, result.damping) == (2, 0.95)


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        (np.zeros((2, 3)), r"\(R, R\)"),
        (np.zeros(4), r"\(R, R\)"),
        (np.array([[0, np.nan], [0, 0]]), "finite"),
        (np.array([[0, -np.inf], [0, 0]]), "finite"),
    ],
)
def test_unusable_similarities_are_refused(similarity, message):
    with pytest.raises(ValueError, match=message):
        affinity_propagation(similarity, config=REFERENCE, seed=0)


def test_noise_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="noise"):
        affinity_propagation([[0, 1], [2, 0]], config=REFERENCE, seed=0, noise=np.zeros(2))


def propagation(labels, exemplars):
    return Propagation(
        labels=np.array(labels),
        exemplars=np.array(exemplars, dtype=np.int64),
        converged=True,
        iterations=200,
        damping=0.9,
        preference=-1.0,
        attempts=1,
    )


def test_each_image_gives_its_most_similar_region_and_the_exemplars_own_image_only_the_exemplar():
    images = [0, 0, 1, 1, 2, 3]
    similarity = np.zeros((6, 6))
    similarity[:, 0] = [0, 0.99, 0.3, 0.5, 0.9, 0.1]
    clusters = clusters_from_labels(propagation([0] * 6, [0]), similarity, images, config=REFERENCE)
    assert clusters == [Cluster(exemplar=0, members=(0, 4, 3, 5), similarities=(None, 0.9, 0.5, 0.1))]


def test_similarity_is_read_from_the_members_row():
    similarity = np.array([[0, 0.2], [0.8, 0]])
    (cluster,) = clusters_from_labels(propagation([0, 0], [0]), similarity, [0, 1], config=REFERENCE)
    assert cluster.similarities == (None, 0.8)


def test_clusters_are_cut_to_the_most_similar_images_and_small_ones_left_out():
    labels = [0] * 15 + [1]
    similarity = np.zeros((16, 16))
    similarity[:, 3] = np.arange(16) / 16
    clusters = clusters_from_labels(propagation(labels, [3, 15]), similarity, list(range(16)), config=REFERENCE)
    assert [cluster.members for cluster in clusters] == [(3, 14, 13, 12, 11, 10, 9, 8, 7, 6)]


def test_equally_similar_regions_keep_their_order():
    (cluster,) = clusters_from_labels(propagation([0] * 5, [2]), np.ones((5, 5)), [4, 4, 3, 2, 2], config=REFERENCE)
    assert cluster.members == (2, 0, 3)


def test_no_exemplar_gives_no_cluster():
    assert clusters_from_labels(propagation([-1, -1], []), np.ones((2, 2)), [0, 1], config=REFERENCE) == []


def test_counts_must_agree():
    with pytest.raises(ValueError, match="image_of_region"):
        clusters_from_labels(propagation([0, 0], [0]), np.ones((2, 2)), [0], config=REFERENCE)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(2, 25),
    images=st.integers(1, 8),
    seed=st.integers(0, 2**31),
)
def test_every_region_has_an_exemplar_and_no_cluster_shows_an_image_twice(count, images, seed):
    generator = np.random.default_rng(seed)
    similarity = generator.uniform(size=(count, count))
    image_of_region = generator.integers(images, size=count)
    result = affinity_propagation(similarity, config=REFERENCE, seed=seed)
    assert len(result.labels) == count
    if len(result.exemplars):
        np.testing.assert_array_equal(result.labels[result.exemplars], np.arange(len(result.exemplars)))
    else:
        assert (result.labels == -1).all()
    for cluster in clusters_from_labels(result, similarity, image_of_region, config=REFERENCE):
        shown = image_of_region[list(cluster.members)]
        assert len(set(shown)) == len(shown) >= REFERENCE.minimum_members
        assert cluster.members[0] == cluster.exemplar
        assert len(cluster.members) <= REFERENCE.maximum_members
        assert list(cluster.similarities[1:]) == sorted(cluster.similarities[1:], reverse=True)
