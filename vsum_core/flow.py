"""Proposal Flow: how confidently each proposal of one image matches each proposal of another.

Source: Ham, Cho, Schmid, Ponce, "Proposal Flow", CVPR 2016, section 3. Three matchers, named by
:class:`vsum_core.config.Matcher`:

* ``APPEARANCE`` (NAM) takes the appearance as it is.
* ``PROBABILISTIC_HOUGH`` (PHM) multiplies it by the support that the pair's offset gets from all pairs.
* ``LOCAL_OFFSET`` (LOM) multiplies it by the agreement with the offset that overlapping proposals prefer.

All three are linear in the appearance (raised to ``FlowConfig.appearance_power``, 1 in the reference): twice the
appearance gives twice the confidence. Nothing is normalised to sum to one, so that confidences of different image pairs
stay comparable.

:func:`match` treats one pair of images; :mod:`vsum_core.class_flow` treats all pairs of a class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from vsum_core.compilation import compiled, compiled_exact_sums
from vsum_core.config import FlowConfig, Matcher

Doubles = npt.NDArray[np.float64]

MEDIAN_FLOOR = 1e-2
"""Distances below this (pixels, or units of scale) count as this much in the geometric median.

It guards the division by zero, and it is wide enough that an estimate which happens to start on a value can leave it
again: boxes have whole pixels, so offsets equal to the start of the iteration are common.
"""


def match(
    boxes_a: npt.ArrayLike, boxes_b: npt.ArrayLike, appearance: npt.ArrayLike, *, config: FlowConfig
) -> npt.NDArray[np.float32]:
    """Confidence that proposal p of image A shows the same thing as proposal q of image B.

    Args:
        boxes_a: (P, 4) boxes ``[left, top, right, bottom]``, right and bottom exclusive, in pixels.
        boxes_b: (Q, 4) boxes, likewise.
        appearance: (P, Q) similarity of the two regions' descriptors, finite, 0 or more.
        config: ``matcher`` chooses NAM, PHM or LOM.

    Returns:
        (P, Q) float32, 0 or more. It is 0 where the appearance is 0 and where the aspect ratios (width over height)
        differ by ``config.maximum_aspect_ratio`` or more. P or Q may be 0.

    Raises:
        ValueError: wrong shapes, empty or non-finite boxes, negative or non-finite appearance.
    """
    boxes_a, boxes_b = checked_boxes(boxes_a, "boxes_a"), checked_boxes(boxes_b, "boxes_b")
    weights = np.asarray(appearance, dtype=np.float32)
    if weights.shape != (len(boxes_a), len(boxes_b)):
        raise ValueError(
            f"appearance must have shape ({len(boxes_a)}, {len(boxes_b)}), one row per box of A and one column per box "
            f"of B, but it has shape {weights.shape}."
        )
    if weights.size == 0:
        return np.zeros(weights.shape, dtype=np.float32)
    weights = _comparable(boxes_a, boxes_b, weights, config.maximum_aspect_ratio)
    if config.appearance_power != 1:
        weights **= np.float32(config.appearance_power)
    match config.matcher:
        case Matcher.APPEARANCE:
            return weights
        case Matcher.PROBABILISTIC_HOUGH:
            return _probabilistic_hough(boxes_a, boxes_b, weights, config)
        case Matcher.LOCAL_OFFSET:
            return _local_offset(boxes_a, boxes_b, weights, config)


def checked_boxes(boxes: npt.ArrayLike, name: str) -> Doubles:
    """The boxes as contiguous float64 (P, 4).

    Raises:
        ValueError: the shape is not (P, 4), or a box has no area or is not finite.
    """
    result = np.ascontiguousarray(boxes, dtype=np.float64)
    if result.size == 0:
        return result.reshape(0, 4)
    if result.ndim != 2 or result.shape[1] != 4:
        raise ValueError(f"{name} must have shape (P, 4), but it has shape {result.shape}.")
    wrong = ~(np.isfinite(result).all(axis=1) & (result[:, 2] > result[:, 0]) & (result[:, 3] > result[:, 1]))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{name} must be finite with left < right and top < bottom, but box {first} is {result[first].tolist()}."
        )
    return result


def _comparable(
    boxes_a: Doubles, boxes_b: Doubles, appearance: npt.NDArray[np.float32], maximum_ratio: float
) -> npt.NDArray[np.float32]:
    """The appearance of pairs whose aspect ratios differ by less than the factor, and 0 for the others; a copy."""
    aspects_b = _aspects(boxes_b)
    weights = np.empty_like(appearance, order="C")
    widest, narrowest = aspects_b * maximum_ratio, aspects_b / maximum_ratio
    if not _write_comparable(weights, appearance, _aspects(boxes_a), widest, narrowest):
        raise ValueError("appearance must be finite and not negative; clip similarities at 0 before matching.")
    return weights


def _aspects(boxes: Doubles) -> Doubles:
    """Width over height, contiguous."""
    result: Doubles = (boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1])
    return result


@compiled
def _write_comparable(
    weights: npt.NDArray[np.float32],
    appearance: npt.NDArray[np.float32],
    aspects_a: Doubles,
    widest: Doubles,
    narrowest: Doubles,
) -> bool:
    """In one pass over the matrix; False where a value is negative, infinite or no number."""
    valid = True
    for p in range(appearance.shape[0]):
        aspect = aspects_a[p]
        for q in range(appearance.shape[1]):
            value = appearance[p, q]
            valid &= (value >= 0) & (value < np.inf)
            comparable = (aspect < widest[q]) & (aspect > narrowest[q])
            weights[p, q] = value if comparable else np.float32(0)
    return valid


def _centres_and_areas(boxes: Doubles) -> Doubles:
    """(3, P): horizontal centre, vertical centre, area."""
    left, top, right, bottom = boxes.T
    return np.stack([(left + right) / 2, (top + bottom) / 2, (right - left) * (bottom - top)])


def _probabilistic_hough(
    boxes_a: Doubles, boxes_b: Doubles, appearance: npt.NDArray[np.float32], config: FlowConfig
) -> npt.NDArray[np.float32]:
    """PHM: appearance times the posterior support of the pair's offset bin.

    Bins are over the offset of the centres (pixels) and the logarithm to base 2 of the ratio of sides. Every pair
    votes with its appearance for its own bin. The likelihood of a match given an offset is Gaussian: one Gaussian
    spreads the votes, a second one reads them, and both together are one whose width is the square root of 2 larger.
    """
    places_a, places_b = _centres_and_areas(boxes_a), _centres_and_areas(boxes_b)
    places_a[2], places_b[2] = np.log2(places_a[2]) / 2, np.log2(places_b[2]) / 2
    sides = np.array([config.hough_bin, config.hough_bin, config.hough_scale_bin])
    lowest = places_b.min(axis=1) - places_a.max(axis=1)
    highest = places_b.max(axis=1) - places_a.min(axis=1)
    shape = tuple(int(count) for count in np.floor((highest - lowest) / sides + 0.5) + 1)
    votes = np.zeros(shape)
    _vote(places_a, places_b, appearance, lowest, sides, votes)
    total = votes.sum()
    if total == 0:
        return np.zeros_like(appearance)
    support = gaussian_filter(votes / total, sigma=config.hough_sigma * np.sqrt(2), mode="constant")
    confidence = appearance.copy()
    _read_votes(places_a, places_b, confidence, lowest, sides, support)
    return confidence


@compiled
def _vote(
    places_a: Doubles,
    places_b: Doubles,
    appearance: npt.NDArray[np.float32],
    lowest: Doubles,
    sides: Doubles,
    votes: Doubles,
) -> None:
    for p in range(appearance.shape[0]):
        for q in range(appearance.shape[1]):
            if appearance[p, q] > 0:
                x = int((places_b[0, q] - places_a[0, p] - lowest[0]) / sides[0] + 0.5)
                y = int((places_b[1, q] - places_a[1, p] - lowest[1]) / sides[1] + 0.5)
                s = int((places_b[2, q] - places_a[2, p] - lowest[2]) / sides[2] + 0.5)
                votes[x, y, s] += appearance[p, q]


@compiled
def _read_votes(
    places_a: Doubles,
    places_b: Doubles,
    confidence: npt.NDArray[np.float32],
    lowest: Doubles,
    sides: Doubles,
    support: Doubles,
) -> None:
    for p in range(confidence.shape[0]):
        for q in range(confidence.shape[1]):
            x = int((places_b[0, q] - places_a[0, p] - lowest[0]) / sides[0] + 0.5)
            y = int((places_b[1, q] - places_a[1, p] - lowest[1]) / sides[1] + 0.5)
            s = int((places_b[2, q] - places_a[2, p] - lowest[2]) / sides[2] + 0.5)
            confidence[p, q] *= support[x, y, s]


def _local_offset(
    boxes_a: Doubles, boxes_b: Doubles, appearance: npt.NDArray[np.float32], config: FlowConfig
) -> npt.NDArray[np.float32]:
    """LOM, exactly sequential: row p is overwritten before row p + 1 is computed, which may read it.

    A proposal's neighbours are those whose boxes overlap its own, itself included. A row without any positive entry
    has no best match: it is no neighbour of anyone, and it stays 0.
    """
    confidence = appearance.copy()
    _local_offset_rows(
        boxes_a,
        _centres_and_areas(boxes_a),
        _centres_and_areas(boxes_b),
        confidence,
        config.median_iterations,
        config.offset_decay,
        config.scale_decay,
        MEDIAN_FLOOR,
    )
    return confidence


@compiled
def _local_offset_rows(
    boxes_a: Doubles,
    places_a: Doubles,
    places_b: Doubles,
    confidence: npt.NDArray[np.float32],
    iterations: int,
    offset_decay: float,
    scale_decay: float,
    floor: float,
) -> None:
    rows, columns = confidence.shape
    best = np.zeros(rows)
    offsets = np.empty((rows, 3))
    for p in range(rows):
        for q in range(columns):
            if confidence[p, q] > best[p]:
                best[p] = confidence[p, q]
                _set_offset(offsets[p], places_a, places_b, p, q)
    preferred = np.empty(3)
    for p in range(rows):
        if best[p] == 0.0:
            continue
        share = _preferred_offset(preferred, boxes_a, p, best, offsets, iterations, floor)
        # Where the proposal would lie in B, and how large, if it moved as its neighbours do.
        x, y, scale, area = places_a[0, p] + preferred[0], places_a[1, p] + preferred[1], preferred[2], places_a[2, p]
        highest, winner = 0.0, 0
        row = confidence[p]
        for q in range(columns):
            if row[q] == 0:
                continue
            away = np.sqrt((places_b[0, q] - x) ** 2 + (places_b[1, q] - y) ** 2)
            resized = abs(places_b[2, q] / area - scale)
            value = row[q] * share * np.exp(-offset_decay * away - scale_decay * resized)
            row[q] = value
            # The maximum is taken before rounding to float32, so that rounding makes no ties.
            if value > highest:
                highest, winner = value, q
        best[p] = highest
        _set_offset(offsets[p], places_a, places_b, p, winner)


@compiled
def _set_offset(offset: Doubles, places_a: Doubles, places_b: Doubles, p: int, q: int) -> None:
    offset[0] = places_b[0, q] - places_a[0, p]
    offset[1] = places_b[1, q] - places_a[1, p]
    offset[2] = places_b[2, q] / places_a[2, p]


@compiled
def _preferred_offset(
    preferred: Doubles, boxes_a: Doubles, p: int, best: Doubles, offsets: Doubles, iterations: int, floor: float
) -> float:
    """Write the geometric median of the neighbours' best offsets; return the neighbours' share of all confidence."""
    rows = len(boxes_a)
    # Three arrays and single numbers: taking slices of one array would cost as much as all the rest.
    near_x, near_y, near_scale = np.empty(rows), np.empty(rows), np.empty(rows)
    near_total = 0.0
    total = 0.0
    count = 0
    left, top, right, bottom = boxes_a[p, 0], boxes_a[p, 1], boxes_a[p, 2], boxes_a[p, 3]
    for k in range(rows):
        total += best[k]
        overlaps = boxes_a[k, 0] < right and boxes_a[k, 2] > left and boxes_a[k, 1] < bottom and boxes_a[k, 3] > top
        if overlaps and best[k] > 0.0:
            near_total += best[k]
            near_x[count], near_y[count], near_scale[count] = offsets[k, 0], offsets[k, 1], offsets[k, 2]
            count += 1
    preferred[0] = _component_median(near_x[:count], iterations, floor)
    preferred[1] = _component_median(near_y[:count], iterations, floor)
    preferred[2] = _component_median(near_scale[:count], iterations, floor)
    return near_total / total


# Another order of the sums changes a median in its fifteenth digit, and lets several neighbours be added at once.
@compiled_exact_sums
def _component_median(values: Doubles, iterations: int, floor: float) -> float:
    """Weiszfeld's iteration from 1 in one dimension.

    The weighted mean of ``values`` with weights ``1 / |value - estimate|`` is the estimate plus the sum of the signs
    of ``value - estimate`` over the sum of the weights; inside the floor the sign becomes a slope.
    """
    estimate = 1.0
    for _ in range(iterations):
        weights = 0.0
        pull = 0.0
        for k in range(len(values)):
            difference = values[k] - estimate
            distance = abs(difference)
            distance = floor if distance < floor else distance
            weight = np.reciprocal(distance)
            weights += weight
            pull += weight * difference
        estimate += pull / weights
    return estimate
