"""Selective search, compared with a slow grouping of pixel sets, and with cases that can be worked out by hand."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from vsum_core import proposals
from vsum_core.config import ProposalConfig
from vsum_core.images import read_image
from vsum_core.proposals import MIXES, Regions, SimilarityMix, colour_spaces, region_proposals

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "caltech101"
SMALL = ProposalConfig(frame_side=96)


def blocks(seed: int, side: int = 96, block: int = 12) -> np.ndarray:
    colours = np.random.default_rng(seed).integers(0, 256, (side // block, side // block, 3), dtype=np.uint8)
    return np.kron(colours, np.ones((block, block, 1), dtype=np.uint8))


def overlap(box: np.ndarray, other: np.ndarray) -> float:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
    return float(common / (sum(areas) - common))


def slow_similarity(
    first: set[int],
    second: set[int],
    bins: np.ndarray,
    shape: tuple[int, int],
    channels: int,
    mix: SimilarityMix,
) -> float:
    height, width = shape
    pixels = height * width

    def counts(region: set[int], columns: slice) -> np.ndarray:
        values = bins[sorted(region), columns].ravel()
        return np.bincount(values, minlength=400) / len(values)

    def bounding_area(region: set[int]) -> int:
        rows, columns = [pixel // width for pixel in region], [pixel % width for pixel in region]
        return int((max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1))

    total = 0.0
    for used, columns in ((mix.colour, slice(0, channels)), (mix.texture, slice(channels, None))):
        if used:
            total += np.minimum(counts(first, columns), counts(second, columns)).sum()
    if mix.size:
        total += 1 - (len(first) + len(second)) / pixels
    if mix.fill:
        total += 1 - (bounding_area(first | second) - len(first) - len(second)) / pixels
    return total


def slow_hierarchy(labels: np.ndarray, bins: np.ndarray, channels: int, mix: SimilarityMix) -> list[list[int]]:
    height, width = labels.shape
    regions: dict[int, set[int]] = {
        label: set(np.flatnonzero(labels == label).tolist()) for label in range(labels.max() + 1)
    }
    boxes = []

    def record(region: set[int]) -> None:
        rows, columns = [pixel // width for pixel in region], [pixel % width for pixel in region]
        boxes.append([min(columns), min(rows), max(columns) + 1, max(rows) + 1])

    def touch(first: set[int], second: set[int]) -> bool:
        return any(abs(a // width - b // width) <= 1 and abs(a % width - b % width) <= 1 for a in first for b in second)

    for label in sorted(regions):
        record(regions[label])
    following = len(regions)
    while len(regions) > 1:
        pairs = [(a, b) for a, b in combinations(sorted(regions), 2) if touch(regions[a], regions[b])]
        scores = [
            round(slow_similarity(regions[a], regions[b], bins, (height, width), channels, mix), 12) for a, b in pairs
        ]
        a, b = pairs[int(np.argmax(scores))]  # the first of equals: older regions first
        regions[following] = regions.pop(a) | regions.pop(b)
        record(regions[following])
        following += 1
    return boxes


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("seed", range(3))
def test_grouping_agrees_with_sets_of_pixels(mix: SimilarityMix, seed: int) -> None:
    generator = np.random.default_rng(seed)
    image = generator.integers(0, 256, (10, 11, 3), dtype=np.uint8)
    _, labels = np.unique(np.kron(generator.permutation(12).reshape(3, 4), np.ones((4, 3))), return_inverse=True)
    labels = np.ascontiguousarray(labels.reshape(12, 12)[:10, :11], dtype=np.int32)
    bins = proposals._histogram_bins(image)
    count = int(labels.max()) + 1
    regions = Regions(*proposals._describe(labels, bins, count, 3))
    fast = proposals._group(regions, proposals._adjacency(labels, count), mix, 3, labels.size)
    assert fast.tolist() == slow_hierarchy(labels, bins, 3, mix)


def test_grouping_of_three_stripes_by_size_merges_the_small_ones_first() -> None:
    # Sizes 2, 2 and 4 of 8 pixels: similarities 1 - 4/8 and 1 - 6/8.
    labels = np.array([[0, 0, 1, 1, 2, 2, 2, 2]], dtype=np.int32)
    bins = proposals._histogram_bins(np.zeros((1, 8, 1), dtype=np.uint8))
    regions = Regions(*proposals._describe(labels, bins, 3, 1))
    boxes = proposals._group(regions, proposals._adjacency(labels, 3), SimilarityMix(size=True), 1, 8)
    assert boxes.tolist() == [[0, 0, 2, 1], [2, 0, 4, 1], [4, 0, 8, 1], [0, 0, 4, 1], [0, 0, 8, 1]]


def test_levels_count_down_to_the_last_merge() -> None:
    assert proposals._priorities(4).tolist() == [4, 4, 4, 4, 3, 2, 1]
    assert proposals._priorities(1).tolist() == [1]


def test_histogram_bins_of_a_ramp() -> None:
    # A derivative of 10 everywhere inside points right only: top bin for direction 0, bin 7 (= 10 · sqrt(1/2)) for the
    # two diagonals that lean right, bin 0 for the other five.
    ramp = np.tile(np.arange(20, dtype=np.uint8) * 10, (20, 1))[..., None]
    bins = proposals._histogram_bins(ramp).reshape(20, 20, 9)[10, 10]
    assert bins[0] == 100 * 25 // 256
    assert (bins[1:] - 25 - 10 * np.arange(8)).tolist() == [9, 7, 0, 0, 0, 0, 0, 7]


def test_colour_spaces_of_known_colours() -> None:
    spaces = colour_spaces(np.array([[[255, 0, 0], [0, 0, 0], [128, 128, 128]]], dtype=np.uint8))
    assert {name: pixels.shape[2] for name, pixels in spaces.items()} == {
        "HSV": 3,
        "Lab": 3,
        "rgI": 3,
        "H": 1,
        "intensity": 1,
    }
    assert spaces["rgI"][0].tolist() == [[255, 0, 76], [85, 85, 0], [85, 85, 128]]  # 0.299 · 255 = 76
    assert spaces["HSV"][0, 0].tolist() == [0, 255, 255]


def test_a_square_is_found() -> None:
    image = np.full((96, 96, 3), 30, dtype=np.uint8)
    image[20:60, 30:80] = (220, 180, 40)
    boxes = region_proposals(image, config=SMALL, seed=0)
    assert max(overlap(box, np.array([30, 20, 80, 60])) for box in boxes) > 0.9


def test_a_flat_image_has_only_itself() -> None:
    boxes = region_proposals(np.full((96, 96, 3), 90, dtype=np.uint8), config=SMALL, seed=0)
    assert boxes.tolist() == [[0, 0, 96, 96]]


@pytest.mark.parametrize("seed", range(3))
def test_every_box_keeps_the_rules(seed: int) -> None:
    boxes = region_proposals(blocks(seed), config=SMALL, seed=seed)
    assert boxes.dtype == np.int32
    assert len(boxes) > 20
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    for left, top, right, bottom in boxes.tolist():
        assert min(right - left, bottom - top) >= 20
        touching = [left < 0.96, top < 0.96, right > 95.04, bottom > 95.04]
        assert all(touching) or not any(touching)


def test_same_seed_same_boxes_other_seed_other_order() -> None:
    image = blocks(4)
    first = region_proposals(image, config=SMALL, seed=5)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(region_proposals, image, config=SMALL, seed=5) for _ in range(4)]
        repeated = [future.result() for future in futures]
    other = region_proposals(image, config=SMALL, seed=6)
    assert all(np.array_equal(first, boxes) for boxes in repeated)
    assert not np.array_equal(first, other)
    assert sorted(map(tuple, first.tolist())) == sorted(map(tuple, other.tolist()))  # all fit, only the order differs


def test_maximum_keeps_the_first() -> None:
    image = blocks(4)
    few = ProposalConfig(frame_side=96, maximum=7)
    expected = region_proposals(image, config=SMALL, seed=0)[:7]
    assert np.array_equal(region_proposals(image, config=few, seed=0), expected)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((96, 96), dtype=np.uint8),
        np.zeros((96, 96, 3), dtype=np.float32),
        np.zeros((96, 80, 3), dtype=np.uint8),
        np.zeros((224, 224, 3), dtype=np.uint8),
    ],
)
def test_other_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"Expected a uint8 image of shape \(96, 96, 3\)"):
        region_proposals(image, config=SMALL, seed=0)


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="needs ../shared/data")
def test_photographs_give_many_boxes_of_all_sizes() -> None:
    config = ProposalConfig()
    for path in sorted(PHOTOGRAPHS.glob("*/*.jpg"))[::60]:
        boxes = region_proposals(read_image(path, size=(224, 224)), config=config, seed=0)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        assert 300 <= len(boxes) <= 500
        assert (areas < 1500).sum() >= 30
        assert (areas > 10000).sum() >= 30
