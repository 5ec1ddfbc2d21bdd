"""Pictures for practice trials: regions of drawn birds, outlined as in the study.

``python -m vsum_core.synthetic.practice study/static/study/practice`` writes three sets of six WebP pictures. All six
of ``beak`` show a beak, all six of ``wing`` a wing; those of ``mixed`` have no part in common.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
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
}
"""Part that each picture of a set shows; None is a place beside the bird."""

SIDE = 480
"""Pixels of the square pictures."""

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
    whole_part = set_name != "mixed"
    keys = [SEED, list(SETS).index(set_name), number]
    species = list(SPECIES)[sum(keys[1:]) % len(SPECIES)]
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
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    hull = region_hull(np.where(region, 0.0, 1.0), box)
    return render_cell(image, hull=hull, components=region, config=config)


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


def write_practice_pictures(directory: Path | str, *, config: RenderingConfig) -> list[Path]:
    """Write ``<set>-<number>.webp`` for all sets; files of the same names are replaced."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for set_name, parts in SETS.items():
        for number in range(1, len(parts) + 1):
            path = directory / f"{set_name}-{number}.webp"
            picture = practice_picture(set_name, number, config=config)
            path.write_bytes(encode_webp(picture, quality=config.quality))
            written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: one argument, the directory to write to."""
    parser = argparse.ArgumentParser(prog="python -m vsum_core.synthetic.practice", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the pictures go; made when missing")
    write_practice_pictures(parser.parse_args(arguments).directory, config=RenderingConfig())


if __name__ == "__main__":
    main()
