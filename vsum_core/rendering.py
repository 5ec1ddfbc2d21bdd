"""The pictures people see: a region in its image, the region alone, and all cells of a summary side by side.

Coordinates are fractions of the image's width and height, so that masks and boxes of the square frame fall into place
on the photograph in its own aspect ratio. Pictures are RGB, uint8 (H, W, 3).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from skimage.measure import find_contours

from vsum_core.config import RenderingConfig

Picture = NDArray[np.uint8]

_SUBPIXEL_BITS = 4  # OpenCV draws on a grid 2⁴ times as fine as the pixels
_STROKE_OVERSAMPLING = 4
_CONTOUR_SIGMA = 0.8  # pixels of the mask; takes the steps off a contour that is drawn several times as large
_CASING_COLOUR = (24, 24, 24)


def region_hull(mask: NDArray[np.floating[Any]], box: ArrayLike, *, threshold: float = 0.5) -> NDArray[np.float64]:
    """Convex hull of the deleted pixels inside a box, as corners (K, 2) of x, y in fractions, K ≥ 3, in order.

    The hull encloses the pixels whole, not just their centres. Where the mask deletes nothing inside the box, the hull
    is the box itself.

    Args:
        mask: (S, T) in [0, 1]; below ``threshold`` is deleted.
        box: left, top, right, bottom in pixels of the mask; a pixel is inside when its centre is.
        threshold: of the mask.

    Raises:
        ValueError: the box is empty or lies outside the mask.
    """
    height, width = mask.shape
    rows, columns = _slices(box, mask.shape)
    deleted_rows, deleted_columns = np.nonzero(mask[rows, columns] < threshold)
    if len(deleted_rows) == 0:
        left, top, right, bottom = np.asarray(box, dtype=np.float64)
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    else:
        upper_left = np.stack([deleted_columns + columns.start, deleted_rows + rows.start], axis=1)
        pixels = np.concatenate([upper_left + shift for shift in ([0, 0], [1, 0], [0, 1], [1, 1])])
        corners = cv2.convexHull(pixels.astype(np.int32)).reshape(-1, 2).astype(np.float64)
    fractions: NDArray[np.float64] = np.clip(corners / (width, height), 0, 1)
    return fractions


def touching_components(
    mask: NDArray[np.floating[Any]], box: ArrayLike, *, threshold: float = 0.5, minimum_area: float = 0.0
) -> NDArray[np.bool_]:
    """The connected components of the deleted pixels that reach into a box: bool (S, T), True on them.

    Pixels that touch at a corner are connected.

    Args:
        mask: (S, T) in [0, 1]; below ``threshold`` is deleted.
        box: left, top, right, bottom in pixels of the mask; a pixel is inside when its centre is.
        threshold: of the mask.
        minimum_area: share of the mask; smaller components are left out.

    Raises:
        ValueError: the box is empty or lies outside the mask.
    """
    rows, columns = _slices(box, mask.shape)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats((mask < threshold).astype(np.uint8), connectivity=8)
    wanted = np.zeros(len(statistics), dtype=np.bool_)
    wanted[np.unique(labels[rows, columns])] = True
    wanted &= statistics[:, cv2.CC_STAT_AREA] >= minimum_area * mask.size
    wanted[0] = False  # what is kept
    touching: NDArray[np.bool_] = wanted[labels]
    return touching


def render_cell(
    image: Picture, *, hull: ArrayLike | None, components: NDArray[np.bool_] | None, config: RenderingConfig
) -> Picture:
    """The whole image with everything greyed except a region, its hull outlined and the mask components it touches.

    The image keeps its aspect ratio; its longer side becomes ``config.cell_side`` pixels. What is neither in the hull
    nor in a component is drained of colour and covered with the level ``config.grey`` at ``config.grey_opacity``. Lines
    are anti-aliased and stay inside the picture.

    Args:
        image: the photograph, (H, W, 3).
        hull: corners (K, 2) in fractions of the image, see :func:`region_hull`; None shows the image untouched, as for
            the arm of whole images.
        components: bool (S, T) over the whole image, see :func:`touching_components`; None draws none. Details finer
            than about two of its pixels are not drawn.
        config: grey, colours and sizes.

    Raises:
        ValueError: an array has the wrong shape, or there are components without a hull.
    """
    _check_picture(image)
    picture = _resize(image, longer_side=config.cell_side)
    if hull is None:
        if components is not None:
            raise ValueError("Expected a hull with the components; give neither to show the whole image.")
        return picture
    corners = np.asarray(hull, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise ValueError(f"hull must have shape (K, 2) with K of 3 or more, but it has shape {corners.shape}.")
    size = (picture.shape[1], picture.shape[0])
    hull_lines = [_to_pixels(corners, size, inset=config.hull_width / 2)]
    outlines = [] if components is None else _outlines(components)
    component_lines = [_to_pixels(outline, size, inset=config.component_width / 2) for outline in outlines]

    cell = _grey_surroundings(
        picture,
        [[_to_pixels(corners, size)], [_to_pixels(outline, size) for outline in outlines]],
        config,
    )
    _draw(cell, component_lines, config.component_colour, config.component_width, config.casing_width)
    _draw(cell, hull_lines, config.hull_colour, config.hull_width, config.casing_width)
    return cell


def render_crop(image: Picture, box: ArrayLike, *, config: RenderingConfig, margin: float = 0.0) -> Picture:
    """The region alone: the part of the image inside a box, its longer side resized to ``config.crop_side`` pixels.

    Args:
        image: the photograph, (H, W, 3).
        box: left, top, right, bottom in fractions of the image.
        config: size of crops.
        margin: context on every side as a share of the box's width or height; cut off at the image's edge.

    Raises:
        ValueError: the box is empty or lies outside the image.
    """
    _check_picture(image)
    height, width = image.shape[:2]
    left, top, right, bottom = (float(value) for value in np.asarray(box, dtype=np.float64))
    across, down = margin * (right - left), margin * (bottom - top)
    pixels = ((left - across) * width, (top - down) * height, (right + across) * width, (bottom + down) * height)
    rows, columns = _slices(_widened(pixels), (height, width))
    return _resize(image[rows, columns], longer_side=config.crop_side)


def render_grid(cells: Sequence[Picture], *, config: RenderingConfig) -> Picture:
    """All cells on a light ground, row by row in their order, as nearly square as their number allows.

    Cells larger than ``config.grid_side`` are made smaller. All gutters have ``config.gutter`` pixels. Every slot is as
    wide as the widest and as high as the highest cell; a smaller cell lies in its middle on the level ``config.grey``.
    Rows differ by one cell at most; the shorter ones come last and lie in the middle.

    Raises:
        ValueError: there is no cell.
    """
    if not cells:
        raise ValueError("A grid needs one cell or more, but there is none.")
    for cell in cells:
        _check_picture(cell)
    cells = [
        _resize(cell, longer_side=config.grid_side) if max(cell.shape[:2]) > config.grid_side else cell
        for cell in cells
    ]
    slot_height = max(cell.shape[0] for cell in cells)
    slot_width = max(cell.shape[1] for cell in cells)
    rows = _cells_per_row(len(cells), slot_width / slot_height)
    gutter = config.gutter
    pitch_down, pitch_across = slot_height + gutter, slot_width + gutter
    grid = np.empty((len(rows) * pitch_down + gutter, rows[0] * pitch_across + gutter, 3), dtype=np.uint8)
    grid[:] = config.background
    waiting = iter(cells)
    for row, in_row in enumerate(rows):
        top = gutter + row * pitch_down
        indent = gutter + (rows[0] - in_row) * pitch_across // 2
        for left in range(indent, indent + in_row * pitch_across, pitch_across):
            grid[top : top + slot_height, left : left + slot_width] = config.grey
            cell = next(waiting)
            upper, first = top + (slot_height - cell.shape[0]) // 2, left + (slot_width - cell.shape[1]) // 2
            grid[upper : upper + cell.shape[0], first : first + cell.shape[1]] = cell
    return grid


def encode_webp(picture: Picture, *, quality: int) -> bytes:
    """WebP file of a picture; the same picture and quality give the same bytes.

    Args:
        picture: RGB, uint8 (H, W, 3).
        quality: 0 to 100.

    Raises:
        ValueError: the picture has another shape or type, or the quality is out of range.
    """
    _check_picture(picture)
    if not 0 <= quality <= 100:
        raise ValueError(f"quality must lie in 0 to 100, but it is {quality}.")
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="WEBP", quality=quality, method=4)
    return buffer.getvalue()


def _cells_per_row(count: int, slot_aspect: float) -> list[int]:
    """How many cells lie in each row, the fuller rows first, for a grid about as wide as high."""
    columns = min(count, max(1, math.ceil(math.sqrt(count / slot_aspect) - 0.15)))
    rows = math.ceil(count / columns)
    smaller, fuller_rows = divmod(count, rows)
    return [smaller + 1] * fuller_rows + [smaller] * (rows - fuller_rows)


def _slices(box: ArrayLike, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns whose pixel centres lie in a box given in pixels."""
    values = np.asarray(box, dtype=np.float64)
    if values.shape != (4,) or not np.isfinite(values).all():
        raise ValueError(f"A box must be [left, top, right, bottom], but it is {values.tolist()}.")
    left, top, right, bottom = np.ceil(values - 0.5).astype(int).tolist()
    rows, columns = slice(max(top, 0), min(bottom, shape[0])), slice(max(left, 0), min(right, shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise ValueError(f"The box {values.tolist()} holds no pixel of a picture of {shape[1]} × {shape[0]}.")
    return rows, columns


def _widened(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The box in whole pixels that holds every pixel the given one touches; rounding errors touch none."""
    left, top, right, bottom = box
    tolerance = 1e-6
    return (
        math.floor(left + tolerance),
        math.floor(top + tolerance),
        math.ceil(right - tolerance),
        math.ceil(bottom - tolerance),
    )


def _resize(image: Picture, *, longer_side: int) -> Picture:
    height, width = image.shape[:2]
    scale = longer_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized: Picture = np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)
    return resized


def _outlines(components: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Closed contours of a bool (S, T) array, holes included, as x, y in fractions and finer than its pixels."""
    if components.ndim != 2 or components.dtype != np.bool_:
        raise ValueError(f"components must be bool (S, T), but they are {components.dtype} {components.shape}.")
    # Blurring before the margin of zeros is added keeps contours along the image's edge straight.
    smooth = cv2.GaussianBlur(components.astype(np.float32), (0, 0), _CONTOUR_SIGMA, borderType=cv2.BORDER_REPLICATE)
    contours = find_contours(np.pad(smooth, 1), level=0.5)  # type: ignore[no-untyped-call]
    height, width = components.shape
    return [(contour[:, ::-1] - 0.5) / (width, height) for contour in contours]


def _to_pixels(fractions: NDArray[np.float64], size: tuple[int, int], *, inset: float = 0.0) -> NDArray[np.int32]:
    """Corners for OpenCV, at least ``inset`` pixels inside the picture of ``size`` = (width, height)."""
    largest = np.asarray(size, dtype=np.float64)
    pixels = np.clip(fractions * largest, inset, largest - inset) - 0.5  # OpenCV's (0, 0) is the centre of a pixel
    rounded: NDArray[np.int32] = np.round(pixels * 2**_SUBPIXEL_BITS).astype(np.int32)
    return rounded


def _grey_surroundings(
    picture: Picture, shapes: Sequence[Sequence[NDArray[np.int32]]], config: RenderingConfig
) -> Picture:
    """The picture with all but the union of ``shapes`` greyed; each is contours to be filled by the even-odd rule."""
    lit = np.zeros(picture.shape[:2], dtype=np.uint8)
    for contours in shapes:
        filled = np.zeros_like(lit)
        if contours:
            cv2.fillPoly(filled, list(contours), 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
        lit = np.maximum(lit, filled)
    share = lit[..., None].astype(np.float32) / 255
    colourless = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    surroundings = config.grey_opacity * config.grey + (1 - config.grey_opacity) * colourless
    blended: Picture = np.round(share * picture + (1 - share) * surroundings).astype(np.uint8)
    return blended


def _draw(
    cell: Picture, lines: Sequence[NDArray[np.int32]], colour: tuple[int, int, int], width: int, casing: int
) -> None:
    """Closed lines in place; the casing of all of them lies under all of them."""
    if width == 0 or not lines:
        return
    strokes = [(colour, width)] if casing == 0 else [(_CASING_COLOUR, width + 2 * casing), (colour, width)]
    for stroke_colour, stroke_width in strokes:
        share = _stroke_share(lines, cell.shape[:2], stroke_width)[..., None]
        cell[:] = np.round(share * np.array(stroke_colour, dtype=np.float32) + (1 - share) * cell)


def _stroke_share(lines: Sequence[NDArray[np.int32]], shape: tuple[int, ...], width: int) -> NDArray[np.float32]:
    """Share (H, W) of every pixel that closed lines cover.

    Drawn large and shrunk: OpenCV's own anti-aliased lines come out about two pixels wider than asked for.
    """
    scale = _STROKE_OVERSAMPLING
    canvas = np.zeros((shape[0] * scale, shape[1] * scale), dtype=np.uint8)
    half = 2 ** (_SUBPIXEL_BITS - 1)
    enlarged = [(line + half) * scale - half for line in lines]
    cv2.polylines(canvas, enlarged, True, 255, width * scale - 1, lineType=cv2.LINE_8, shift=_SUBPIXEL_BITS)
    shrunk = cv2.resize(canvas, shape[1::-1], interpolation=cv2.INTER_AREA)
    share: NDArray[np.float32] = np.divide(shrunk, 255, dtype=np.float32)
    return share


def _check_picture(picture: Picture) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise ValueError(f"A picture must be uint8 (H, W, 3), but it is {picture.dtype} {picture.shape}.")
