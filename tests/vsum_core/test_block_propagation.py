"""Regions in blocks: the same as all at once where the groups are clear, and exact where they fit."""

import dataclasses

import numpy as np
import pytest

from vsum_core.block_propagation import propagation_in_blocks
from vsum_core.clustering import affinity_propagation
from vsum_core.config import ClusteringConfig

EXACT = ClusteringConfig()
BLOCKS = dataclasses.replace(EXACT, block_regions=40)


def groups(count, *, per_group, seed=0):
    """Negative squared distances between points around well separated centres, and the group of each."""
    generator = np.random.default_rng(seed)
    group = generator.permutation(np.arange(count).repeat(per_group))
    angles = 2 * np.pi * group / count
    points = 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.1 * generator.normal(size=(len(group), 2))
    return -((points[:, None] - points) ** 2).sum(axis=2).astype(np.float32), group


def test_up_to_a_block_it_is_the_plain_one():
    similarity, _ = groups(4, per_group=10)
    ours = propagation_in_blocks(similarity, config=BLOCKS, seed=3)
    plain = affinity_propagation(similarity, config=BLOCKS, seed=3)
    np.testing.assert_array_equal(ours.labels, plain.labels)
    np.testing.assert_array_equal(ours.exemplars, plain.exemplars)
    assert (ours.iterations, ours.preference, ours.attempts) == (plain.iterations, plain.preference, plain.attempts)


@pytest.mark.parametrize("seed", range(3))
def test_clear_groups_are_found_across_blocks(seed):
    """150 regions of five groups in four blocks: each block sees all groups, and the exemplars are joined again."""
    similarity, group = groups(5, per_group=30, seed=seed)
    result = propagation_in_blocks(similarity, config=BLOCKS, seed=seed)
    assert result.converged
    assert len(result.exemplars) == 5
    assert sorted(group[result.exemplars]) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(group[result.exemplars][result.labels], group)
    np.testing.assert_array_equal(result.labels[result.exemplars], np.arange(5))


def test_more_levels_than_two():
    """Blocks of twelve give more exemplars than fit into one block, so that they are dealt into blocks again."""
    similarity, group = groups(3, per_group=40)
    result = propagation_in_blocks(similarity, config=dataclasses.replace(EXACT, block_regions=12), seed=0)
    np.testing.assert_array_equal(group[result.exemplars][result.labels], group)


def test_the_seed_deals_the_blocks_and_repeats():
    similarity, _ = groups(5, per_group=30)
    first, again = (propagation_in_blocks(similarity, config=BLOCKS, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.exemplars, again.exemplars)
    others = {tuple(propagation_in_blocks(similarity, config=BLOCKS, seed=seed).exemplars) for seed in range(4)}
    assert len(others) > 1


def test_a_block_that_does_not_converge_is_told():
    similarity, _ = groups(5, per_group=30)
    hasty = dataclasses.replace(BLOCKS, maximum_iterations=3, retry_dampings=(0.95,))
    result = propagation_in_blocks(similarity, config=hasty, seed=0)
    assert not result.converged
    assert (result.attempts, result.damping, result.iterations) == (2, 0.95, 3)


def test_wrong_shapes_and_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(R, R\)"):
        propagation_in_blocks(np.zeros((50, 49)), config=BLOCKS, seed=0)
    with pytest.raises(ValueError, match="block_regions must be 2 or more"):
        dataclasses.replace(EXACT, block_regions=1)
