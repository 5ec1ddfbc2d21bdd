"""HOG by loops over pixels, whitening by a dense inverse, and the committed statistics."""

import hashlib
import json
import math
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from vsum_core.config import DescriptorConfig, ProposalConfig
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors, unit_length
from vsum_core.hog import hog_cells
from vsum_core.images import read_image
from vsum_core.proposals import region_proposals

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "caltech101"
CONFIG = DescriptorConfig()


def slow_cells(image: np.ndarray, side: int = 8) -> np.ndarray:
    height, width, _ = image.shape
    values = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows, columns = height // side, width // side
    histogram = np.zeros((rows, columns, 18))
    for y in range(rows * side):
        for x in range(columns * side):
            gradients = [
                (values[y + 1, x + 2, c] - values[y + 1, x, c], values[y + 2, x + 1, c] - values[y, x + 1, c])
                for c in range(3)
            ]
            dx, dy = max(gradients, key=lambda gradient: gradient[0] ** 2 + gradient[1] ** 2)
            if dx == dy == 0:
                continue
            nearest = [dx * math.cos(k * math.pi / 9) + dy * math.sin(k * math.pi / 9) for k in range(9)]
            unsigned_direction = next(k for k in range(9) if abs(nearest[k]) * 1.0001 >= max(map(abs, nearest)))
            direction = unsigned_direction if nearest[unsigned_direction] > 0 else unsigned_direction + 9
            for row in range(rows):
                for column in range(columns):
                    near_y = max(0, 1 - abs((y + 0.5) / side - (row + 0.5)))
                    near_x = max(0, 1 - abs((x + 0.5) / side - (column + 0.5)))
                    histogram[row, column, direction] += near_y * near_x * math.hypot(dx, dy)
    unsigned = histogram[..., :9] + histogram[..., 9:]
    energy = (unsigned**2).sum(axis=2)
    result = np.zeros((rows - 2, columns - 2, 31))
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            for block, (up, back) in enumerate([(1, 1), (1, 0), (0, 1), (0, 0)]):
                block_energy = energy[row - up : row - up + 2, column - back : column - back + 2].sum()
                scale = 1 / math.sqrt(block_energy + 1e-4)
                signed = np.minimum(histogram[row, column] * scale, 0.2)
                result[row - 1, column - 1, :18] += signed / 2
                result[row - 1, column - 1, 18:27] += np.minimum(unsigned[row, column] * scale, 0.2) / 2
                result[row - 1, column - 1, 27 + block] = signed.sum() / math.sqrt(18)
    return result


def slow_patch(image: np.ndarray, box: np.ndarray, cells: int = 8, cell_side: int = 8) -> np.ndarray:
    left, top, right, bottom = (float(value) for value in box)
    side = (cells + 2) * cell_side

    def weights(start: float, end: float, length: int) -> np.ndarray:
        step = (end - start) / (cells * cell_side)
        matrix = np.zeros((side, length))
        for output in range(side):
            centre = start + (output - cell_side + 0.5) * step
            for pixel in range(-length, 2 * length):  # beyond the image, edge pixels count for themselves and more
                weight = max(0.0, 1 - abs(pixel + 0.5 - centre) / max(step, 1))
                matrix[output, min(max(pixel, 0), length - 1)] += weight
        matrix /= matrix.sum(axis=1, keepdims=True)
        return matrix

    down, across = weights(top, bottom, image.shape[0]), weights(left, right, image.shape[1])
    return np.stack([down @ image[..., channel] @ across.T for channel in range(3)], axis=2)


def smooth_image(seed: int, side: int) -> np.ndarray:
    waves = np.random.default_rng(seed).uniform(-0.4, 0.4, (6, 3, 2))
    y, x = np.indices((side, side))
    phases = waves[..., 0, None, None] * x + waves[..., 1, None, None] * y
    image: np.ndarray = (128 + 127 * np.sin(phases).mean(axis=0)).transpose(1, 2, 0).astype(np.uint8)
    return image


@pytest.mark.parametrize("seed", range(2))
def test_cells_agree_with_loops(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (35, 43, 3), dtype=np.uint8)
    assert np.allclose(hog_cells(image), slow_cells(image), atol=1e-5)


