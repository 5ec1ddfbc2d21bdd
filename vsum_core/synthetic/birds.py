"""One drawn bird: a species in a random pose, colouring and place, with the true mask of every part."""

from __future__ import annotations

import colorsys
import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vsum_core.synthetic.anatomy import bird_shapes, random_pose
from vsum_core.synthetic.backgrounds import background
from vsum_core.synthetic.canvas import Canvas, Placement, Shape
from vsum_core.synthetic.shapes import Colour, rotated
from vsum_core.synthetic.species import SPECIES, Part, Species

MINIMUM_SIZE = 32
"""Pixels; smaller birds would lose their parts."""

MORPH_SHARE = 0.35
"""Share of the birds whose colours are not the usual ones of their species."""


@dataclass(frozen=True)
class BirdDrawing:
    """A drawn bird.

    Attributes:
        image: uint8 (size, size, 3), RGB.
        parts: bool (size, size) for each part that can be seen; disjoint, their union is the bird. Species without a
            long neck have no part ``neck``.
    """

    image: np.ndarray
    parts: dict[str, np.ndarray]


def draw_bird(
    species: str,
    *,
    generator: np.random.Generator,
    size: int = 224,
    borrowed: Mapping[str, str] | None = None,
    oversampling: int = 3,
) -> BirdDrawing:
    """Draw one bird in a random pose, size, colouring and place.

    Args:
        species: a key of ``SPECIES``.
        generator: source of all randomness; equal states give equal drawings.
        size: side of the square image in pixels, at least 32.
        borrowed: part → species from which this bird takes the style of that part instead of its own.
        oversampling: how many times larger the drawing is made before it is reduced.

    Raises:
        ValueError: the species, a part or the size is not possible.
    """
    if size < MINIMUM_SIZE:
        raise ValueError(f"size must be at least {MINIMUM_SIZE} pixels, but it is {size}.")
    if oversampling < 1:
        raise ValueError(f"oversampling must be 1 or more, but it is {oversampling}.")
    bird = _with_borrowed_parts(_species(species), borrowed or {})
    shapes = _recoloured(bird_shapes(bird, random_pose(generator)), generator)
    side = size * oversampling
    placement = _placement(shapes, side, generator)
    feet = placement.pixels(np.concatenate([shape.outline for shape in shapes if shape.part == Part.LEGS]))
    ground = background(generator, side=side, feet=(float(feet[:, 0].mean()), float(feet[:, 1].max()) - 0.01 * side))
    canvas = Canvas(ground, part_names=tuple(Part), oversampling=oversampling)
    for shape in shapes:
        canvas.paint(shape, placement)
    image, parts = canvas.finish()
    return BirdDrawing(image=image, parts=parts)


def _species(name: str) -> Species:
    if name not in SPECIES:
        raise ValueError(f"Unknown species {name!r}; known species: {', '.join(SPECIES)}.")
    return SPECIES[name]


def _with_borrowed_parts(species: Species, borrowed: Mapping[str, str]) -> Species:
    unknown = set(borrowed) - set(Part)
    if unknown:
        raise ValueError(f"Unknown parts {', '.join(sorted(unknown))}; known parts: {', '.join(Part)}.")
    styles = {str(part): getattr(_species(name), part) for part, name in borrowed.items()}
    return dataclasses.replace(species, **styles)


def _recoloured(shapes: list[Shape], generator: np.random.Generator) -> list[Shape]:
    """Every bird has its own colouring, and every part varies a little on its own.

    Some birds are colour morphs, whose hues are all turned by one random angle: colour helps to tell species apart, but
    shape and markings are what can be relied on.
    """
    whole = generator.uniform([-0.025, 0.85, 0.93], [0.025, 1.2, 1.12])
    if generator.uniform() < MORPH_SHARE:
        whole[1] *= 0.7  # paler, since a strong blue turns into a glaring green
        whole[0] = generator.uniform(0, 1)
    change = {part: whole + generator.normal(0, [0.01, 0.05, 0.03]) for part in Part}

    @functools.cache
    def varied(tint: Colour, part: str) -> Colour:
        turn, saturation, brightness = change[Part(part)]
        hue, colourfulness, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in tint))
        rgb = colorsys.hsv_to_rgb((hue + turn) % 1, min(1.0, colourfulness * saturation), min(1.0, value * brightness))
        red, green, blue = (round(255 * channel) for channel in rgb)
        return red, green, blue

    return [
        dataclasses.replace(
            shape,
            colour=varied(shape.colour, shape.part),
            marks=tuple(dataclasses.replace(mark, colour=varied(mark.colour, shape.part)) for mark in shape.marks),
        )
        for shape in shapes
    ]


def _placement(shapes: list[Shape], side: int, generator: np.random.Generator) -> Placement:
    """Turn, mirror and fit the bird into the picture, with a random size and place."""
    tilt = float(generator.uniform(-9, 9))
    faces_left = bool(generator.integers(2))
    points = rotated(np.concatenate([shape.outline for shape in shapes]), tilt)
    if faces_left:
        points = points * np.array([-1.0, 1.0])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = side * generator.uniform(0.72, 0.93) / float((high - low).max())
    room = side - scale * (high - low)
    start = room * generator.uniform(0.15, 0.85, size=2)
    shift = start - scale * low
    return Placement(scale=scale, tilt=tilt, faces_left=faces_left, shift=(float(shift[0]), float(shift[1])))
