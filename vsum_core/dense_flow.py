"""From matches of proposals to a flow field that says, for every pixel of image A, where it lies in image B.

Sources: the dense flow of Ham, Cho, Schmid, Ponce, "Proposal Flow", CVPR 2016, section 5; the filling of holes by Ham,
Cho, Ponce, "Robust Image Filtering Using Joint Static and Dynamic Guidance", CVPR 2015.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.compilation import compiled
from vsum_core.config import FlowConfig, FlowField
from vsum_core.flow import checked_boxes
from vsum_core.voted_flow import SPACING, enlarged, lattice, strongest_votes, voted_places

Doubles = npt.NDArray[np.float64]

TOLERANCE = 1e-5
"""Relative residual at which a linear solve stops; the flow is then within 0.01 pixels of the exact one (measured)."""
MAXIMUM_STEPS = 2000
WEAKEST_LINK = 1e-4
"""Least weight between two neighbouring pixels, so that a hole behind strong edges is still filled."""


class NoMatchError(ValueError):
    """No match has any confidence, so that there is nothing to make a flow of."""


class UnsolvedFlowError(RuntimeError):
    """The linear system of the flow did not reach its tolerance."""


def dense_flow(
    boxes_a: npt.ArrayLike,
    boxes_b: npt.ArrayLike,
    confidence: npt.ArrayLike,
    image_a: npt.NDArray[np.uint8],
    *,
    config: FlowConfig,
    size_b: tuple[int, int] | None = None,
) -> npt.NDArray[np.float32]:
    """Where each pixel of image A lies in image B.

    With ``FlowField.PAINTED``, every proposal of A brings its most confident match (the first of equal ones), and from
    the most to the least confident, the pixels of A's box that are still empty receive the linear map from A's box to
    B's box. Where matches send pixels of A to one pixel of B, only those of the most confident match stay. What is then
    empty follows from the rest by static/dynamic guidance filtering: neighbouring pixels of like colour, and of like
    flow, flow alike. With ``FlowField.VOTED`` each pixel goes where most of the matches that hold it send it
    (:mod:`vsum_core.voted_flow`), and only pixels that no match holds are filled by guidance.

    Args:
        boxes_a: (P, 4) boxes ``[left, top, right, bottom]`` in pixels, right and bottom exclusive.
        boxes_b: (Q, 4).
        confidence: (P, Q), 0 or more, as :func:`vsum_core.flow.match` returns it.
        image_a: uint8 (H, W, 3), RGB.
        size_b: height and width of image B; those of A when left out.

    Returns:
        (H, W, 2) float32: horizontal and vertical pixel index in B, from 0 to width − 1 and height − 1; whole numbers
        are the middles of pixels.

    Raises:
        ValueError: shapes do not fit.
        NoMatchError: no confidence is above 0, or, for a vote, the boxes lie between the places of the lattice.
        UnsolvedFlowError: the linear system did not converge.
    """
    boxes_a, boxes_b = checked_boxes(boxes_a, "boxes_a"), checked_boxes(boxes_b, "boxes_b")
    weights = np.asarray(confidence)
    if weights.shape != (len(boxes_a), len(boxes_b)):
        raise ValueError(f"confidence must have shape {(len(boxes_a), len(boxes_b))}, but it has {weights.shape}.")
    if image_a.ndim != 3 or image_a.shape[2] != 3 or image_a.dtype != np.uint8:
        raise ValueError(f"image_a must be uint8 (H, W, 3), but it is {image_a.dtype} {image_a.shape}.")
    if weights.size == 0 or not weights.max() > 0:
        raise NoMatchError(
            "A flow needs at least one match with confidence above 0; "
            f"none of the {weights.size} pairs of proposals has any."
        )
    height_b, width_b = image_a.shape[:2] if size_b is None else size_b
    # Displacements are smoothed, not positions, so that no movement at all is the smoothest flow.
    positions = np.stack(np.meshgrid(np.arange(image_a.shape[1]), np.arange(image_a.shape[0])), axis=2)
    match config.field:
        case FlowField.PAINTED:
            flow = np.full((*image_a.shape[:2], 2), np.nan)
            best, columns = weights.max(axis=1), weights.argmax(axis=1)
            order = np.argsort(-best, kind="stable")
            order = order[best[order] > 0]
            _paint(boxes_a[order], boxes_b[columns[order]], flow, height_b, width_b)
            displacement = _fill(flow - positions, image_a, config)
        case FlowField.VOTED:
            displacement = _voted(boxes_a, boxes_b, weights, image_a, config)
    result: npt.NDArray[np.float32] = np.clip(displacement + positions, 0, [width_b - 1, height_b - 1])
    return result.astype(np.float32)


def warp(image_b: npt.NDArray[np.uint8], flow: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Image B pulled back onto A: pixel (x, y) of the result is B at ``flow[y, x]``, bilinearly interpolated.

    Args:
        image_b: uint8 (H, W) or (H, W, C).
        flow: (H', W', 2) as :func:`dense_flow` returns it; the result has its height and width.
    """
    columns, rows = np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])
    result = cv2.remap(image_b, columns, rows, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(result, dtype=np.uint8)


def _voted(
    boxes_a: Doubles,
    boxes_b: Doubles,
    confidence: npt.NDArray[np.floating],
    image_a: npt.NDArray[np.uint8],
    config: FlowConfig,
) -> Doubles:
    """Displacement (H, W, 2) by vote on a lattice; places without a vote are filled by guidance on the lattice."""
    height, width = image_a.shape[:2]
    rows, columns, places = lattice(height, width)
    first, second, votes = strongest_votes(confidence, count=config.vote_matches)
    moved = voted_places(boxes_a[first], boxes_b[second], votes, places, config=config) - places
    displacement = moved.reshape(rows, columns, 2)
    empty = np.isnan(displacement[..., 0])
    if empty.all():
        raise NoMatchError(
            f"No match holds any of the places that votes are counted at, {SPACING} pixels apart. Boxes are too small."
        )
    if empty.any():
        small = cv2.resize(image_a, (columns, rows), interpolation=cv2.INTER_AREA)
        displacement[empty] = _fill(displacement, np.asarray(small, dtype=np.uint8), config)[empty]
    return enlarged(displacement, height, width)


@compiled
def _paint(boxes_a: Doubles, boxes_b: Doubles, flow: Doubles, height_b: int, width_b: int) -> None:
    """Fill ``flow`` (H, W, 2; NaN = empty) from the matches in the order given; boxes may reach out of the images."""
    height, width = flow.shape[:2]
    owner = np.full((height_b, width_b), -1)
    seen = np.zeros((height, width), dtype=np.bool_)
    for rank in range(len(boxes_a)):
        left, top, right, bottom = boxes_a[rank]
        other_left, other_top, other_right, other_bottom = boxes_b[rank]
        stretch_x = (other_right - other_left) / (right - left)
        stretch_y = (other_bottom - other_top) / (bottom - top)
        for y in range(max(0, int(np.ceil(top - 0.5))), min(height, int(np.ceil(bottom - 0.5)))):
            for x in range(max(0, int(np.ceil(left - 0.5))), min(width, int(np.ceil(right - 0.5)))):
                if seen[y, x]:
                    continue
                seen[y, x] = True
                column = other_left + (x + 0.5 - left) * stretch_x
                row = other_top + (y + 0.5 - top) * stretch_y
                if not (0 <= column < width_b and 0 <= row < height_b):
                    continue
                if owner[int(row), int(column)] == -1:
                    owner[int(row), int(column)] = rank
                if owner[int(row), int(column)] == rank:
                    flow[y, x, 0] = column - 0.5
                    flow[y, x, 1] = row - 0.5


def _fill(displacement: Doubles, image: npt.NDArray[np.uint8], config: FlowConfig) -> Doubles:
    """Static/dynamic guidance filtering of a displacement field (H, W, 2) with holes (NaN).

    Minimises the squared distance to the given field plus ``guidance_weight`` times a robust (Welsch) distance between
    4-neighbours, weighted by their likeness of colour, by ``guidance_iterations`` linear solves; the dynamic weights of
    a solve come from the result of the one before, those of the first are all 1.
    """
    known = ~np.isnan(displacement[..., 0])
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float64)
    static_x, static_y = _likeness(lab, config.guidance_sigma)
    dynamic_x, dynamic_y = np.ones_like(static_x), np.ones_like(static_y)
    target = np.where(known[..., None], displacement, 0.0)
    result = np.empty_like(displacement)
    result[...] = target[known].mean(axis=0)
    for iteration in range(config.guidance_iterations):
        if iteration > 0:
            dynamic_x, dynamic_y = _likeness(result, config.flow_sigma)
        links_x = config.guidance_weight * np.maximum(static_x * dynamic_x, WEAKEST_LINK)
        links_y = config.guidance_weight * np.maximum(static_y * dynamic_y, WEAKEST_LINK)
        for channel in range(2):
            _solve(links_x, links_y, known, target[..., channel], result[..., channel])
    return result


