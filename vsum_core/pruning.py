"""Which proposals of an image take part in the clustering: those on what the mask deletes, without near-duplicates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vsum_core.config import PruningConfig

DELETED_BELOW = 0.5  # a mask deletes a pixel below this value


def masked_proposals(
    boxes: npt.NDArray[Any], mask: npt.NDArray[np.floating[Any]], *, config: PruningConfig
) -> npt.NDArray[np.intp]:
    """Indices of the boxes of which the mask deletes more than ``config.minimum_masked``, in ascending order.

    Args:
        boxes: (P, 4), whole numbers: left, top, right, bottom in pixels of the mask, right and bottom exclusive.
        mask: (S, S) in [0, 1]; below 0.5 a pixel is deleted.
        config: the share.

    Raises:
        ValueError: a box is empty, leaves the mask or has fractions of pixels, or the shapes are other ones.
    """
    if mask.ndim != 2:
        raise ValueError(f"Expected a mask of shape (S, S), but got {mask.shape}.")
    corners = _whole_boxes(boxes, height=mask.shape[0], width=mask.shape[1])
    integral = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    np.cumsum(np.cumsum(mask < DELETED_BELOW, axis=0, dtype=np.int64), axis=1, out=integral[1:, 1:])
    left, top, right, bottom = corners.T
    deleted = integral[bottom, right] - integral[top, right] - integral[bottom, left] + integral[top, left]
    area = (right - left) * (bottom - top)
    return np.flatnonzero(deleted > config.minimum_masked * area)


def remove_redundant(
    boxes: npt.NDArray[Any], scores: npt.NDArray[np.floating[Any]], *, config: PruningConfig
) -> npt.NDArray[np.intp]:
    """Indices of the boxes that stay, best score first; among equal scores the lower index comes first.

    Walking from the best score down, a box goes when one that stays has a similar area (ratio below
    ``config.area_ratio``) and shares at least ``config.overlap`` of the smaller of the two.

    Args:
        boxes: (P, 4): left, top, right, bottom, right and bottom exclusive.
        scores: (P,), finite.
        config: the two limits.

    Raises:
        ValueError: a box is empty, a score is not finite, or the shapes do not fit.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (len(boxes),):
        raise ValueError(f"Expected boxes (P, 4) and scores (P,), but got {boxes.shape} and {scores.shape}.")
    if not np.isfinite(scores).all():
        raise ValueError(f"Expected finite scores, but number {int(np.argmin(np.isfinite(scores)))} is not.")
    corners = boxes.astype(np.float64)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    empty = (corners[:, 2] <= corners[:, 0]) | (corners[:, 3] <= corners[:, 1])
    if empty.any():
        wrong = int(np.argmax(empty))
        raise ValueError(f"Expected boxes with an area, but box {wrong} is {boxes[wrong].tolist()}.")
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    waiting = np.ones(len(boxes), dtype=bool)
    kept = []
    for index in order:
        if waiting[index]:
            kept.append(index)
            waiting &= ~_redundant_with(corners, areas, index, config)
    return np.array(kept, dtype=np.intp)


def _redundant_with(
    boxes: npt.NDArray[np.float64], areas: npt.NDArray[np.float64], index: int, config: PruningConfig
) -> npt.NDArray[np.bool_]:
    width = np.minimum(boxes[:, 2], boxes[index, 2]) - np.maximum(boxes[:, 0], boxes[index, 0])
    height = np.minimum(boxes[:, 3], boxes[index, 3]) - np.maximum(boxes[:, 1], boxes[index, 1])
    intersection = np.maximum(width, 0) * np.maximum(height, 0)
    smaller, larger = np.minimum(areas, areas[index]), np.maximum(areas, areas[index])
    redundant: npt.NDArray[np.bool_] = (intersection >= config.overlap * smaller) & (
        larger < config.area_ratio * smaller
    )
    return redundant


def _whole_boxes(boxes: npt.NDArray[Any], *, height: int, width: int) -> npt.NDArray[np.int64]:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Expected boxes of shape (P, 4), but got {boxes.shape}.")
    corners = boxes.astype(np.int64)
    left, top, right, bottom = corners.T
    good = (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height) & (left < right) & (top < bottom)
    good &= (corners == boxes).all(axis=1)
    if not good.all():
        wrong = int(np.argmin(good))
        raise ValueError(
            f"Box {wrong} is {boxes[wrong].tolist()}, but boxes must be whole pixels, not empty and inside the mask of "
            f"{width} × {height} pixels."
        )
    return corners