@pytest.mark.parametrize("box", [[0, 0, 64, 64], [3, 8, 23, 50], [40, 1, 63, 64], [0, 0, 20, 21]])
def test_descriptor_agrees_with_loops(box: list[int]) -> None:
    # Rounding of float32 may tip single pixels to the next direction, hence the share instead of all.
    image = smooth_image(2, 64)
    fast = hog_descriptors(image, np.array([box]), config=CONFIG).reshape(8, 8, 31)
    slow = slow_cells(slow_patch(image, np.array(box)))
    assert np.mean(np.abs(fast - slow) < 1e-4) > 0.99
    assert np.abs(fast - slow).max() < 0.05


def test_cells_of_a_ramp_by_hand() -> None:
    # All gradients point right, so each block has energy 4 h² and the cell h / (2 h) = 0.5, truncated to 0.2.
    # Signed and unsigned direction 0: 0.5 · 4 · 0.2; texture: 0.2 / sqrt(18).
    ramp = np.repeat(np.tile(np.arange(40) * 4.0, (40, 1))[..., None], 3, axis=2)
    centre = hog_cells(ramp)[1, 1]
    expected = np.zeros(31)
    expected[[0, 18]] = 0.4
    expected[27:] = 0.2 / math.sqrt(18)
    assert np.allclose(centre, expected, atol=1e-6)


def test_flat_image_is_zero_and_bounds_hold() -> None:
    boxes = np.array([[2, 3, 30, 40], [0, 0, 64, 64]], dtype=np.float32)
    assert not hog_descriptors(np.full((64, 64, 3), 200, dtype=np.uint8), boxes, config=CONFIG).any()
    cells = hog_descriptors(smooth_image(0, 64), boxes, config=CONFIG).reshape(-1, 31)
    assert cells.min() >= 0
    assert cells[:, :27].max() <= 0.4 + 1e-6
    assert cells[:, 27:].max() <= 0.2 * math.sqrt(18) + 1e-6


def test_shapes_and_no_boxes() -> None:
    image = smooth_image(1, 64)
    assert hog_descriptors(image, np.zeros((0, 4), dtype=np.int32), config=CONFIG).shape == (0, 1984)
    small = hog_descriptors(image, np.array([[0, 0, 64, 64]]), config=DescriptorConfig(cells=4, cell_side=6))
    assert small.shape == (1, 4 * 4 * 31)
    assert small.dtype == np.float32


@pytest.mark.parametrize("box", [[0, 0, 65, 10], [-1, 0, 10, 10], [5, 5, 5, 10], [0, 0, math.nan, 10]])
def test_wrong_boxes_are_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="Box 0 is"):
        hog_descriptors(smooth_image(1, 64), np.array([box]), config=CONFIG)


def test_wrong_shapes_are_refused() -> None:
    image, boxes = smooth_image(1, 64), np.array([[0, 0, 20, 20]])
    with pytest.raises(ValueError, match="uint8 image"):
        hog_descriptors(image.astype(np.float32), boxes, config=CONFIG)
    with pytest.raises(ValueError, match="boxes of shape"):
        hog_descriptors(image, boxes[0], config=CONFIG)
    with pytest.raises(ValueError, match="24 pixels"):
        hog_cells(image[:20])


def test_covariance_of_a_grid_of_two_by_two() -> None:
    autocovariance = np.random.default_rng(0).normal(size=(2, 3, 2, 2))
    autocovariance[0, 1] = autocovariance[0, 1] @ autocovariance[0, 1].T
    autocovariance[0, 0] = autocovariance[0, 2].T
    whitening = Whitening.from_autocovariance(
        np.array([1.0, 2.0]), autocovariance, cells=2, regularisation=50.0, provenance={}
    )
    blocks = whitening.covariance.reshape(4, 2, 4, 2).transpose(0, 2, 1, 3)  # cells: 0 1 above 2 3
    assert np.allclose(blocks[1, 2], autocovariance[1, 0])  # one down, one to the left
    assert np.allclose(blocks[2, 1], autocovariance[1, 0].T)
    assert np.allclose(blocks[0, 1], autocovariance[0, 2])
    assert np.allclose(blocks[0, 3], autocovariance[1, 2])
    assert np.allclose(blocks[3, 3], autocovariance[0, 1] + 50 * np.eye(2))
    assert whitening.tiled_mean.tolist() == [1, 2, 1, 2, 1, 2, 1, 2]