def _likeness(values: Doubles, sigma: float) -> tuple[Doubles, Doubles]:
    """Gaussian of the distance between horizontal (H, W − 1) and between vertical (H − 1, W) neighbours."""
    across = (np.diff(values, axis=1) ** 2).sum(axis=2)
    down = (np.diff(values, axis=0) ** 2).sum(axis=2)
    return np.exp(-across / (2 * sigma**2)), np.exp(-down / (2 * sigma**2))


def _solve(
    links_x: Doubles, links_y: Doubles, known: npt.NDArray[np.bool_], target: Doubles, solution: Doubles
) -> None:
    """Solve (known + Laplacian of the links) solution = known · target, in place, starting from ``solution``."""
    steps = _conjugate_gradients(links_x, links_y, known, target, solution, TOLERANCE, MAXIMUM_STEPS)
    if steps < 0:
        raise UnsolvedFlowError(
            f"The flow did not reach a relative residual of {TOLERANCE} in {MAXIMUM_STEPS} steps; "
            "a smaller guidance_weight or a larger guidance_sigma makes the system easier."
        )


@compiled
def _conjugate_gradients(
    links_x: Doubles,
    links_y: Doubles,
    known: npt.NDArray[np.bool_],
    target: Doubles,
    solution: Doubles,
    tolerance: float,
    maximum_steps: int,
) -> int:
    """Conjugate gradients for (known + Laplacian of the links) solution = known · target, starting from ``solution``.

    ``links_x`` is (H, W − 1), the weights between horizontal neighbours; ``links_y`` is (H − 1, W). Returns the number
    of steps, or −1 without convergence.
    """
    height, width = target.shape
    pivots = _pivots(links_x, links_y, known)
    residual = np.empty((height, width))
    direction = np.zeros((height, width))
    product = np.empty((height, width))
    _multiply(links_x, links_y, known, solution, product)
    goal = 0.0
    for y in range(height):
        for x in range(width):
            wanted = target[y, x] if known[y, x] else 0.0
            goal += wanted * wanted
            residual[y, x] = wanted - product[y, x]
    goal *= tolerance * tolerance
    previous = 1.0
    for step in range(maximum_steps):
        if (residual * residual).sum() <= goal:
            return step
        conditioned = _precondition(links_x, links_y, pivots, residual)
        current = (residual * conditioned).sum()
        direction *= current / previous
        direction += conditioned
        _multiply(links_x, links_y, known, direction, product)
        length = current / (direction * product).sum()
        solution += length * direction
        residual -= length * product
        previous = current
    return -1


