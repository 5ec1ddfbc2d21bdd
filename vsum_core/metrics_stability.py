"""Do two runs, with other seeds or other images, find the same summaries?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vsum_core.metrics import jaccard

Places = Mapping[str, Sequence[float]]
"""A summary as the places it shows: image id → box (left, top, right, bottom)."""

MATCHED = 0.5
"""Overlap from which two summaries count as the same."""


@dataclass(frozen=True)
class Stability:
    """How two sets of summaries of one class compare, over the images both runs used.

    Attributes:
        pairs: (position in the first, position in the second, overlap), the best one-to-one matching, overlap above 0.
        mean_overlap: mean over the larger set, unmatched summaries counting 0; None where both sets are empty.
        matched: share of the larger set whose overlap is ``MATCHED`` or more; None where both are empty.
    """

    pairs: tuple[tuple[int, int, float], ...]
    mean_overlap: float | None
    matched: float | None


def summary_overlap(first: Places, second: Places) -> float:
    """Mean over the images that either shows of the Jaccard index of their boxes; an image only one shows counts 0.

    In [0, 1]; 0 for two summaries without images.
    """
    images = first.keys() | second.keys()
    if not images:
        return 0.0
    shared = sorted(first.keys() & second.keys())
    return sum(jaccard(first[image], second[image]) or 0.0 for image in shared) / len(images)


def stability(first: Sequence[Places], second: Sequence[Places], *, images: set[str] | None = None) -> Stability:
    """Match two sets of summaries one to one so that the sum of overlaps is largest (Hungarian method; Kuhn, 1955).

    Args:
        first: summaries of one run.
        second: of the other.
        images: those both runs used; places in other images are left out. None: all.
    """
    sets = [[_within(summary, images) for summary in summaries] for summaries in (first, second)]
    larger = max(len(summaries) for summaries in sets)
    if larger == 0:
        return Stability(pairs=(), mean_overlap=None, matched=None)
    overlaps: NDArray[np.float64] = np.zeros((len(sets[0]), len(sets[1])))
    for row, one in enumerate(sets[0]):
        for column, other in enumerate(sets[1]):
            overlaps[row, column] = summary_overlap(one, other)
    rows, columns = linear_sum_assignment(-overlaps)
    pairs = tuple(
        (int(row), int(column), float(overlaps[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if overlaps[row, column] > 0
    )
    return Stability(
        pairs=pairs,
        mean_overlap=sum(overlap for _, _, overlap in pairs) / larger,
        matched=sum(overlap >= MATCHED for _, _, overlap in pairs) / larger,
    )


def places_of(summary: Mapping[str, Any]) -> dict[str, list[float]]:
    """A summary of a manifest as the places it shows."""
    return {member["image"]: list(member["box"]) for member in summary["members"]}


def _within(summary: Places, images: set[str] | None) -> Places:
    return summary if images is None else {image: box for image, box in summary.items() if image in images}
