"""Region proposals by selective search.

Source: Uijlings, van de Sande, Gevers, Smeulders, "Selective Search for Object Recognition", IJCV 2013, on initial
regions of Felzenszwalb, Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004.

An image is seen in five colour spaces, cut into small regions at four scales in each, and every such segmentation is
grouped into a hierarchy four times, by four mixes of similarities: 80 hierarchies. The box of every region of every
hierarchy is a candidate. Coarse regions tend to come first, but at random, so that no hierarchy dominates.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.compilation import compiled, compiled_exact_sums
from vsum_core.config import ProposalConfig

COLOUR_BINS = 25
TEXTURE_BINS = 10
ORIENTATIONS = 8
_DIAGONAL = float(np.sqrt(0.5))


class SimilarityMix(NamedTuple):
    """Which similarities of two neighbouring regions are added (Uijlings et al., section 3.2.2); each is in [0, 1]."""

    colour: bool = False
    texture: bool = False
    size: bool = False
    fill: bool = False


class Regions(NamedTuple):
    """Regions of one segmentation, as the grouping sees them.

    Attributes:
        sizes: float64 (R,), pixels.
        boxes: int32 (R, 4).
        histograms: float64 (R, columns), counts of pixels: colour, then texture.
    """

    sizes: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.int32]
    histograms: npt.NDArray[np.float64]


MIXES = (
    SimilarityMix(colour=True, texture=True, size=True, fill=True),
    SimilarityMix(texture=True, size=True, fill=True),
    SimilarityMix(fill=True),
    SimilarityMix(size=True),
)


def region_proposals(image: npt.NDArray[np.uint8], *, config: ProposalConfig, seed: int) -> npt.NDArray[np.int32]:
    """Boxes that are likely to hold an object or a part of one, most promising first.

    The result depends on nothing but the arguments.

    Args:
        image: uint8 (S, S, 3), RGB, with S = ``config.frame_side``.
        config: constants of the search.
        seed: of the random part of the order.

    Returns:
        int32 (P, 4), P at most ``config.maximum``: left, top, right, bottom in pixels, right and bottom exclusive; no
        box twice. Boxes with a side below ``config.minimum_side`` and boxes that touch the outer ``config.border`` on
        some sides of the image but not on all are left out. P is 0 when nothing remains.

    Raises:
        ValueError: the image has another type or shape.
    """
    _check_image(image, config.frame_side)
    boxes, priorities = _candidates(image, config)
    ranks = priorities * np.random.default_rng(seed).random(len(priorities))
    ordered = boxes[np.argsort(ranks, kind="stable")]
    ordered = ordered[_is_acceptable(ordered, config)]
    _, first = np.unique(ordered, axis=0, return_index=True)
    return np.ascontiguousarray(ordered[np.sort(first)[: config.maximum]])


def colour_spaces(image: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
    """The five colour spaces of the search, each uint8 (H, W, channels) over the whole range 0 to 255.

    ``rgI`` is red and green as shares of R + G + B (one third each for black), with intensity.
    """
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    intensity = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    total = image.sum(axis=2, dtype=np.float32)
    shares = np.full((*image.shape[:2], 2), 1 / 3, dtype=np.float32)
    np.divide(image[..., :2], total[..., None], out=shares, where=total[..., None] > 0)
    red_green = np.rint(255 * shares).astype(np.uint8)
    return {
        "HSV": hsv,
        "Lab": lab,
        "rgI": np.dstack([red_green, intensity]),
        "H": np.ascontiguousarray(hsv[..., :1]),
        "intensity": intensity[..., None],
    }


def _check_image(image: npt.NDArray[np.uint8], side: int) -> None:
    if image.dtype != np.uint8 or image.shape != (side, side, 3):
        raise ValueError(
            f"Expected a uint8 image of shape ({side}, {side}, 3), but got {image.dtype} {image.shape}; "
            "resize the image to config.frame_side first."
        )


def _candidates(
    image: npt.NDArray[np.uint8], config: ProposalConfig
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    boxes, priorities = [], []
    for channels in colour_spaces(image).values():
        bins = _histogram_bins(channels)
        for scale in config.segmentation_scales:
            labels = _segment(channels, scale, config.segmentation_sigma)
            region_count = int(labels.max()) + 1
            regions = Regions(*_describe(labels, bins, region_count, channels.shape[2]))
            adjacent = _adjacency(labels, region_count)
            for mix in MIXES:
                boxes.append(_group(regions, adjacent, mix, channels.shape[2], labels.size))
                priorities.append(_priorities(region_count))
    return np.concatenate(boxes), np.concatenate(priorities)


def _priorities(region_count: int) -> npt.NDArray[np.float64]:
    """Level of each region of a hierarchy: 1 for the last merge, 2 for the one before, R for all initial regions."""
    merges = np.arange(region_count - 1, 0, -1, dtype=np.float64)
    return np.concatenate([np.full(region_count, region_count, dtype=np.float64), merges])


def _segment(channels: npt.NDArray[np.uint8], scale: int, sigma: float) -> npt.NDArray[np.int32]:
    segmentation = cv2.ximgproc.segmentation.createGraphSegmentation(sigma, float(scale), scale)
    return segmentation.processImage(channels).astype(np.int32)


def _is_acceptable(boxes: npt.NDArray[np.int32], config: ProposalConfig) -> npt.NDArray[np.bool_]:
    left, top, right, bottom = boxes.T
    margin = config.border * config.frame_side
    large = np.minimum(right - left, bottom - top) >= config.minimum_side
    far = config.frame_side - margin
    touched = (left < margin).astype(int) + (top < margin) + (right > far) + (bottom > far)
    acceptable: npt.NDArray[np.bool_] = large & ((touched == 0) | (touched == 4))
    return acceptable


def _histogram_bins(channels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Histogram columns to which each pixel belongs: int16 (H·W, channels · (1 + orientations)).

    Columns of colour come first (25 per channel), then those of texture (10 per channel and orientation). Texture is
    the Gaussian derivative (sigma 1) along eight directions, negative values counted as 0, in equal bins up to the
    strongest derivative of the channel.
    """
    count = channels.shape[2]
    height, width = channels.shape[:2]
    bins = np.empty((height * width, count * (1 + ORIENTATIONS)), dtype=np.int16)
    for channel in range(count):
        values = channels[..., channel]
        bins[:, channel] = (values.astype(np.int32) * COLOUR_BINS // 256 + COLOUR_BINS * channel).ravel()
        smooth = cv2.GaussianBlur(values.astype(np.float32), (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
        padded = np.pad(smooth, 1, mode="edge")
        along_x = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
        along_y = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
        falling, rising = (along_x + along_y) * _DIAGONAL, (along_y - along_x) * _DIAGONAL
        derivatives = np.stack([along_x, falling, along_y, rising])
        strongest = float(np.abs(derivatives).max())
        scaled = derivatives * (TEXTURE_BINS / strongest) if strongest > 0 else derivatives
        first = count * COLOUR_BINS + channel * ORIENTATIONS * TEXTURE_BINS
        for orientation in range(ORIENTATIONS):
            response = scaled[orientation] if orientation < 4 else -scaled[orientation - 4]
            index = np.clip(response, 0, TEXTURE_BINS - 1).astype(np.int16)
            bins[:, count + channel * ORIENTATIONS + orientation] = (first + orientation * TEXTURE_BINS + index).ravel()
    return bins


@compiled
def _describe(
    labels: npt.NDArray[np.int32], bins: npt.NDArray[np.int16], region_count: int, channels: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """The fields of :class:`Regions`, for regions numbered from 0."""
    height, width = labels.shape
    columns = channels * (COLOUR_BINS + TEXTURE_BINS * ORIENTATIONS)
    sizes = np.zeros(region_count, dtype=np.float64)
    boxes = np.zeros((region_count, 4), dtype=np.int32)
    boxes[:, 0] = width
    boxes[:, 1] = height
    histograms = np.zeros((region_count, columns), dtype=np.float64)
    for row in range(height):
        for column in range(width):
            region = labels[row, column]
            sizes[region] += 1
            boxes[region, 0] = min(boxes[region, 0], column)
            boxes[region, 1] = min(boxes[region, 1], row)
            boxes[region, 2] = max(boxes[region, 2], column + 1)
            boxes[region, 3] = max(boxes[region, 3], row + 1)
            pixel = row * width + column
            for index in range(bins.shape[1]):
                histograms[region, bins[pixel, index]] += 1
    return sizes, boxes, histograms


@compiled
def _adjacency(labels: npt.NDArray[np.int32], region_count: int) -> npt.NDArray[np.bool_]:
    """Which regions touch, corners included: bool (R, R), symmetric, False on the diagonal."""
    height, width = labels.shape
    adjacent = np.zeros((region_count, region_count), dtype=np.bool_)
    for row in range(height):
        for column in range(width):
            here = labels[row, column]
            for step_row, step_column in ((0, 1), (1, -1), (1, 0), (1, 1)):
                other_row, other_column = row + step_row, column + step_column
                if other_row < height and 0 <= other_column < width:
                    there = labels[other_row, other_column]
                    if here != there:
                        adjacent[here, there] = True
                        adjacent[there, here] = True
    return adjacent


@compiled_exact_sums
def _common(
    first: npt.NDArray[np.float64], first_size: float, second: npt.NDArray[np.float64], second_size: float
) -> float:
    """Histogram intersection times both sizes. Whole numbers below 2**53 throughout, so exact in any order."""
    total = 0.0
    for index in range(first.shape[0]):
        scaled_first = first[index] * second_size
        scaled_second = second[index] * first_size
        total += scaled_first if scaled_first < scaled_second else scaled_second
    return total


@compiled
def _similarity(first: int, second: int, regions: Regions, mix: SimilarityMix, channels: int, image_size: int) -> float:
    """Sum of the chosen similarities of two regions (Uijlings et al., equations 2, 4, 5 and 6)."""
    size_a, size_b = regions.sizes[first], regions.sizes[second]
    histogram_a, histogram_b = regions.histograms[first], regions.histograms[second]
    box_a, box_b = regions.boxes[first], regions.boxes[second]
    colours = COLOUR_BINS * channels
    total = 0.0
    if mix.colour:
        common = _common(histogram_a[:colours], size_a, histogram_b[:colours], size_b)
        total += common / (size_a * size_b * channels)
    if mix.texture:
        common = _common(histogram_a[colours:], size_a, histogram_b[colours:], size_b)
        total += common / (size_a * size_b * channels * ORIENTATIONS)
    if mix.size:
        total += 1.0 - (size_a + size_b) / image_size
    if mix.fill:
        width = max(box_a[2], box_b[2]) - min(box_a[0], box_b[0])
        height = max(box_a[3], box_b[3]) - min(box_a[1], box_b[1])
        total += 1.0 - (width * height - size_a - size_b) / image_size
    return total


@compiled
def _best_neighbour(slot: int, similarity: npt.NDArray[np.float64], identity: npt.NDArray[np.int64]) -> int:
    """Most similar neighbour of a slot, the older region among equals; -1 when it has no neighbour."""
    best = -1
    for other in range(similarity.shape[0]):
        value = similarity[slot, other]
        if value >= 0.0 and (
            best < 0
            or value > similarity[slot, best]
            or (value == similarity[slot, best] and identity[other] < identity[best])
        ):
            best = other
    return best


@compiled
def _best_slot(
    best: npt.NDArray[np.int64], similarity: npt.NDArray[np.float64], identity: npt.NDArray[np.int64]
) -> int:
    """The slot that is most similar to its best neighbour, the older region among equals."""
    chosen = -1
    for slot in range(best.shape[0]):
        if best[slot] < 0:
            continue
        if chosen < 0:
            chosen = slot
            continue
        gain = similarity[slot, best[slot]] - similarity[chosen, best[chosen]]
        if gain > 0 or (gain == 0 and identity[slot] < identity[chosen]):
            chosen = slot
    return chosen


@compiled
def _absorb(regions: Regions, keep: int, gone: int) -> None:
    """Let the region in slot ``keep`` become its union with the one in slot ``gone``, in place."""
    regions.sizes[keep] += regions.sizes[gone]
    regions.histograms[keep] += regions.histograms[gone]
    for side in range(2):
        regions.boxes[keep, side] = min(regions.boxes[keep, side], regions.boxes[gone, side])
        regions.boxes[keep, side + 2] = max(regions.boxes[keep, side + 2], regions.boxes[gone, side + 2])


@compiled
def _group(
    initial: Regions, adjacent: npt.NDArray[np.bool_], mix: SimilarityMix, channels: int, image_size: int
) -> npt.NDArray[np.int32]:
    """Merge the two most similar neighbours until one region is left (Uijlings et al., algorithm 1).

    Among equally similar pairs the one with the older region is merged first, then the one whose other region is
    older. A merged region takes the slot of one of its parts; a similarity of -1 marks slots that are not neighbours.

    Returns:
        int32 (2R - 1, 4): boxes of the initial regions, then of the merged ones in the order of merging.
    """
    count = initial.sizes.shape[0]
    regions = Regions(initial.sizes.copy(), initial.boxes.copy(), initial.histograms.copy())
    result = np.empty((2 * count - 1, 4), dtype=np.int32)
    result[:count] = initial.boxes
    identity = np.arange(count)
    similarity = np.full((count, count), -1.0)
    best = np.empty(count, dtype=np.int64)
    for first in range(count):
        for second in range(first + 1, count):
            if adjacent[first, second]:
                value = _similarity(first, second, regions, mix, channels, image_size)
                similarity[first, second] = similarity[second, first] = value
    for slot in range(count):
        best[slot] = _best_neighbour(slot, similarity, identity)

    for merge in range(count - 1):
        keep = _best_slot(best, similarity, identity)
        gone = best[keep]
        _absorb(regions, keep, gone)
        identity[keep] = count + merge
        result[count + merge] = regions.boxes[keep]
        similarity[keep, gone] = similarity[gone, keep] = -1.0
        best[gone] = -1
        for other in range(count):
            if similarity[keep, other] >= 0 or similarity[gone, other] >= 0:
                value = _similarity(keep, other, regions, mix, channels, image_size)
                similarity[keep, other] = similarity[other, keep] = value
                similarity[gone, other] = similarity[other, gone] = -1.0
                if best[other] == keep or best[other] == gone:
                    best[other] = _best_neighbour(other, similarity, identity)
                elif value > similarity[other, best[other]]:
                    best[other] = keep
        best[keep] = _best_neighbour(keep, similarity, identity)
    return result
