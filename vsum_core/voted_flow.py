"""A flow field by vote: where most of the matches around a pixel send it.

A field painted from single matches (:mod:`vsum_core.dense_flow`) believes, at every pixel, the one most confident match
whose box holds it. But every pixel lies in some hundred boxes; wrong matches are wrong in different ways, while right
ones agree. So each match sends the pixel to a place in B, with its confidence as weight, and the pixel goes to the
densest place: the mode of a weighted density, found by mean shift (Fukunaga, Hostetler, "The estimation of the gradient
of a density function", IEEE Transactions on Information Theory, 1975). A proposal votes with a few of its best matches,
and a match counts less where the other proposal is matched better by someone else.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.compilation import compiled
from vsum_core.config import FlowConfig

Doubles = npt.NDArray[np.float64]

SPACING = 4
"""Pixels between two places where votes are counted; between them the flow is bilinear."""
STARTS = 16
"""Strongest votes of a place among which the densest is looked for."""
SHIFTS = 6
"""Steps of mean shift from there; the last ones move by hundredths of a pixel."""


def strongest_votes(
    confidence: npt.NDArray[np.floating], *, count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Doubles]:
    """The matches that vote: the ``count`` most confident ones of each proposal of A, the strongest vote first.

    Args:
        confidence: (P, Q), 0 or more, as :func:`vsum_core.flow.match` returns it.
        count: votes of a proposal; fewer where fewer matches have any confidence.

    Returns:
        proposals of A (M,), proposals of B (M,), and weights (M,) above 0 and falling, the highest 1: the confidence
        times its share of the highest confidence that anyone has in the proposal of B. M may be 0.
    """
    # In shares of the highest, since products of very small confidences would underflow.
    shares = confidence.astype(np.float64) / max(float(confidence.max(initial=0)), np.finfo(np.float64).tiny)
    count = min(count, shares.shape[1])
    columns = np.argsort(-shares, axis=1, kind="stable")[:, :count].ravel()
    rows = np.arange(len(shares)).repeat(count)
    chosen = shares[rows, columns]
    best_in_column = shares.max(axis=0, initial=0)[columns]
    weights = np.divide(chosen * chosen, best_in_column, out=np.zeros_like(chosen), where=chosen > 0)
    order = np.argsort(-weights, kind="stable")
    order = order[weights[order] > 0]
    return rows[order], columns[order], weights[order]


def voted_places(
    boxes_a: Doubles, boxes_b: Doubles, weights: Doubles, places: Doubles, *, config: FlowConfig
) -> Doubles:
    """Where the matches send some places of image A.

    Args:
        boxes_a, boxes_b: (M, 4) boxes of the M matches, ``[left, top, right, bottom]``, the strongest vote first.
        weights: (M,), above 0 and falling.
        places: (N, 2) horizontal and vertical position in A, in pixels from its upper left corner.
        config: ``vote_sigma`` is how far from each other two votes still support each other.

    Returns:
        (N, 2) positions in B, likewise; NaN where no box holds the place.
    """
    return _modes(boxes_a, boxes_b, weights, places, config.vote_sigma)


def lattice(height: int, width: int) -> tuple[int, int, Doubles]:
    """Rows and columns of evenly spaced places, and the places themselves (rows · columns, 2), row by row."""
    rows, columns = -(-height // SPACING), -(-width // SPACING)
    x, y = (np.arange(columns) + 0.5) * width / columns, (np.arange(rows) + 0.5) * height / rows
    return rows, columns, np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)


def enlarged(displacement: Doubles, height: int, width: int) -> Doubles:
    """A field on the lattice, (rows, columns, 2), as a field of all pixels, (height, width, 2); bilinear."""
    result: Doubles = np.asarray(
        cv2.resize(displacement, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float64
    )
    return result


@compiled
def _modes(boxes_a: Doubles, boxes_b: Doubles, weights: Doubles, places: Doubles, sigma: float) -> Doubles:
    result = np.full((len(places), 2), np.nan)
    sharpness = 0.5 / sigma**2
    votes_x, votes_y, votes = np.empty(len(weights)), np.empty(len(weights)), np.empty(len(weights))
    for place in range(len(places)):
        x, y = places[place]
        count = 0
        for match in range(len(weights)):
            left, top, right, bottom = boxes_a[match]
            if left <= x < right and top <= y < bottom:
                other_left, other_top, other_right, other_bottom = boxes_b[match]
                votes_x[count] = other_left + (x - left) * (other_right - other_left) / (right - left)
                votes_y[count] = other_top + (y - top) * (other_bottom - other_top) / (bottom - top)
                votes[count] = weights[match]
                count += 1
        if count == 0:
            continue
        column, row, densest = 0.0, 0.0, -1.0
        for start in range(min(STARTS, count)):
            density = 0.0
            for vote in range(count):
                squared = (votes_x[vote] - votes_x[start]) ** 2 + (votes_y[vote] - votes_y[start]) ** 2
                density += votes[vote] * np.exp(-sharpness * squared)
            if density > densest:
                column, row, densest = votes_x[start], votes_y[start], density
        for _ in range(SHIFTS):
            total, along_x, along_y = 0.0, 0.0, 0.0
            for vote in range(count):
                squared = (votes_x[vote] - column) ** 2 + (votes_y[vote] - row) ** 2
                weight = votes[vote] * np.exp(-sharpness * squared)
                total += weight
                along_x += weight * votes_x[vote]
                along_y += weight * votes_y[vote]
            column, row = along_x / total, along_y / total
        result[place, 0], result[place, 1] = column, row
    return result
