"""Numbers about relevance maps: how concentrated they are, where they point, and whether they follow the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from vsum_core.metrics_curves import Score


def sparsity(relevance: ArrayLike) -> float | None:
    """Gini index of the absolute relevance: 0 where all pixels are equal, near 1 where few hold everything.

    ``1 - 2 Σ c_k / Σc · (N - k + 1/2) / N`` with c sorted ascending. Source: N. Hurley, S. Rickard, "Comparing Measures
    of Sparsity", IEEE Transactions on Information Theory 55, 2009; for explanations: P. Chalasani et al., ICML 2020.

    Returns:
        None for an empty map, or one that is 0 everywhere.
    """
    values = np.sort(np.abs(np.asarray(relevance, dtype=np.float64)).ravel())
    total = values.sum()
    if values.size == 0 or total == 0:
        return None
    ranks = np.arange(1, values.size + 1)
    return float(1 - 2 * np.sum(values / total * (values.size - ranks + 0.5) / values.size))


def points_at(relevance: NDArray[np.floating[Any]], boxes: Sequence[ArrayLike], *, tolerance: float = 15) -> bool:
    """Whether the most relevant pixel hits the object: the pointing game of one image.

    Source: J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016, with its margin of 15
    pixels. Of equal maxima the first in reading order counts.

    Args:
        relevance: (H, W).
        boxes: of the object's places in pixels: left, top, right, bottom, right and bottom exclusive.
        tolerance: pixels by which the boxes are enlarged on every side.

    Raises:
        ValueError: no box, or a box is reversed.
    """
    corners = np.asarray(boxes, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 4 or bool(np.any(corners[:, :2] > corners[:, 2:])):
        raise ValueError(f"Expected boxes [left, top, right, bottom], but got {corners.tolist()}.")
    row, column = np.unravel_index(int(np.argmax(relevance)), relevance.shape)
    x, y = column + 0.5, row + 0.5
    left, top, right, bottom = corners.T
    inside = (x >= left - tolerance) & (x <= right + tolerance) & (y >= top - tolerance) & (y <= bottom + tolerance)
    return bool(inside.any())


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float | None:
    """Spearman's rank correlation of two maps of one shape, in [-1, 1]; ties share their mean rank.

    The measure of the parameter-randomisation check of J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS
    2018: a map that hardly changes when the network's weights are random does not explain the network.

    Returns:
        None where one of the maps is constant.

    Raises:
        ValueError: the shapes differ.
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != other.shape or one.size == 0:
        raise ValueError(f"Expected two maps of one shape, but their shapes are {one.shape} and {other.shape}.")
    return correlation(rankdata(one.ravel()), rankdata(other.ravel()))


def correlation(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> float | None:
    """Pearson's correlation of two lists, in [-1, 1]; None where one of them is constant."""
    centred = [np.asarray(values, dtype=np.float64) - np.mean(values) for values in (first, second)]
    lengths = [float(np.sqrt((values**2).sum())) for values in centred]
    scale = max(float(np.abs(first).max(initial=0)), float(np.abs(second).max(initial=0)), 1e-300)
    if min(lengths) <= 1e-12 * scale:
        return None
    return float(np.clip((centred[0] * centred[1]).sum() / (lengths[0] * lengths[1]), -1, 1))


def mu_fidelity(
    relevance: NDArray[np.floating[Any]],
    score: Score,
    *,
    generator: np.random.Generator,
    cells: int = 9,
    share: float = 0.2,
    samples: int = 100,
) -> float | None:
    """Whether relevance adds up: correlation of the relevance of random sets of cells and the score lost with them.

    Source: U. Bhatt, A. Weller, J. M. F. Moura, "Evaluating and Aggregating Feature-based Model Explanations", IJCAI
    2020 (faithfulness μ_F), on a grid of cells as usual for images.

    Args:
        relevance: (H, W).
        score: of masks.
        generator: draws the sets.
        cells: per side of the grid.
        share: of the cells that a set has.
        samples: sets, 2 or more.

    Returns:
        In [-1, 1]; None where relevance or losses do not differ.

    Raises:
        ValueError: ``cells``, ``share`` or ``samples`` are out of range.
    """
    height, width = relevance.shape
    if not (1 <= cells <= min(height, width) and 0 < share < 1 and samples >= 2):
        raise ValueError(f"Expected 1 to {min(height, width)} cells, a share in (0, 1) and 2 or more samples.")
    rows, columns = (np.arange(extent) * cells // extent for extent in (height, width))
    cell_of_pixel = rows[:, None] * cells + columns[None, :]
    sums = np.bincount(cell_of_pixel.ravel(), weights=relevance.ravel().astype(np.float64), minlength=cells**2)
    size = max(1, round(share * cells**2))
    chosen = np.stack([generator.permutation(cells**2)[:size] for _ in range(samples)])
    masks = np.ones((samples + 1, height, width), dtype=np.float32)
    for mask, numbers in zip(masks[1:], chosen, strict=True):
        mask[np.isin(cell_of_pixel, numbers)] = 0
    p = score(masks)
    return correlation(sums[chosen].sum(axis=1), p[0] - p[1:])
