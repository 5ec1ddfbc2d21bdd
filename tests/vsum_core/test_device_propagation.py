"""Messages by PyTorch against those by Numba: same labels after as many iterations, for the same noise."""

import dataclasses

import numpy as np
import pytest
import torch

from vsum_core import device_propagation
from vsum_core.block_propagation import propagation_in_blocks
from vsum_core.clustering import affinity_propagation
from vsum_core.config import ClusteringConfig

CPU = torch.device("cpu")


def blobs(seed, count=120):
    """Points around centres, made asymmetric by noise."""
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(8, 4))[generator.integers(8, size=count)] + 0.3 * generator.normal(size=(count, 4))
    similarity = -((points[:, None] - points) ** 2).sum(axis=2)
    return (similarity + generator.uniform(0, 0.1, similarity.shape)).astype(np.float32)


def uniform(seed, count=90):
    """No groups at all."""
    return np.random.default_rng(seed).uniform(size=(count, count)).astype(np.float32)


def like_flow(seed, images=12, per_image=10):
    """As of Proposal Flow: never negative, mostly nothing, a few strong matches, symmetric."""
    generator = np.random.default_rng(seed)
    part = generator.integers(6, size=images * per_image)
    strength = generator.exponential(size=(len(part), len(part))) * np.where(part[:, None] == part, 1.0, 0.05)
    strength[generator.uniform(size=strength.shape) < 0.6] = 0
    return np.maximum(strength, strength.T).astype(np.float32)


def assert_agree(similarity, *, config, seed=0):
    noise = np.random.default_rng(seed).standard_normal(similarity.shape)
    ours = affinity_propagation(similarity, config=config, seed=0, noise=noise, device=CPU)
    numba = affinity_propagation(similarity, config=config, seed=0, noise=noise)
    np.testing.assert_array_equal(ours.labels, numba.labels)
    np.testing.assert_array_equal(ours.exemplars, numba.exemplars)
    for field in ("converged", "iterations", "damping", "preference", "attempts"):
        assert getattr(ours, field) == getattr(numba, field)
    return ours


@pytest.mark.parametrize("make", [blobs, uniform, like_flow])
@pytest.mark.parametrize("seed", range(4))
def test_same_labels_after_as_many_iterations(make, seed):
    assert assert_agree(make(seed), config=ClusteringConfig(), seed=seed).converged


def test_what_is_passed_after_convergence_changes_nothing(monkeypatch):
    iterations = assert_agree(blobs(0), config=ClusteringConfig()).iterations
    monkeypatch.setattr(device_propagation, "_ITERATIONS_UNASKED", iterations + 33)
    assert_agree(blobs(0), config=ClusteringConfig())


def test_rows_in_several_blocks_give_the_same(monkeypatch):
    monkeypatch.setattr(device_propagation, "_ELEMENTS_AT_ONCE", 120 * 50)
    assert_agree(blobs(0), config=ClusteringConfig())


def test_a_run_that_does_not_converge_is_repeated_and_told():
    hasty = ClusteringConfig(maximum_iterations=7, convergence_window=5)
    found = assert_agree(uniform(1), config=hasty)
    assert not found.converged
    assert (found.iterations, found.attempts) == (7, 3)


@pytest.mark.parametrize("count", [2, 3])
def test_few_regions(count):
    assert_agree(uniform(5, count=count), config=ClusteringConfig())


def test_the_similarity_stays_as_it_is():
    similarity = torch.from_numpy(blobs(0))
    before = similarity.clone()
    device_propagation.pass_messages(similarity, damping=0.9, maximum_iterations=30, window=10)
    assert torch.equal(similarity, before)


def test_blocks_hand_the_device_down():
    config = dataclasses.replace(ClusteringConfig(), block_regions=40)
    ours = propagation_in_blocks(blobs(2), config=config, seed=1, device=CPU)
    numba = propagation_in_blocks(blobs(2), config=config, seed=1)
    np.testing.assert_array_equal(ours.labels, numba.labels)
    assert ours.iterations == numba.iterations


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_clusters():
    similarity = blobs(0, count=1500)
    on_gpu = affinity_propagation(similarity, config=ClusteringConfig(), seed=0, device=torch.device("cuda"))
    numba = affinity_propagation(similarity, config=ClusteringConfig(), seed=0)
    np.testing.assert_array_equal(on_gpu.labels, numba.labels)
