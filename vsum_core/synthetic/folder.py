"""Drawn birds as an image folder with part masks, which ``vsum_core.datasets.read_image_folder`` reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vsum_core.synthetic.birds import BirdDrawing, draw_bird
from vsum_core.synthetic.species import SPECIES, Part


def write_birds(
    directory: Path | str,
    *,
    per_species: int,
    seed: int,
    size: int = 224,
    species: Sequence[str] = tuple(SPECIES),
    both_ways: bool = True,
) -> Path:
    """Write ``<species>/<species>-<number>.png``, the part masks under ``parts/`` and ``parts.json``.

    Bird number n of a species depends on the seed, the species and n only: asking for more birds adds to those that a
    smaller number gives.

    Args:
        directory: made when missing; files of the same names are replaced.
        per_species: birds of each species, 1 or more.
        seed: not negative.
        size: side of the square images in pixels.
        species: which species, by name.
        both_ways: whether birds face left and right; otherwise those that face left are mirrored. Proposal Flow matches
            corresponding positions, so it does not see that a mirrored wing is a wing.

    Returns:
        The directory.

    Raises:
        ValueError: a number or a species is not possible.
    """
    if per_species < 1:
        raise ValueError(f"per_species must be 1 or more, but it is {per_species}.")
    directory = Path(directory)
    for name in species:
        for number in range(1, per_species + 1):
            drawing = draw_bird(name, generator=bird_generator(name, seed=seed, number=number), size=size)
            if not both_ways:
                drawing = facing_right(drawing)
            stem = f"{name}-{number:03d}.png"
            for folder, image in (
                (directory / name, Image.fromarray(drawing.image)),
                (directory / "parts" / name, Image.fromarray(part_indices(drawing))),
            ):
                folder.mkdir(parents=True, exist_ok=True)
                image.save(folder / stem)
    names = ["background", *Part]
    (directory / "parts.json").write_text(json.dumps({"names": names, "synthetic": True}) + "\n", encoding="utf-8")
    return directory


def bird_generator(species: str, *, seed: int, number: int) -> np.random.Generator:
    """Source of randomness of one bird, independent of all others.

    Raises:
        ValueError: the species is unknown.
    """
    if species not in SPECIES:
        raise ValueError(f"Unknown species {species!r}; known species: {', '.join(SPECIES)}.")
    return np.random.default_rng([seed, list(SPECIES).index(species), number])


def facing_right(drawing: BirdDrawing) -> BirdDrawing:
    """The drawing, mirrored where the head lies left of the body's middle."""

    def middle(part: Part) -> float:
        return float(np.nonzero(drawing.parts[part])[1].mean())

    if Part.HEAD not in drawing.parts or Part.BODY not in drawing.parts or middle(Part.HEAD) >= middle(Part.BODY):
        return drawing
    return BirdDrawing(
        image=np.ascontiguousarray(drawing.image[:, ::-1]),
        parts={part: np.ascontiguousarray(mask[:, ::-1]) for part, mask in drawing.parts.items()},
    )


def part_indices(drawing: BirdDrawing) -> np.ndarray:
    """uint8 (size, size): 0 for the background, 1 for the first of ``Part`` and so on."""
    indices = np.zeros(drawing.image.shape[:2], dtype=np.uint8)
    for number, part in enumerate(Part, start=1):
        if part in drawing.parts:
            indices[drawing.parts[part]] = number
    return indices
