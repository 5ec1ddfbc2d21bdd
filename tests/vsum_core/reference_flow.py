"""Slow and plain versions of the matchers, written from the definition, for comparison only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Array = npt.NDArray[np.float64]


def filtered_appearance(boxes_a: Array, boxes_b: Array, appearance: Array, *, maximum_ratio: float = 2.0) -> Array:
    result = np.array(appearance, dtype=np.float64)
    for p, (left, top, right, bottom) in enumerate(boxes_a):
        for q, (other_left, other_top, other_right, other_bottom) in enumerate(boxes_b):
            aspect = (right - left) / (bottom - top)
            other_aspect = (other_right - other_left) / (other_bottom - other_top)
            if max(aspect / other_aspect, other_aspect / aspect) >= maximum_ratio:
                result[p, q] = 0
    return result


def geometric_median(offsets: Array, *, iterations: int, floor: float) -> Array:
    """Component-wise Weiszfeld from (1, 1, 1); offsets (K, 3)."""
    estimate = np.ones(3)
    for _ in range(iterations):
        weights = 1 / np.maximum(np.abs(offsets - estimate), floor)
        estimate = (weights * offsets).sum(axis=0) / weights.sum(axis=0)
    return estimate


def local_offset(
    boxes_a: Array,
    boxes_b: Array,
    appearance: Array,
    *,
    iterations: int = 20,
    offset_decay: float = 0.05,
    scale_decay: float = 0.3,
    floor: float = 1e-2,
) -> Array:
    """LOM with everything computed anew for every row."""
    centres_a, centres_b = (boxes_a[:, :2] + boxes_a[:, 2:]) / 2, (boxes_b[:, :2] + boxes_b[:, 2:]) / 2
    areas_a, areas_b = (boxes_a[:, 2:] - boxes_a[:, :2]).prod(axis=1), (boxes_b[:, 2:] - boxes_b[:, :2]).prod(axis=1)
    offsets = np.concatenate(
        [centres_b[None] - centres_a[:, None], (areas_b[None] / areas_a[:, None])[..., None]], axis=2
    )
    corners = np.minimum(boxes_a[:, None, 2:], boxes_a[None, :, 2:]) - np.maximum(
        boxes_a[:, None, :2], boxes_a[None, :, :2]
    )
    overlapping = (corners > 0).all(axis=2)
    confidence = np.array(appearance, dtype=np.float64)
    for p in range(len(boxes_a)):
        best, columns = confidence.max(axis=1), confidence.argmax(axis=1)
        if best[p] == 0:
            continue
        neighbours = np.flatnonzero(overlapping[p] & (best > 0))
        median = geometric_median(offsets[neighbours, columns[neighbours]], iterations=iterations, floor=floor)
        away = np.hypot(offsets[p, :, 0] - median[0], offsets[p, :, 1] - median[1])
        agreement = np.exp(-offset_decay * away - scale_decay * np.abs(offsets[p, :, 2] - median[2]))
        confidence[p] *= agreement * (best[neighbours].sum() / best.sum())
    return confidence


def probabilistic_hough(
    boxes_a: Array, boxes_b: Array, appearance: Array, *, side: float, scale_side: float, sigma: float
) -> Array:
    """PHM with votes counted by ``numpy.add.at``."""

    def places(boxes: Array) -> Array:
        sizes = boxes[:, 2:] - boxes[:, :2]
        return np.column_stack([(boxes[:, :2] + boxes[:, 2:]) / 2, np.log2(sizes.prod(axis=1)) / 2])

    offsets = places(boxes_b)[None] - places(boxes_a)[:, None]
    bins = np.floor((offsets - offsets.min(axis=(0, 1))) / [side, side, scale_side] + 0.5).astype(int)
    votes = np.zeros(bins.max(axis=(0, 1)) + 1)
    index = tuple(np.moveaxis(bins, 2, 0))
    np.add.at(votes, index, appearance)
    support = gaussian_filter(votes / votes.sum(), sigma=sigma * np.sqrt(2), mode="constant")
    return np.asarray(appearance * support[index], dtype=np.float64)
