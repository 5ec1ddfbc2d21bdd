"""What the inside of a box looks like: HOG, and HOG whitened by the statistics of natural images.

Source of the whitening: Hariharan, Malik, Ramanan, "Discriminative Decorrelation for Clustering and Classification",
ECCV 2012, by a background mean and a stationary covariance. For HOG itself see :mod:`vsum_core.hog`.
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

from vsum_core.config import DescriptorConfig
from vsum_core.hog import box_descriptors

Doubles = npt.NDArray[np.float64]

STATISTICS_FILE = "whitening.npz"
PROVENANCE_FILE = "whitening.json"


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
    return box_descriptors(planes, boxes.astype(np.float64), config.cells, config.cell_side)


def appearance_similarity(
    descriptors_a: npt.NDArray[np.float32], descriptors_b: npt.NDArray[np.float32], *, whitening: Whitening | None
) -> npt.NDArray[np.float32]:
    """How alike every box of A is to every box of B, never negative.

    With a ``whitening`` it is ``max(0, (a − μ)ᵀ Σ⁻¹ (b − μ))`` (Hariharan, Malik, Ramanan 2012), for descriptors as
    :func:`hog_descriptors` gives them. Without, it is the plain inner product ``max(0, aᵀ b)``, the cosine for
    descriptors of :func:`unit_length`. The two meet: descriptors that went through :meth:`Whitening.decorrelate` once
    per image need no whitening here, and give the same numbers for a fraction of the work in every pair.

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
        centred = (descriptors_b - whitening.tiled_mean).astype(np.float32)
        product = whitening.whiten(descriptors_a) @ centred.T
    similarity: npt.NDArray[np.float32] = np.maximum(product, 0).astype(np.float32, copy=False)
    return similarity


def unit_length(descriptors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each row divided by its length, so that inner products are cosines; rows of zeros stay. float32 (P, D).

    For descriptors that are compared without whitening: plain inner products of HOG favour boxes full of edges.
    """
    lengths = np.linalg.norm(descriptors, axis=1, keepdims=True)
    result: npt.NDArray[np.float32] = np.divide(descriptors, lengths, out=np.zeros_like(descriptors), where=lengths > 0)
    return result


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
