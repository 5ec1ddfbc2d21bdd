"""Affinity propagation of more regions than fit: in blocks, then once more over what the blocks found.

Source: Zhang, Furtlehner, Sebag, "Data Streaming with Affinity Propagation", ECML PKDD 2008, section 3 (hierarchical
affinity propagation). Messages take three times the memory of the similarities they are passed on, and the time of a
sweep is their number squared: 20,000 regions take 4.8 GB, 100,000 in blocks of 20,000 no more.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vsum_core.clustering import Propagation, affinity_propagation
from vsum_core.config import ClusteringConfig


def propagation_in_blocks(
    similarity: ArrayLike, *, config: ClusteringConfig, seed: int, device: torch.device | None = None
) -> Propagation:
    """Cluster R regions: exactly up to ``config.block_regions`` of them, by a hierarchy above.

    Up to that number this is :func:`vsum_core.clustering.affinity_propagation`. Above, the regions are dealt at random
    into blocks of like size, each block is clustered by itself, the exemplars of all blocks are clustered in the same
    way, and every region joins the most similar of the final exemplars. Preferences are relative to each block's own
    median, so that there are about as many clusters as one of the blocks has.

    Args:
        similarity: (R, R), see :func:`vsum_core.clustering.affinity_propagation`; may be memory-mapped, as it is read
            block by block.
        config: preference, damping, when to stop, size of a block.
        seed: of the dealing and of the noise that breaks ties.
        device: where messages are passed; see :func:`vsum_core.clustering.affinity_propagation`.

    Returns:
        ``converged``: all runs did; ``iterations``, ``damping``, ``attempts``: the highest of any run; ``preference``:
        of the last level. Where a block has no exemplar at all, its regions wait for those of the others.

    Raises:
        ValueError: ``similarity`` is not square or not finite.
    """
    matrix = np.asarray(similarity)
    count = len(matrix)
    if count <= config.block_regions:
        return affinity_propagation(matrix, config=config, seed=seed, device=device)
    if matrix.shape != (count, count):
        raise ValueError(f"similarity must have shape (R, R), but it has shape {matrix.shape}.")
    dealt = np.random.default_rng(seed).permutation(count)
    blocks = [np.sort(block) for block in np.array_split(dealt, -(-count // config.block_regions))]
    runs, found = [], []
    for block in blocks:
        runs.append(affinity_propagation(matrix[np.ix_(block, block)], config=config, seed=seed, device=device))
        found.append(block[runs[-1].exemplars])
    candidates = np.sort(np.concatenate(found))
    # Where every region is its own exemplar, there is nothing to be gained by another round.
    if 0 < len(candidates) < count:
        last = propagation_in_blocks(matrix[np.ix_(candidates, candidates)], config=config, seed=seed, device=device)
        runs.append(last)
        candidates = candidates[last.exemplars] if len(last.exemplars) else candidates
    return Propagation(
        labels=_nearest(matrix, candidates, blocks),
        exemplars=candidates.astype(np.int64),
        converged=all(run.converged for run in runs),
        iterations=max(run.iterations for run in runs),
        damping=max(run.damping for run in runs),
        preference=runs[-1].preference,
        attempts=max(run.attempts for run in runs),
    )


def _nearest(
    matrix: NDArray[np.generic], exemplars: NDArray[np.int64], blocks: list[NDArray[np.int64]]
) -> NDArray[np.int64]:
    labels = np.full(len(matrix), -1, dtype=np.int64)
    if len(exemplars):
        for block in blocks:
            labels[block] = np.argmax(matrix[np.ix_(block, exemplars)], axis=1)
        labels[exemplars] = np.arange(len(exemplars))
    return labels
