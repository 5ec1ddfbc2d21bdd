"""What the inside of a box looks like: HOG, and HOG whitened by the statistics of natural images.

Sources: Felzenszwalb, Girshick, McAllester, Ramanan, "Object Detection with Discriminatively Trained Part-Based Models",
PAMI 2010, section 6 (the 31 features of a cell); Hariharan, Malik, Ramanan, "Discriminative Decorrelation for Clustering
and Classification", ECCV 2012 (whitening by a background mean and a stationary covariance).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg

from vsum_core.compilation import compiled
from vsum_core.config import DescriptorConfig

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

FEATURES = 31
ORIENTATIONS = 18
UNSIGNED = 9
TRUNCATION = np.float32(0.2)
SMALLEST_ENERGY = np.float32(1e-4)  # keeps flat patches at zero
TEXTURE_WEIGHT = np.float32(1 / np.sqrt(ORIENTATIONS))
STATISTICS_FILE = "whitening.npz"
PROVENANCE_FILE = "whitening.json"

_ANGLES = np.arange(UNSIGNED) * np.pi / UNSIGNED
_COSINES = np.cos(_ANGLES).astype(np.float32)
_SINES = np.sin(_ANGLES).astype(np.float32)


def hog_descriptors(
    image: npt.NDArray[np.uint8], boxes: npt.NDArray[Any], *, config: DescriptorConfig
) -> npt.NDArray[np.float32]:
    """HOG of every box, on a grid of ``config.cells`` × ``config.cells`` cells laid over the box.

    The box is enlarged by one cell on every side, so that the outer cells are normalised by what surrounds them, and
    resampled to a square of ``config.cell_side`` pixels per cell (triangle filter, as wide as the reduction asks for).
    Beyond the image its edge pixels are repeated.

    Args:
        image: uint8 (H, W, 3), RGB.
        boxes: (P, 4): left, top, right, bottom in pixels, right and bottom exclusive; fractions of pixels are allowed.
        config: the grid.

    Returns:
        float32 (P, cells · cells · 31), row by row of the grid, the 31 features of a cell side by side; values are
        between 0 and 0.4 for the 27 orientations and between 0 and 0.85 for the 4 texture features.

    Raises:
        ValueError: the image or the boxes have another type or shape, or a box is empty or leaves the image.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"Expected a uint8 image of shape (H, W, 3), but got {image.dtype} {image.shape}.")
    _check_boxes(boxes, height=image.shape[0], width=image.shape[1])
    planes = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
    return _box_descriptors(planes, boxes.astype(np.float64), config.cells, config.cell_side)


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


def appearance_similarity(
    descriptors_a: npt.NDArray[np.float32], descriptors_b: npt.NDArray[np.float32], *, whitening: Whitening | None
) -> npt.NDArray[np.float32]:
    """How alike every box of A is to every box of B, never negative.

    With a ``whitening`` it is ``max(0, (a − μ)ᵀ Σ⁻¹ (b − μ))`` (Hariharan, Malik, Ramanan 2012), for descriptors as
    :func:`hog_descriptors` gives them. Without, it is the plain inner product ``max(0, aᵀ b)``. The two meet:
    descriptors that went through :meth:`Whitening.decorrelate` once per image need no whitening here, and give the
    same numbers for a fraction of the work in every pair.

    Args:
        descriptors_a: float32 (P, D).
        descriptors_b: float32 (Q, D).
        whitening: background statistics for D numbers, or None.

    Returns:
        float32 (P, Q).

    Raises:
        ValueError: the shapes do not fit one another.
    """
    if descriptors_a.ndim != 2 or descriptors_b.ndim != 2 or descriptors_a.shape[1] != descriptors_b.shape[1]:
        raise ValueError(
            "Expected descriptors of shapes (P, D) and (Q, D), "
            f"but got {descriptors_a.shape} and {descriptors_b.shape}."
        )
    if whitening is None:
        product = descriptors_a @ descriptors_b.T
    else:
        solved = whitening.whiten(descriptors_a)
        product = solved @ descriptors_b.T - (solved @ whitening.tiled_mean)[:, None]
    similarity: npt.NDArray[np.float32] = np.maximum(product, 0).astype(np.float32, copy=False)
    return similarity


