"""Background statistics of HOG cells, estimated from natural images.

Source: Hariharan, Malik, Ramanan, "Discriminative Decorrelation for Clustering and Classification", ECCV 2012, section
2: the mean of a cell, and the covariance of two cells as a function of the offset between them alone.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.descriptors import PROVENANCE_FILE, STATISTICS_FILE
from vsum_core.hog import FEATURES, hog_cells

SCALES = (0.5, 0.5**0.5, 1.0, 2.0**0.5, 2.0, 8.0**0.5)


@dataclass(frozen=True, kw_only=True, eq=False)
class BackgroundStatistics:
    """What :class:`vsum_core.descriptors.Whitening` is built from.

    Attributes:
        mean: float32 (31,).
        autocovariance: float32 (R + 1, 2R + 1, 31, 31); entry [dy, dx + R] is the covariance of a cell with the one dy
            rows below and dx columns to the right.
        maps: number of feature maps (images × scales).
        cells: number of cells in all of them.
        cell_side: pixels per cell.
    """

    mean: npt.NDArray[np.float32]
    autocovariance: npt.NDArray[np.float32]
    maps: int
    cells: int
    cell_side: int


def estimate_background(
    images: Sequence[npt.NDArray[np.uint8]],
    *,
    scales: Sequence[float] = SCALES,
    reach: int = 7,
    cell_side: int = 8,
) -> BackgroundStatistics:
    """Mean and stationary autocovariance over all images, each resized by every scale.

    Every image at every scale has the same weight: small boxes are enlarged for their descriptor and large ones
    reduced, and weighting by cells would let the enlarged images, which have most cells, speak for all.

    Args:
        images: uint8 (H, W, 3) each, RGB.
        scales: factors by which each image is resized.
        reach: largest offset in cells, down and to both sides.
        cell_side: pixels per cell.

    Raises:
        ValueError: there is no image, or one has fewer than ``reach + 3`` cells along a side at the smallest scale.
    """
    smallest = min((side for image in images for side in image.shape[:2]), default=0) * min(scales)
    needed = (reach + 3) * cell_side
    if smallest < needed:
        raise ValueError(
            f"Every image needs sides of {needed} pixels at its smallest scale; the smallest is {smallest}."
        )

    def maps() -> Iterator[npt.NDArray[np.float64]]:
        for image in images:
            for scale in scales:
                yield hog_cells(_resized(image, scale), cell_side=cell_side).astype(np.float64)

    return estimate_from_maps(maps, reach=reach, cell_side=cell_side)


def estimate_from_maps(
    maps: Callable[[], Iterator[npt.NDArray[np.float64]]], *, reach: int, cell_side: int
) -> BackgroundStatistics:
    """As :func:`estimate_background`, from feature maps (rows, columns, F); ``maps()`` is walked through twice.

    Raises:
        ValueError: there is no map, or a map has no two cells at the largest offset.
    """
    mean, count, cells = np.zeros(FEATURES), 0, 0
    for features in maps():
        if min(features.shape[:2]) <= reach:
            raise ValueError(f"Expected maps of more than {reach} cells per side, but got {features.shape}.")
        mean = mean + features.mean(axis=(0, 1))
        count += 1
        cells += features.shape[0] * features.shape[1]
    if count == 0:
        raise ValueError("Expected at least one feature map, but got none.")
    mean /= count
    autocovariance = np.zeros((reach + 1, 2 * reach + 1, FEATURES, FEATURES))
    for features in maps():
        autocovariance += _products(features - mean, reach)
    autocovariance /= count
    return BackgroundStatistics(
        mean=mean.astype(np.float32),
        autocovariance=autocovariance.astype(np.float32),
        maps=count,
        cells=cells,
        cell_side=cell_side,
    )


def write_statistics(statistics: BackgroundStatistics, directory: Path, *, provenance: Mapping[str, Any]) -> None:
    """Write ``whitening.npz`` and ``whitening.json``, which says where it comes from and holds its SHA-256."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / STATISTICS_FILE
    np.savez_compressed(target, allow_pickle=False, mean=statistics.mean, autocovariance=statistics.autocovariance)
    record = {
        **provenance,
        "feature_maps": statistics.maps,
        "cells": statistics.cells,
        "cell_side": statistics.cell_side,
        "reach": statistics.autocovariance.shape[0] - 1,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, sort_keys=True)
    (directory / PROVENANCE_FILE).write_text(text + "\n", encoding="utf-8")


def _resized(image: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    height, width = (math.floor(side * scale + 0.5) for side in image.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation).astype(np.uint8)


def _products(centred: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    """Mean outer product of the cells at each offset: (reach + 1, 2 · reach + 1, F, F)."""
    rows, columns, features = centred.shape
    result = np.empty((reach + 1, 2 * reach + 1, features, features))
    for down in range(reach + 1):
        for right in range(-reach, reach + 1):
            first = centred[: rows - down, max(0, -right) : columns - max(0, right)].reshape(-1, features)
            second = centred[down:, max(0, right) : columns - max(0, -right)].reshape(-1, features)
            result[down, right + reach] = first.T @ second / len(first)
    return result