def test_whitening_agrees_with_the_dense_inverse() -> None:
    whitening = Whitening.load_default()
    generator = np.random.default_rng(0)
    image = smooth_image(3, 96)
    corners = generator.integers(0, 60, (12, 2))
    boxes = np.hstack([corners, corners + generator.integers(20, 36, (12, 2))])
    descriptors = hog_descriptors(image, boxes, config=CONFIG)
    a, b = descriptors[:5], descriptors[5:]
    mean = np.tile(whitening.mean, 64)
    inverse = np.linalg.inv(whitening.covariance)
    expected = (a - mean) @ inverse
    assert np.allclose(whitening.whiten(a), expected, rtol=1e-4, atol=1e-4)
    similarity = np.maximum(expected @ b.T - (expected @ mean)[:, None], 0)
    assert np.allclose(appearance_similarity(a, b, whitening=whitening), similarity, rtol=1e-4, atol=1e-2)
    white_a, white_b = whitening.decorrelate(a), whitening.decorrelate(b)
    assert np.allclose(appearance_similarity(white_a, white_b, whitening=None), similarity, rtol=1e-4, atol=1e-2)
    assert (appearance_similarity(a, a, whitening=whitening).diagonal() > 0).all()


def test_similarity_without_whitening_is_the_inner_product() -> None:
    a = np.array([[1.0, 2.0], [-1.0, 0.0]], dtype=np.float32)
    b = np.array([[3.0, 1.0], [0.0, 0.0]], dtype=np.float32)
    assert appearance_similarity(a, b, whitening=None).tolist() == [[5, 0], [0, 0]]
    lengths = unit_length(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32))
    assert np.allclose(lengths, np.array([[0.6, 0.8], [0, 0]]))
    with pytest.raises(ValueError, match=r"\(P, D\) and \(Q, D\)"):
        appearance_similarity(a, b[:, :1], whitening=None)


def test_smaller_grids_share_the_statistics() -> None:
    large, small = Whitening.load_default(), Whitening.load_default(config=DescriptorConfig(cells=4))
    assert small.covariance.shape == (496, 496)
    assert np.array_equal(small.covariance[:124, :124], large.covariance[:124, :124])
    assert Whitening.load_default() is large


def test_whitening_refuses_what_does_not_fit() -> None:
    whitening = Whitening.load_default(config=DescriptorConfig(cells=4))
    with pytest.raises(ValueError, match=r"shape \(P, 496\)"):
        whitening.whiten(np.zeros((2, 1984), dtype=np.float32))
    with pytest.raises(ValueError, match="grids of 1 to 8 cells"):
        Whitening.load_default(config=DescriptorConfig(cells=9))
    with pytest.raises(ValueError, match="cells of 8 pixels, not 6"):
        Whitening.load_default(config=DescriptorConfig(cell_side=6))
    indefinite = Whitening(mean=np.zeros(2), covariance=-np.eye(2), regularisation=0.01, provenance={})
    with pytest.raises(ValueError, match=r"not positive definite with regularisation 0\.01"):
        indefinite.whiten(np.zeros((1, 2), dtype=np.float32))
    with pytest.raises(ValueError, match="Expected an autocovariance"):
        Whitening.from_autocovariance(np.zeros(2), np.zeros((2, 2, 2, 2)), cells=1, regularisation=1.0, provenance={})


def test_committed_statistics_are_those_their_provenance_describes() -> None:
    folder = resources.files("vsum_core") / "data"
    content = (folder / "whitening.npz").read_bytes()
    provenance = json.loads((folder / "whitening.json").read_text(encoding="utf-8"))
    assert provenance["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) < 2_000_000
    assert {"source", "citation", "license", "images", "cells", "command", "date"} <= provenance.keys()
    assert Whitening.load_default().provenance["sha256"] == provenance["sha256"]


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="needs ../shared/data")
def test_photograph_agrees_with_loops_and_is_whiter_than_before() -> None:
    image = read_image(sorted(PHOTOGRAPHS.glob("dalmatian/*.jpg"))[0], size=(224, 224))
    boxes = region_proposals(image, config=ProposalConfig(), seed=0)[:200]
    descriptors = hog_descriptors(image, boxes, config=CONFIG)
    small = int(np.argmin((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])))
    slow = slow_cells(slow_patch(image, boxes[small])).ravel()
    assert np.mean(np.abs(descriptors[small] - slow) < 1e-4) > 0.99
    # Different boxes of one image look alike in plain HOG, because all of them are full of edges; whitening undoes it.
    others = ~np.eye(len(boxes), dtype=bool)
    plain = unit_length(descriptors)
    white = unit_length(Whitening.load_default().decorrelate(descriptors))
    assert np.median((plain @ plain.T)[others]) > 0.5
    assert abs(np.median((white @ white.T)[others])) < 0.1
