"""Histograms of oriented gradients: the 31 features of a cell, for a picture or for many boxes of it.

Source: Felzenszwalb, Girshick, McAllester, Ramanan, "Object Detection with Discriminatively Trained Part-Based Models",
PAMI 2010, section 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vsum_core.compilation import compiled

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

FEATURES = 31
ORIENTATIONS = 18
UNSIGNED = 9
TRUNCATION = np.float32(0.2)
SMALLEST_ENERGY = np.float32(1e-4)  # keeps flat patches at zero
CLEARLY = np.float32(1.0001)  # upright gradients lie halfway between two directions; rounding must not decide
TEXTURE_WEIGHT = np.float32(1 / np.sqrt(ORIENTATIONS))

_ANGLES = np.arange(UNSIGNED) * np.pi / UNSIGNED
_COSINES = np.cos(_ANGLES).astype(np.float32)
_SINES = np.sin(_ANGLES).astype(np.float32)


def hog_cells(image: npt.NDArray[Any], *, cell_side: int = 8) -> npt.NDArray[np.float32]:
    """HOG of a whole picture: float32 (H // cell_side − 2, W // cell_side − 2, 31); the outer ring of cells is context.

    Args:
        image: (H, W, 3) with values from 0 to 255, at least three cells high and wide.
        cell_side: pixels per cell.

    Raises:
        ValueError: the picture has another shape or is too small.
    """
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 3 * cell_side:
        raise ValueError(f"Expected (H, W, 3) with sides of {3 * cell_side} pixels or more, but got {image.shape}.")
    planes = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
    return _cells(planes, cell_side)


@compiled
def _gradients(planes: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Strength and nearest of 18 directions of the strongest gradient among the channels, both (H, W).

    Halfway between two directions, the one of the smaller angle (modulo 180°) is taken.
    """
    channels, height, width = planes.shape
    strength = np.empty((height, width), dtype=np.float32)
    direction = np.empty((height, width), dtype=np.int8)
    along_x, along_y = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    squared, best = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    for row in range(height):
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        squared[:] = -1
        for channel in range(channels):
            for column in range(width):
                dx = planes[channel, row, min(column + 1, width - 1)] - planes[channel, row, max(column - 1, 0)]
                dy = planes[channel, below, column] - planes[channel, above, column]
                power = dx * dx + dy * dy
                if power > squared[column]:
                    squared[column], along_x[column], along_y[column] = power, dx, dy
        best[:] = 0
        direction[row] = 0
        for orientation in range(UNSIGNED):
            cosine, sine = _COSINES[orientation], _SINES[orientation]
            for column in range(width):
                projection = along_x[column] * cosine + along_y[column] * sine
                length = abs(projection)
                better = length > best[column] * CLEARLY
                signed = orientation if projection > 0 else orientation + UNSIGNED
                best[column] = length if better else best[column]
                direction[row, column] = signed if better else direction[row, column]
        for column in range(width):
            strength[row, column] = np.sqrt(squared[column])
    return strength, direction


@compiled
def _histograms(planes: Floats, cell_side: int) -> Floats:
    """Gradient strength by cell and direction, (rows, columns, 18); a pixel counts for the four nearest cells."""
    strength, direction = _gradients(planes)
    rows, columns = planes.shape[1] // cell_side, planes.shape[2] // cell_side
    padded = np.zeros((rows + 2, columns + 2, ORIENTATIONS), dtype=np.float32)
    for row in range(rows * cell_side):
        position = np.float32((row + 0.5) / cell_side + 0.5)
        upper = int(position)
        lower_share = np.float32(position - upper)
        for column in range(columns * cell_side):
            position = np.float32((column + 0.5) / cell_side + 0.5)
            before = int(position)
            after_share = np.float32(position - before)
            bin_ = direction[row, column]
            lower = strength[row, column] * lower_share
            higher = strength[row, column] - lower
            padded[upper, before + 1, bin_] += higher * after_share
            padded[upper, before, bin_] += higher - higher * after_share
            padded[upper + 1, before + 1, bin_] += lower * after_share
            padded[upper + 1, before, bin_] += lower - lower * after_share
    return padded[1:-1, 1:-1]


@compiled
def _cells(planes: Floats, cell_side: int) -> Floats:
    """The 31 features of all cells but the outer ring: 18 signed, 9 unsigned orientations, 4 textures.

    Each orientation is normalised by the energy of each of the four blocks of 2 × 2 cells that hold the cell and
    truncated; the signed and unsigned features are half the sum over the four blocks, texture k is the weighted sum of
    the signed orientations in block k (upper left, upper right, lower left, lower right).
    """
    histograms = _histograms(planes, cell_side)
    rows, columns = histograms.shape[:2]
    energy = np.zeros((rows, columns), dtype=np.float32)
    for row in range(rows):
        for column in range(columns):
            for orientation in range(UNSIGNED):
                both = histograms[row, column, orientation] + histograms[row, column, orientation + UNSIGNED]
                energy[row, column] += both * both
    result = np.zeros((rows - 2, columns - 2, FEATURES), dtype=np.float32)
    half = np.float32(0.5)
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            cell = histograms[row, column]
            features = result[row - 1, column - 1]
            for block in range(4):
                y, x = row - 1 + block // 2, column - 1 + block % 2
                total = energy[y, x] + energy[y, x + 1] + energy[y + 1, x] + energy[y + 1, x + 1]
                factor = np.float32(1) / np.sqrt(total + SMALLEST_ENERGY)
                texture = np.float32(0)
                for orientation in range(ORIENTATIONS):
                    value = min(cell[orientation] * factor, TRUNCATION)
                    features[orientation] += half * value
                    texture += value
                for orientation in range(UNSIGNED):
                    both = cell[orientation] + cell[orientation + UNSIGNED]
                    features[ORIENTATIONS + orientation] += half * min(both * factor, TRUNCATION)
                features[ORIENTATIONS + UNSIGNED + block] = TEXTURE_WEIGHT * texture
    return result


@compiled
def _taps(start: float, scale: float, count: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """First source pixel (count,) and weights (count, taps) of each output pixel of one axis, triangle filter."""
    radius = max(scale, 1.0)
    width = int(np.ceil(2 * radius)) + 1
    first = np.empty(count, dtype=np.int64)
    weights = np.zeros((count, width), dtype=np.float32)
    for output in range(count):
        centre = start + (output + 0.5) * scale - 0.5
        first[output] = int(np.ceil(centre - radius))
        total = 0.0
        for tap in range(width):
            total += max(0.0, 1 - abs(first[output] + tap - centre) / radius)
        for tap in range(width):
            weights[output, tap] = max(0.0, 1 - abs(first[output] + tap - centre) / radius) / total
    return first, weights


@compiled
def _resample(planes: Floats, left: float, top: float, right: float, bottom: float, side: int) -> Floats:
    """The rectangle of the picture as (channels, side, side); beyond the picture its edge pixels are repeated."""
    channels, height, width = planes.shape
    first_x, weights_x = _taps(left, (right - left) / side, side)
    first_y, weights_y = _taps(top, (bottom - top) / side, side)
    begin = min(max(first_x[0], 0), width - 1)
    end = min(max(first_x[-1] + weights_x.shape[1], 1), width)
    result = np.empty((channels, side, side), dtype=np.float32)
    line = np.empty(width, dtype=np.float32)
    for channel in range(channels):
        for row in range(side):
            line[:] = 0
            for tap in range(weights_y.shape[1]):
                source = min(max(first_y[row] + tap, 0), height - 1)
                weight = weights_y[row, tap]
                for column in range(begin, end):
                    line[column] += weight * planes[channel, source, column]
            for column in range(side):
                value = np.float32(0)
                for tap in range(weights_x.shape[1]):
                    value += weights_x[column, tap] * line[min(max(first_x[column] + tap, 0), width - 1)]
                result[channel, row, column] = value
    return result


@compiled
def box_descriptors(planes: Floats, boxes: Doubles, cells: int, cell_side: int) -> Floats:
    """HOG of boxes, each enlarged by one cell on every side and resampled to a square.

    Args:
        planes: float32 (3, H, W) with values from 0 to 255.
        boxes: float64 (P, 4): left, top, right, bottom; not checked.
        cells: cells along a side of the grid.
        cell_side: pixels of a cell after resampling.

    Returns:
        float32 (P, cells · cells · 31).
    """
    result = np.empty((boxes.shape[0], cells * cells * FEATURES), dtype=np.float32)
    for index in range(boxes.shape[0]):
        left, top, right, bottom = boxes[index, 0], boxes[index, 1], boxes[index, 2], boxes[index, 3]
        cell_width, cell_height = (right - left) / cells, (bottom - top) / cells
        patch = _resample(
            planes,
            left - cell_width,
            top - cell_height,
            right + cell_width,
            bottom + cell_height,
            (cells + 2) * cell_side,
        )
        result[index] = _cells(patch, cell_side).ravel()
    return result