@dataclass(frozen=True, kw_only=True, eq=False)
class Whitening:
    """Background statistics of HOG on a square grid of cells, and the whitening that follows from them.

    Attributes:
        mean: float64 (31,), mean of a cell, the same everywhere on the grid.
        covariance: float64 (D, D) with D = cells · cells · 31, regularisation included.
        regularisation: what was added to the diagonal.
        provenance: where the statistics come from.
    """

    mean: Doubles
    covariance: Doubles
    regularisation: float
    provenance: Mapping[str, Any]

    @classmethod
    def from_autocovariance(
        cls,
        mean: npt.NDArray[Any],
        autocovariance: npt.NDArray[Any],
        *,
        cells: int,
        regularisation: float,
        provenance: Mapping[str, Any],
    ) -> Self:
        """Build the covariance of a ``cells`` × ``cells`` grid from that of cells at each distance.

        Args:
            mean: (31,).
            autocovariance: (R + 1, 2R + 1, 31, 31); entry [dy, dx + R] is the covariance of a cell with the one dy rows
                below and dx columns to the right. The other half follows from symmetry.
            cells: side of the grid, at most R + 1.
            regularisation: added to the diagonal; must make the covariance positive definite.
            provenance: kept as it is.

        Raises:
            ValueError: the shapes do not fit, or the grid is larger than the statistics reach.
        """
        reach = autocovariance.shape[0] - 1
        expected = (reach + 1, 2 * reach + 1, len(mean), len(mean))
        if mean.ndim != 1 or autocovariance.shape != expected:
            raise ValueError(f"Expected an autocovariance of shape {expected}, but got {autocovariance.shape}.")
        if not 1 <= cells <= reach + 1:
            raise ValueError(f"The statistics reach grids of 1 to {reach + 1} cells, but {cells} were asked for.")
        rows, columns = (index.ravel() for index in np.indices((cells, cells)))
        down, right = rows[None, :] - rows[:, None], columns[None, :] - columns[:, None]
        mirrored = (down < 0) | ((down == 0) & (right < 0))
        sign = np.where(mirrored, -1, 1)
        blocks = autocovariance[down * sign, right * sign + reach].astype(np.float64)
        blocks[mirrored] = blocks[mirrored].transpose(0, 2, 1)
        size = cells * cells * len(mean)
        covariance = blocks.transpose(0, 2, 1, 3).reshape(size, size)
        covariance = (covariance + covariance.T) / 2
        covariance[np.diag_indices(size)] += regularisation
        return cls(
            mean=mean.astype(np.float64),
            covariance=covariance,
            regularisation=regularisation,
            provenance=MappingProxyType(dict(provenance)),
        )

    @staticmethod
    def load_default(*, config: DescriptorConfig | None = None) -> Whitening:
        """The statistics that come with this package; one instance per grid and process.

        Raises:
            ValueError: the statistics were made for other cells, or the file is not the one the provenance describes.
        """
        config = config or DescriptorConfig()
        return _load_default(config.cells, config.cell_side, config.regularisation)

    @functools.cached_property
    def tiled_mean(self) -> Doubles:
        """The mean for all cells of the grid, float64 (D,)."""
        return np.tile(self.mean, len(self.covariance) // len(self.mean))

    @functools.cached_property
    def cholesky(self) -> Doubles:
        """Lower triangular L with L Lᵀ = covariance, float64 (D, D).

        Raises:
            ValueError: the covariance is not positive definite.
        """
        try:
            factor: Doubles = scipy.linalg.cholesky(self.covariance, lower=True)
        except scipy.linalg.LinAlgError as error:
            raise ValueError(
                f"The covariance is not positive definite with regularisation {self.regularisation}; use a larger one."
            ) from error
        return factor

    def whiten(self, descriptors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``Σ⁻¹ (a − μ)`` for each row: float32 (P, D) → float32 (P, D).

        Raises:
            ValueError: the descriptors are not of shape (P, D).
        """
        half = self._solve_lower(descriptors)
        whitened = scipy.linalg.solve_triangular(self.cholesky, half, lower=True, trans="T", check_finite=False)
        return np.ascontiguousarray(whitened.T, dtype=np.float32)

    def decorrelate(self, descriptors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``L⁻¹ (a − μ)`` for each row: float32 (P, D) → float32 (P, D), uncorrelated on background.

        Inner products of decorrelated descriptors are whitened similarities, so this is the form to store per image.

        Raises:
            ValueError: the descriptors are not of shape (P, D).
        """
        return np.ascontiguousarray(self._solve_lower(descriptors).T, dtype=np.float32)

    def _solve_lower(self, descriptors: npt.NDArray[np.float32]) -> Doubles:
        size = len(self.covariance)
        if descriptors.ndim != 2 or descriptors.shape[1] != size:
            raise ValueError(f"Expected descriptors of shape (P, {size}), but got {descriptors.shape}.")
        centred = (descriptors - self.tiled_mean).T
        solved: Doubles = scipy.linalg.solve_triangular(self.cholesky, centred, lower=True, check_finite=False)
        return solved


@functools.lru_cache(maxsize=4)
def _load_default(cells: int, cell_side: int, regularisation: float) -> Whitening:
    folder = resources.files("vsum_core") / "data"
    provenance = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))
    content = (folder / STATISTICS_FILE).read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    if actual != provenance["sha256"]:
        raise ValueError(
            f"{STATISTICS_FILE} has SHA-256 {actual}, but {PROVENANCE_FILE} says {provenance['sha256']}; "
            "restore both files or estimate them again (benchmarks/estimate_whitening.py)."
        )
    if cell_side != provenance["cell_side"]:
        raise ValueError(f"The statistics are for cells of {provenance['cell_side']} pixels, not {cell_side}.")
    with (folder / STATISTICS_FILE).open("rb") as file, np.load(file) as arrays:
        mean, autocovariance = arrays["mean"], arrays["autocovariance"]
    return Whitening.from_autocovariance(
        mean, autocovariance, cells=cells, regularisation=regularisation, provenance=provenance
    )


def _check_boxes(boxes: npt.NDArray[Any], *, height: int, width: int) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Expected boxes of shape (P, 4), but got {boxes.shape}.")
    left, top, right, bottom = boxes.T
    inside = (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height) & (left < right) & (top < bottom)
    if not inside.all():
        wrong = int(np.argmin(inside))
        raise ValueError(
            f"Box {wrong} is {boxes[wrong].tolist()}, but boxes must be [left, top, right, bottom], not empty and "
            f"inside the image of {width} × {height} pixels."
        )


@compiled
def _gradients(planes: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Strength and nearest of 18 directions of the strongest gradient among the channels, both (H, W)."""
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
                better = length > best[column]
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
def _box_descriptors(planes: Floats, boxes: Doubles, cells: int, cell_side: int) -> Floats:
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
