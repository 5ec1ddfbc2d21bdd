"""Shapes as data, and the antialiased canvas that paints them together with the mask of the part they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vsum_core.synthetic.shapes import Colour, rotated, toned


@dataclass(frozen=True)
class Mark:
    """Something painted on a shape and clipped to it.

    Attributes:
        points: (n, 2) in body lengths; a polygon, or a line where ``width`` is positive.
        colour: of the mark.
        width: of the line in body lengths; 0 for a filled polygon.
    """

    points: np.ndarray
    colour: Colour
    width: float = 0.0


@dataclass(frozen=True)
class Shape:
    """One filled outline of a part, with light from above and marks on it.

    Attributes:
        part: name of the part.
        outline: (n, 2) in body lengths.
        colour: where the light falls.
        marks: painted in order.
        light: depth of the shadow along the lower edge in body lengths; 0 paints the shape flat.
    """

    part: str
    outline: np.ndarray
    colour: Colour
    marks: tuple[Mark, ...] = ()
    light: float = 0.0


@dataclass(frozen=True)
class Placement:
    """From body lengths to pixels of the canvas: mirror, turn, scale, shift."""

    scale: float
    tilt: float
    faces_left: bool
    shift: tuple[float, float]

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) in body lengths → (n, 2) in pixels of the canvas."""
        turned = rotated(points, self.tilt)
        if self.faces_left:
            turned = turned * np.array([-1.0, 1.0])
        placed: np.ndarray = turned * self.scale + np.array(self.shift)
        return placed


class Canvas:
    """A picture and an index of parts, both larger than the result by the oversampling factor."""

    def __init__(self, ground: Image.Image, *, part_names: Sequence[str], oversampling: int) -> None:
        self._picture = ground
        self._draw = ImageDraw.Draw(ground)
        self._names = tuple(part_names)
        self._index = Image.new("L", ground.size, 0)
        self._index_draw = ImageDraw.Draw(self._index)
        self._oversampling = oversampling

    def paint(self, shape: Shape, placement: Placement) -> None:
        """Paint one shape over what is there."""
        number = self._names.index(shape.part) + 1
        pixels = placement.pixels(shape.outline)
        corners = _corners(pixels)
        edge = toned(shape.colour, 0.55)
        line = max(1, round(0.016 * placement.scale))
        if shape.light or shape.marks:
            self._paint_clipped(shape, placement, pixels, number)
        else:
            self._draw.polygon(corners, fill=shape.colour)
            self._index_draw.polygon(corners, fill=number)
        self._draw.line([*corners, corners[0]], fill=edge, width=line, joint="curve")
        self._index_draw.line([*corners, corners[0]], fill=number, width=line, joint="curve")

    def _paint_clipped(self, shape: Shape, placement: Placement, pixels: np.ndarray, number: int) -> None:
        left, top = (int(value) for value in np.floor(pixels.min(axis=0)) - 1)
        right, bottom = (int(value) for value in np.ceil(pixels.max(axis=0)) + 2)
        offset = np.array([left, top])
        size = (max(1, right - left), max(1, bottom - top))
        clip = Image.new("L", size, 0)
        ImageDraw.Draw(clip).polygon(_corners(pixels - offset), fill=255)
        patch = Image.new("RGB", size, shape.colour)
        draw = ImageDraw.Draw(patch)
        if shape.light:
            _cast_light(patch, draw, shape, pixels - offset, placement.scale)
        for mark in shape.marks:
            corners = _corners(placement.pixels(mark.points) - offset)
            if mark.width:
                draw.line(corners, fill=mark.colour, width=max(1, round(mark.width * placement.scale)), joint="curve")
            else:
                draw.polygon(corners, fill=mark.colour)
        self._picture.paste(patch, (left, top), clip)
        self._index.paste(number, (left, top, left + size[0], top + size[1]), clip)

    def finish(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The picture, uint8 (H, W, 3), and one bool mask (H, W) for each part that can be seen; masks are disjoint."""
        size = (self._picture.width // self._oversampling, self._picture.height // self._oversampling)
        image = np.asarray(self._picture.resize(size, Image.Resampling.LANCZOS)).copy()
        middle = self._oversampling // 2
        # A pixel belongs to the part at its centre.
        index = np.asarray(self._index)[middle :: self._oversampling, middle :: self._oversampling]
        masks = {name: index == number for number, name in enumerate(self._names, start=1)}
        return image, {name: mask for name, mask in masks.items() if mask.any()}


def _cast_light(patch: Image.Image, draw: ImageDraw.ImageDraw, shape: Shape, pixels: np.ndarray, scale: float) -> None:
    depth = shape.light * scale
    patch.paste(toned(shape.colour, 0.74), (0, 0, *patch.size))
    for share, factor in ((0.45, 0.87), (1.0, 1.0)):
        draw.polygon(_corners(pixels - np.array([0.0, depth * share])), fill=toned(shape.colour, factor))
    centre = pixels.mean(axis=0)
    bright = centre + (pixels - centre) * np.array([0.62, 0.5]) - np.array([0.0, 1.7 * depth])
    draw.polygon(_corners(bright), fill=toned(shape.colour, 1.1))


def _corners(points: np.ndarray) -> list[tuple[float, float]]:
    return list(map(tuple, points.tolist()))
