"""Pictures for practice trials and attention checks: regions of drawn birds, outlined as in the study.

``python -m vsum_core.synthetic.practice study/static/study/practice`` writes WebP pictures, and JPEG beside them:

* sets of six cells: all six of ``beak`` show a beak, and so on; those of ``mixed`` have no part in common;
* crops of the sets in ``CROPPED``, the region alone;
* a sheet of every set, its six cells in one picture;
* for each species of ``SHEETS`` a sheet of its most telling part, and one bird without any mark.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vsum_core.config import RenderingConfig
from vsum_core.rendering import encode_webp, region_hull, render_cell
from vsum_core.synthetic.birds import BirdDrawing, draw_bird
from vsum_core.synthetic.species import SPECIES, Part

SETS: dict[str, tuple[Part | None, ...]] = {
    "beak": (Part.BEAK,) * 6,
    "wing": (Part.WING,) * 6,
    "mixed": (Part.LEGS, None, Part.TAIL, Part.BODY, None, Part.HEAD),
    "legs": (Part.LEGS,) * 6,
    "mixed-again": (Part.BODY, Part.HEAD, None, Part.WING, None, Part.TAIL),
}
"""Part that each picture of a set shows; None is a place beside the bird."""

CROPPED = ("beak", "wing", "legs")
"""Sets that are also drawn as crops."""

SHEETS: dict[str, Part] = {"flamingo": Part.LEGS, "toucan": Part.BEAK, "peacock": Part.TAIL}
"""Species, and the part that its sheet shows."""

SIDE = 480
"""Pixels of the square pictures."""

JPEG_QUALITY = 82
"""As `study.picture_renditions` makes JPEG of other pictures."""

CROP_SIDE = 240
SHEET_CELL, SHEET_GUTTER = 154, 6
"""Pixels of a cell of a sheet, and between cells: a sheet has 486 × 326 pixels."""

SEED = 11

_REGION_SHARE = 0.42
"""Smaller regions are enlarged until their longer side has this share of the picture, as far as three times."""

_TRIES = 40
_MARGIN = 12


def practice_picture(set_name: str, number: int, *, config: RenderingConfig) -> np.ndarray:
    """One picture, uint8 (480, 480, 3).

    Args:
        set_name: key of ``SETS``.
        number: from 1 to 6; the six pictures show six different birds.
        config: colours and widths of the outlines.

    Raises:
        ValueError: there is no such picture.
    """
    if set_name not in SETS or not 1 <= number <= len(SETS[set_name]):
        known = ", ".join(f"{name} 1–{len(parts)}" for name, parts in SETS.items())
        raise ValueError(f"No practice picture {set_name} {number}; there are {known}.")
    part = SETS[set_name][number - 1]
    keys = [SEED, list(SETS).index(set_name), number]
    species = list(SPECIES)[sum(keys[1:]) % len(SPECIES)]
    image, region, box = _outlined(species, part, keys, whole_part=not set_name.startswith("mixed"))
    hull = region_hull(np.where(region, 0.0, 1.0), box)
    return render_cell(image, hull=hull, components=region, config=config)


def practice_crop(set_name: str, number: int) -> np.ndarray:
    """The region of a picture alone, in a square with a little room around it, uint8 (240, 240, 3)."""
    keys = [SEED, list(SETS).index(set_name), number]
    species = list(SPECIES)[sum(keys[1:]) % len(SPECIES)]
    image, _region_mask, (left, top, right, bottom) = _outlined(
        species, SETS[set_name][number - 1], keys, whole_part=True
    )
    half = min(0.6 * max(right - left, bottom - top), SIDE / 2)
    middle = [float(np.clip(value, half, SIDE - half)) for value in ((left + right) / 2, (top + bottom) / 2)]
    window = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    crop = Image.fromarray(image).resize((CROP_SIDE, CROP_SIDE), Image.Resampling.LANCZOS, box=window)
    return np.asarray(crop)


def sheet(cells: Sequence[np.ndarray], *, config: RenderingConfig) -> np.ndarray:
    """Six cells in one picture, three in a row, uint8 (326, 486, 3)."""
    picture = Image.new("RGB", (3 * SHEET_CELL + 4 * SHEET_GUTTER, 2 * SHEET_CELL + 3 * SHEET_GUTTER))
    picture.paste(tuple(int(level) for level in config.background), (0, 0, *picture.size))
    for index, cell in enumerate(cells):
        row, column = divmod(index, 3)
        small = Image.fromarray(cell).resize((SHEET_CELL, SHEET_CELL), Image.Resampling.LANCZOS)
        pitch = SHEET_CELL + SHEET_GUTTER
        picture.paste(small, (SHEET_GUTTER + column * pitch, SHEET_GUTTER + row * pitch))
    return np.asarray(picture)


def species_cell(species: str, number: int, *, config: RenderingConfig) -> np.ndarray:
    """A bird of one species with its most telling part outlined, uint8 (480, 480, 3)."""
    keys = [SEED, 100 + list(SHEETS).index(species), number]
    image, region, box = _outlined(species, SHEETS[species], keys, whole_part=True)
    hull = region_hull(np.where(region, 0.0, 1.0), box)
    return render_cell(image, hull=hull, components=region, config=config)


def plain_bird(species: str) -> np.ndarray:
    """A bird that no sheet shows, without any mark, uint8 (480, 480, 3)."""
    keys = [SEED, 100 + list(SHEETS).index(species), 7]
    return draw_bird(species, generator=np.random.default_rng(keys), size=SIDE).image


def _outlined(
    species: str, part: Part | None, keys: Sequence[int], *, whole_part: bool
) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int, int]]:
    """A bird cut to (480, 480, 3), its region as bool (480, 480), and the region's box in pixels."""
    # Equal generators draw the same bird at any size, so the first drawing tells how large the second has to be.
    region = _region(draw_bird(species, generator=np.random.default_rng(keys), size=SIDE), part, whole_part, keys)
    rows, columns = np.nonzero(region)
    extent = max(np.ptp(rows), np.ptp(columns)) / SIDE
    enlargement = float(np.clip(_REGION_SHARE / extent, 1.0, 3.0))
    side = round(SIDE * enlargement)
    bird = draw_bird(species, generator=np.random.default_rng(keys), size=side)
    if whole_part and part is not None:
        region = bird.parts[part]
    else:
        region = np.asarray(Image.fromarray(region).resize((side, side), Image.Resampling.NEAREST))
    window = _window(region, np.random.default_rng([*keys, 1]))
    image, region = bird.image[window], region[window]
    rows, columns = np.nonzero(region)
    return image, region, (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def _region(bird: BirdDrawing, part: Part | None, whole_part: bool, keys: Sequence[int]) -> np.ndarray:
    """The true part, or a round region around a random pixel of the part or beside the bird; bool (SIDE, SIDE)."""
    if whole_part and part is not None:
        return bird.parts[part]
    generator = np.random.default_rng([*keys, 2])
    radius = generator.uniform(0.08, 0.12) * SIDE
    rows, columns = np.mgrid[:SIDE, :SIDE]
    allowed = ~np.any(list(bird.parts.values()), axis=0) if part is None else bird.parts[part]
    inner = (np.minimum(rows, columns) > radius) & (np.maximum(rows, columns) < SIDE - radius)
    middles = generator.permutation(np.flatnonzero(allowed & inner))[:_TRIES]
    if not len(middles):
        raise ValueError(f"No room for a region of {part or 'the background'}; choose another seed.")
    regions = [np.hypot(rows - middle // SIDE, 0.8 * (columns - middle % SIDE)) < radius for middle in middles]
    return max(regions, key=lambda region: float(allowed[region].mean()))


def _window(region: np.ndarray, generator: np.random.Generator) -> tuple[slice, slice]:
    """A random window of SIDE × SIDE pixels that holds the region."""
    slices = []
    for axis in (0, 1):
        reached = np.flatnonzero(region.any(axis=1 - axis))
        lowest = max(0, int(reached[-1]) + 1 + _MARGIN - SIDE)
        highest = min(region.shape[axis] - SIDE, int(reached[0]) - _MARGIN)
        start = lowest if highest <= lowest else int(generator.integers(lowest, highest + 1))
        start = min(start, region.shape[axis] - SIDE)
        slices.append(slice(start, start + SIDE))
    return slices[0], slices[1]


def practice_pictures(*, config: RenderingConfig) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name, without suffix, and the pixels of every picture."""
    for name, parts in SETS.items():
        cells = [practice_picture(name, number, config=config) for number in range(1, len(parts) + 1)]
        yield from ((f"{name}-{number}", cell) for number, cell in enumerate(cells, start=1))
        yield f"{name}-sheet", sheet(cells, config=config)
    for name in CROPPED:
        yield from ((f"{name}-crop-{number}", practice_crop(name, number)) for number in range(1, 7))
    for species in SHEETS:
        cells = [species_cell(species, number, config=config) for number in range(1, 7)]
        yield f"{species}-sheet", sheet(cells, config=config)
        yield f"{species}-bird", plain_bird(species)


def write_practice_pictures(directory: Path | str, *, config: RenderingConfig) -> list[Path]:
    """Write ``<name>.webp``, and ``<name>.jpg`` for browsers without WebP; files of the same names are replaced."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in practice_pictures(config=config):
        path, fallback = directory / f"{name}.webp", directory / f"{name}.jpg"
        path.write_bytes(encode_webp(picture, quality=config.quality))
        Image.fromarray(picture).save(fallback, "JPEG", quality=JPEG_QUALITY, optimize=True)
        written += [path, fallback]
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: one argument, the directory to write to."""
    parser = argparse.ArgumentParser(prog="python -m vsum_core.synthetic.practice", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the pictures go; made when missing")
    write_practice_pictures(parser.parse_args(arguments).directory, config=RenderingConfig())


if __name__ == "__main__":
    main()
