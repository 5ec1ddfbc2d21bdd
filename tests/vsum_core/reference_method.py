"""Slow and plain versions of whitening, pruning and affinity propagation, written from the definitions; tests only.

The matchers have theirs in ``reference_flow``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def whitened_similarity(a: Array, b: Array, *, mean: Array, covariance: Array) -> Array:
    """``max(0, (Σ⁻¹ (a − μ))·b − μ·Σ⁻¹ (a − μ))`` by one solve for every row of a (Hariharan et al., ECCV 2012)."""
    result = np.empty((len(a), len(b)))
    for p, row in enumerate(a):
        template = np.linalg.solve(covariance, row - mean)
        for q, other in enumerate(b):
            result[p, q] = max(0.0, template @ other - mean @ template)
    return result


def masked(boxes: npt.NDArray[np.int64], mask: Array, *, share: float) -> list[int]:
    """Boxes of which the mask deletes (values below 0.5) more than ``share``."""
    return [
        index
        for index, (left, top, right, bottom) in enumerate(boxes.tolist())
        if (mask[top:bottom, left:right] < 0.5).sum() > share * (right - left) * (bottom - top)
    ]


def without_redundant(boxes: npt.NDArray[np.int64], scores: Array, *, overlap: float, area_ratio: float) -> list[int]:
    """Best score first; a box goes when it shares ``overlap`` of the smaller with one of like area that stays."""
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        left, top, right, bottom = boxes[index]
        area = (right - left) * (bottom - top)
        for other in kept:
            other_left, other_top, other_right, other_bottom = boxes[other]
            other_area = (other_right - other_left) * (other_bottom - other_top)
            width = max(0, min(right, other_right) - max(left, other_left))
            height = max(0, min(bottom, other_bottom) - max(top, other_top))
            smaller, larger = min(area, other_area), max(area, other_area)
            if width * height >= overlap * smaller and larger < area_ratio * smaller:
                break
        else:
            kept.append(index)
    return kept


def affinity_messages(similarity: Array, *, damping: float, iterations: int) -> tuple[Array, Array]:
    """Responsibilities and availabilities after some iterations (Frey, Dueck, Science 2007, equations 1 to 3).

    Both start at 0, and each is damped: ``damping`` of the old message and the rest of the new one.
    """
    count = len(similarity)
    responsibility, availability = np.zeros((count, count)), np.zeros((count, count))
    for _ in range(iterations):
        new = np.empty_like(responsibility)
        for i in range(count):
            for k in range(count):
                others = [availability[i, j] + similarity[i, j] for j in range(count) if j != k]
                new[i, k] = similarity[i, k] - max(others)
        responsibility = damping * responsibility + (1 - damping) * new
        for i in range(count):
            for k in range(count):
                support = sum(max(0.0, responsibility[j, k]) for j in range(count) if j not in (i, k))
                new[i, k] = support if i == k else min(0.0, responsibility[k, k] + support)
        availability = damping * availability + (1 - damping) * new
    return responsibility, availability


def moved_exemplars(similarity: Array, exemplars: npt.NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Each exemplar moves to the region that its cluster is most similar to in sum; then all choose again."""

    def choose(among: list[int]) -> list[int]:
        return [
            among.index(i) if i in among else int(np.argmax([similarity[i, k] for k in among]))
            for i in range(len(similarity))
        ]

    first = [int(k) for k in exemplars]
    labels = choose(first)
    moved = []
    for position in range(len(first)):
        members = [i for i, label in enumerate(labels) if label == position]
        moved.append(max(members, key=lambda k: sum(similarity[i, k] for i in members)))
    moved.sort()
    return moved, choose(moved)
