"""Numbers that judge masks, regions and summaries; each is None where it is not defined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def relative_drop(p0: float, p: float) -> float | None:
    """Share of the score that a perturbation takes away: (p0 - p) / p0, at most 1; negative where the score rises.

    Source: arXiv 1801.09103.

    Args:
        p0: target probability of the untouched image, in [0, 1].
        p: target probability of the perturbed image, in [0, 1].

    Returns:
        None where ``p0`` is 0.

    Raises:
        ValueError: a probability is outside [0, 1].
    """
    _check_probabilities(p0=p0, p=p)
    return None if p0 == 0 else (p0 - p) / p0


def normalised_score(p0: float, p: float, p_blurred: float) -> float | None:
    """Score change on the scale of the fully blurred image: (p - p0) / (p0 - p_blurred).

    0 is no effect, -1 the effect of blurring everything, below -1 more than that.

    Source: the normalised softmax score of Fong, Vedaldi, "Interpretable explanations of black boxes by meaningful
    perturbation", ICCV 2017, with the sign that arXiv 1801.09103 uses.

    Args:
        p0: target probability of the untouched image, in [0, 1].
        p: target probability of the image perturbed by the mask, in [0, 1].
        p_blurred: target probability of the fully blurred image, in [0, 1].

    Returns:
        None where ``p0`` equals ``p_blurred``.

    Raises:
        ValueError: a probability is outside [0, 1].
    """
    _check_probabilities(p0=p0, p=p, p_blurred=p_blurred)
    return None if p0 == p_blurred else (p - p0) / (p0 - p_blurred)


def area_times_probability(area: float, p: float) -> float:
    """Masked share of the image times the probability that is left; small when the mask is small and effective.

    Both factors lie in [0, 1]. Source: ``docs/method.md`` of this project.

    Raises:
        ValueError: a factor is outside [0, 1].
    """
    _check_probabilities(area=area, p=p)
    return area * p


def coverage(p0: ArrayLike, p_union: ArrayLike, p_mask: ArrayLike) -> float | None:
    """Share of the masks' score drop that the summaries explain: are the summaries exhaustive?

    With drop d = p0 - p_mask of the whole mask and e = p0 - p_union of the union of all summaries' regions, clipped to
    [0, d]: the sum of e over images divided by the sum of d. Images whose mask does not lower the score (d ≤ 0) have
    nothing to explain and are left out. Source: this project's measure of the word *exhaustive* in the abstract of
    arXiv 1801.09103.

    Args:
        p0: (N,) or scalar, target probability of the untouched images.
        p_union: same shape, with only the regions of all summaries perturbed; ``p0`` for an image in no summary.
        p_mask: same shape, with the full mask perturbed.

    Returns:
        In [0, 1]; None where no mask lowers the score.

    Raises:
        ValueError: shapes differ or a probability is outside [0, 1].
    """
    untouched, union, mask = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (p0, p_union, p_mask))
    if not untouched.shape == union.shape == mask.shape:
        raise ValueError(f"Expected equal shapes, but they are {untouched.shape}, {union.shape} and {mask.shape}.")
    _check_probabilities(p0=untouched, p_union=union, p_mask=mask)
    drop = untouched - mask
    lowered = drop > 0
    if not lowered.any():
        return None
    explained = np.clip((untouched - union)[lowered], 0, drop[lowered])
    return float(explained.sum() / drop[lowered].sum())


def part_of_region(
    region: ArrayLike,
    parts: Mapping[str, NDArray[np.bool_]],
    *,
    masked: NDArray[np.bool_] | None = None,
    minimum_share: float = 0.1,
) -> str | None:
    """The true part that a region shows: the one that covers most of its pixels.

    Thin parts, such as legs, fill little of any box around them; people name them all the same. So a part need not
    cover more than the background does, only ``minimum_share`` of the region.

    Args:
        region: box (4,) as left, top, right, bottom in pixels, or bool (H, W), True inside the region.
        parts: name → bool (H, W), True on the part; parts may overlap.
        masked: bool (H, W), True where the mask deletes; only these pixels of the region count. None counts all.
        minimum_share: of the region's counted pixels that its part must cover, in [0, 1].

    Returns:
        The name; of equal parts the first in ``parts``. None where no part covers ``minimum_share``, and for an empty
        region.

    Raises:
        ValueError: shapes differ or a box is reversed.
    """
    shapes = {np.shape(part) for part in parts.values()} | ({np.shape(masked)} if masked is not None else set())
    if not parts:
        return None
    if len(shapes) > 1:
        raise ValueError(f"Parts and mask must have one shape (H, W), but their shapes are {sorted(shapes)}.")
    counted = region_pixels(region, shapes.pop())
    if masked is not None:
        counted = counted & masked
    areas = {name: int((counted & part).sum()) for name, part in parts.items()}
    largest = max(areas, key=lambda name: areas[name])
    return largest if areas[largest] > 0 and areas[largest] >= minimum_share * int(counted.sum()) else None


def purity(parts: Sequence[str | None]) -> tuple[str | None, float | None]:
    """The part that most members show, and the share of all members that show it: is the summary univocal?

    Source: purity in Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 2008, section 16.3.

    Args:
        parts: per member the name of its part, or None where it shows no part.

    Returns:
        Name and share in [0, 1]; of equally frequent parts the first in the alphabet. (None, 0.0) where no member shows
        a part, (None, None) without members.
    """
    if not parts:
        return None, None
    counts = Counter(part for part in parts if part is not None)
    if not counts:
        return None, 0.0
    part = min(counts, key=lambda name: (-counts[name], name))
    return part, counts[part] / len(parts)


def jaccard(first: ArrayLike, second: ArrayLike) -> float | None:
    """Intersection over union of two regions, in [0, 1].

    Source: Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11(2), 1912.

    Args:
        first: box (4,) as left, top, right, bottom, or bool (H, W).
        second: of the same kind.

    Returns:
        None where both are empty.

    Raises:
        ValueError: the two are of different kinds or shapes, or a box is reversed.
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or not (one.shape == (4,) or one.ndim == 2):
        raise ValueError(
            f"Expected two boxes (4,) or two masks (H, W), but the shapes are {one.shape} and {other.shape}."
        )
    if one.ndim == 2:
        union = float((one | other).sum())
        return float((one & other).sum()) / union if union else None
    _check_box(one)
    _check_box(other)
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    intersection = float(np.prod(np.clip(sides, 0, None)))
    union = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - intersection
    return intersection / union if union else None


def region_pixels(region: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Bool ``shape`` of the pixels whose centre lies in a box (4,), or the region itself where it is bool already.

    Raises:
        ValueError: the region is neither a box nor bool of that shape, or the box is reversed.
    """
    values = np.asarray(region)
    if values.shape == shape and values.dtype == np.bool_:
        return values
    if values.shape != (4,):
        raise ValueError(f"Expected a box (4,) or a bool array {shape}, but got {values.dtype} {values.shape}.")
    _check_box(values)
    left, top, right, bottom = values
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    inside: NDArray[np.bool_] = np.logical_and.outer(
        (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    )
    return inside


def _check_box(box: NDArray[Any]) -> None:
    if not (box[0] <= box[2] and box[1] <= box[3]):
        raise ValueError(f"A box must be [left, top, right, bottom], but it is {box.tolist()}.")


def _check_probabilities(**values: float | NDArray[np.float64]) -> None:
    for name, value in values.items():
        if not (np.all(np.asarray(value) >= 0) and np.all(np.asarray(value) <= 1)):
            raise ValueError(f"{name} must lie in [0, 1], but it is {value}.")