@compiled
def _multiply(
    links_x: Doubles, links_y: Doubles, known: npt.NDArray[np.bool_], values: Doubles, product: Doubles
) -> None:
    height, width = values.shape
    for y in range(height):
        for x in range(width):
            centre = values[y, x]
            total = centre if known[y, x] else 0.0
            if x > 0:
                total += links_x[y, x - 1] * (centre - values[y, x - 1])
            if x < width - 1:
                total += links_x[y, x] * (centre - values[y, x + 1])
            if y > 0:
                total += links_y[y - 1, x] * (centre - values[y - 1, x])
            if y < height - 1:
                total += links_y[y, x] * (centre - values[y + 1, x])
            product[y, x] = total


@compiled
def _pivots(links_x: Doubles, links_y: Doubles, known: npt.NDArray[np.bool_]) -> Doubles:
    """Pivots of the modified incomplete Cholesky factorisation without fill-in (Gustafsson 1978), relaxed by 0.97.

    What the factorisation leaves out is moved to the diagonal, so that smooth errors, the slow ones, die out fast.
    """
    height, width = known.shape
    pivots = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            pivot = 1.0 if known[y, x] else 0.0
            if x < width - 1:
                pivot += links_x[y, x]
            if y < height - 1:
                pivot += links_y[y, x]
            if x > 0:
                link = links_x[y, x - 1]
                left_out = links_y[y, x - 1] if y < height - 1 else 0.0
                pivot += link - link * (link + 0.97 * left_out) / pivots[y, x - 1]
            if y > 0:
                link = links_y[y - 1, x]
                left_out = links_x[y - 1, x] if x < width - 1 else 0.0
                pivot += link - link * (link + 0.97 * left_out) / pivots[y - 1, x]
            pivots[y, x] = pivot
    return pivots


@compiled
def _precondition(links_x: Doubles, links_y: Doubles, pivots: Doubles, residual: Doubles) -> Doubles:
    height, width = residual.shape
    result = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            total = residual[y, x]
            if x > 0:
                total += links_x[y, x - 1] * result[y, x - 1]
            if y > 0:
                total += links_y[y - 1, x] * result[y - 1, x]
            result[y, x] = total / pivots[y, x]
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            total = 0.0
            if x < width - 1:
                total += links_x[y, x] * result[y, x + 1]
            if y < height - 1:
                total += links_y[y, x] * result[y + 1, x]
            result[y, x] += total / pivots[y, x]
    return result
