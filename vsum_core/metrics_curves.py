"""What happens to the score as an explanation is taken away, or alone is shown.

Functions take a ``Score``: masks (M, H, W), 1 = the pixel is seen, to the target's probability (M,). So they know
nothing of networks, and a sum over pixels is enough to test them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Curve:
    """The target's probability over the share of pixels deleted or inserted.

    Attributes:
        shares: (S + 1,) from 0 to 1.
        probabilities: (S + 1,).
    """

    shares: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under the curve, by trapezia; in [0, 1]."""
        return area_under_curve(self.shares, self.probabilities)


def area_under_curve(shares: ArrayLike, values: ArrayLike) -> float:
    """Area under straight lines between points, divided by the width.

    Raises:
        ValueError: fewer than two points, different lengths, or shares that do not rise.
    """
    across, up = np.asarray(shares, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if across.shape != up.shape or across.ndim != 1 or len(across) < 2 or not bool(np.all(np.diff(across) > 0)):
        raise ValueError(f"Expected two or more points with rising shares, but got {across.tolist()}.")
    heights = (up[1:] + up[:-1]) / 2
    return float((heights * np.diff(across)).sum() / (across[-1] - across[0]))


def deletion_curve(relevance: NDArray[np.floating[Any]], score: Score, *, steps: int = 28) -> Curve:
    """The score while pixels are deleted, the most relevant first; the faster it falls, the better the ranking.

    Source: V. Petsiuk, A. Das, K. Saenko, "RISE", BMVC 2018.

    Args:
        relevance: (H, W), larger = more relevant; ties in reading order.
        score: of masks.
        steps: equal steps from the whole image to nothing, 1 or more.
    """
    return _curve(relevance, score, steps=steps, inserting=False)


def insertion_curve(relevance: NDArray[np.floating[Any]], score: Score, *, steps: int = 28) -> Curve:
    """The score while pixels come back into the deleted image, the most relevant first; it should rise fast.

    Source, arguments: as :func:`deletion_curve`.
    """
    return _curve(relevance, score, steps=steps, inserting=True)


def _curve(relevance: NDArray[np.floating[Any]], score: Score, *, steps: int, inserting: bool) -> Curve:
    if relevance.ndim != 2 or steps < 1:
        raise ValueError(f"Expected relevance (H, W) and 1 step or more, but got {relevance.shape} and {steps}.")
    order = np.argsort(-relevance.ravel().astype(np.float64), kind="stable")
    counts = np.rint(np.linspace(0, relevance.size, steps + 1)).astype(int)
    masks = np.full((steps + 1, relevance.size), 0 if inserting else 1, dtype=np.float32)
    for mask, count in zip(masks, counts, strict=True):
        mask[order[:count]] = 1 if inserting else 0
    return Curve(shares=counts / relevance.size, probabilities=score(masks.reshape(-1, *relevance.shape)))


def average_drop(p0: ArrayLike, p_shown: ArrayLike) -> float | None:
    """Mean share of the score that is lost when the explanation alone is shown: mean of ``max(0, p0 - p) / p0``.

    Small is good: the explanation suffices. Source: A. Chattopadhay et al., "Grad-CAM++", WACV 2018.

    Args:
        p0: (N,) target probability of the untouched images, in [0, 1].
        p_shown: (N,) with everything but the explanation deleted.

    Returns:
        In [0, 1]; None without an image whose ``p0`` is above 0.

    Raises:
        ValueError: shapes differ or a probability leaves [0, 1].
    """
    before, after = _probabilities(p0, p_shown)
    counted = before > 0
    if not counted.any():
        return None
    return float((np.maximum(0, before - after)[counted] / before[counted]).mean())


def increase_in_confidence(p0: ArrayLike, p_shown: ArrayLike) -> float | None:
    """Share of images whose score rises when the explanation alone is shown; None without images.

    Source, arguments, raised: as :func:`average_drop`.
    """
    before, after = _probabilities(p0, p_shown)
    return float((after > before).mean()) if len(before) else None


def _probabilities(p0: ArrayLike, p_shown: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    before, after = (np.asarray(values, dtype=np.float64) for values in (p0, p_shown))
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"Expected two lists of equal length, but their shapes are {before.shape} and {after.shape}.")
    if not all(bool(np.all((values >= 0) & (values <= 1))) for values in (before, after)):
        raise ValueError("Probabilities must lie in [0, 1].")
    return before, after
