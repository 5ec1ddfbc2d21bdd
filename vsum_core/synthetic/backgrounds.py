"""Places for a bird to stand: sky, meadow, branch, water, hills; pale, so that the bird stands out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from vsum_core.synthetic.shapes import Colour, colour, curve, toned

_COARSE = 6
"""Soft things are painted this many times smaller and enlarged, which is quick and blurs them."""


def background(generator: np.random.Generator, *, side: int, feet: tuple[float, float]) -> Image.Image:
    """A random place, RGB, ``side`` × ``side`` pixels.

    Args:
        generator: source of all randomness.
        side: of the square canvas in pixels.
        feet: (x, y) in pixels where the bird stands; the branch or the ground passes there.
    """
    paint = _PLACES[int(generator.integers(len(_PLACES)))]
    return paint(generator, side, feet)


def _gradient(side: int, top: Colour, bottom: Colour) -> Image.Image:
    share = np.linspace(0, 1, max(2, side))[:, None, None]
    rows = np.array(top) * (1 - share) + np.array(bottom) * share
    return Image.fromarray(np.broadcast_to(np.rint(rows), (len(rows), len(rows), 3)).astype(np.uint8))


def _varied(generator: np.random.Generator, code: str, amount: int = 12) -> Colour:
    red, green, blue = (int(np.clip(part + generator.integers(-amount, amount + 1), 0, 255)) for part in colour(code))
    return red, green, blue


def _blobs(
    generator: np.random.Generator, picture: Image.Image, count: int, tints: list[Colour], band: tuple[float, float]
) -> None:
    draw = ImageDraw.Draw(picture, "RGBA")
    side = picture.width
    for _ in range(count):
        x, y = generator.uniform(-0.05, 1.05) * side, generator.uniform(*band) * side
        radius = generator.uniform(0.04, 0.16) * side
        flat = generator.uniform(0.6, 1.0)
        tint = tints[int(generator.integers(len(tints)))]
        box = (x - radius, y - flat * radius, x + radius, y + flat * radius)
        draw.ellipse(box, fill=(*tint, int(generator.integers(50, 130))))


def _enlarged(coarse: Image.Image, side: int, blur: float) -> Image.Image:
    return coarse.filter(ImageFilter.GaussianBlur(blur)).resize((side, side), Image.Resampling.BICUBIC)


def _sky(generator: np.random.Generator, side: int, feet: tuple[float, float]) -> Image.Image:
    coarse = _gradient(side // _COARSE, _varied(generator, "#a9cfe6"), _varied(generator, "#eef3ea"))
    draw = ImageDraw.Draw(coarse, "RGBA")
    for _ in range(int(generator.integers(2, 5))):
        x, y = generator.uniform(0, 1) * coarse.width, generator.uniform(0.05, 0.85) * coarse.width
        for _ in range(6):
            dx, dy = generator.normal(0, 0.09) * coarse.width, generator.normal(0, 0.018) * coarse.width
            radius = generator.uniform(0.03, 0.085) * coarse.width
            draw.ellipse(
                (x + dx - radius, y + dy - 0.6 * radius, x + dx + radius, y + dy + 0.6 * radius), fill="#fffffb"
            )
    picture = _enlarged(coarse, side, 0.012 * coarse.width)
    sag = generator.uniform(-0.03, 0.03) * side
    wire = curve([(-5, feet[1] - sag), (feet[0], feet[1] + sag), (side + 5, feet[1] - sag)], 20)
    _line(ImageDraw.Draw(picture), wire, _varied(generator, "#6c6f78"), side * 0.012)
    return picture


def _meadow(generator: np.random.Generator, side: int, feet: tuple[float, float]) -> Image.Image:
    coarse = _gradient(side // _COARSE, _varied(generator, "#cfe4ea"), _varied(generator, "#f2efd8"))
    small = coarse.width
    horizon = float(np.clip(feet[1] / side - generator.uniform(0.1, 0.35), 0.35, 0.85))
    ImageDraw.Draw(coarse).rectangle((0, horizon * small, small, small), fill=_varied(generator, "#b7cf95"))
    _blobs(generator, coarse, 14, [colour("#c9dba6"), colour("#a3c184"), colour("#d8e2b4")], (horizon, 1.05))
    _blobs(generator, coarse, 5, [colour("#9dbb93"), colour("#b4cba6")], (horizon - 0.06, horizon))
    picture = _enlarged(coarse, side, 0.02 * small)
    draw = ImageDraw.Draw(picture)
    greens = [_varied(generator, code) for code in ("#8fb26f", "#a4c17d", "#7fa468", "#c3d39a")]
    for _ in range(46):
        x, y = generator.uniform(0, side), side * generator.uniform(min(0.97, horizon + 0.04), 1.04)
        height, lean = side * generator.uniform(0.025, 0.08), side * generator.uniform(-0.03, 0.03)
        blade = curve([(x, y), (x + 0.2 * lean, y - 0.6 * height), (x + lean, y - height)], 6)
        _line(draw, blade, greens[int(generator.integers(4))], side * 0.008)
    petals = [_varied(generator, code) for code in ("#f6f1e4", "#efd27c", "#d9a6c0", "#b3b8dd")]
    for _ in range(int(generator.integers(3, 9))):
        x, y = generator.uniform(0, side), side * generator.uniform(min(0.95, horizon + 0.06), 1.0)
        _flower(draw, x, y, side * generator.uniform(0.008, 0.014), petals[int(generator.integers(4))])
    return picture


def _flower(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, tint: Colour) -> None:
    for turn in np.linspace(0, 2 * np.pi, 5, endpoint=False):
        px, py = x + 1.1 * radius * np.cos(turn), y + 1.1 * radius * np.sin(turn)
        draw.ellipse((px - radius, py - radius, px + radius, py + radius), fill=tint)
    draw.ellipse((x - 0.8 * radius, y - 0.8 * radius, x + 0.8 * radius, y + 0.8 * radius), fill=(226, 178, 84))


def _branch(generator: np.random.Generator, side: int, feet: tuple[float, float]) -> Image.Image:
    coarse = _gradient(side // _COARSE, _varied(generator, "#dfead6"), _varied(generator, "#b9d0b4"))
    _blobs(generator, coarse, 22, [colour("#cfe0bf"), colour("#eef0d2"), colour("#a5c3a0"), colour("#bcd4c8")], (0, 1))
    picture = _enlarged(coarse, side, 0.014 * coarse.width)
    draw = ImageDraw.Draw(picture)
    slope = generator.uniform(-0.09, 0.09) * side
    thick = generator.uniform(0.03, 0.042) * side
    bark = _varied(generator, "#8d7358")
    middle = feet[1] + 0.45 * thick
    path = curve([(-9, middle - slope), (feet[0], middle + 0.02 * side), (side + 9, middle + slope)], 24)
    path[:, 1] += middle - np.interp(feet[0], path[:, 0], path[:, 1])
    _line(draw, path, toned(bark, 0.72), thick)
    _line(draw, path - [0, 0.16 * thick], bark, 0.62 * thick)
    _line(draw, path - [0, 0.32 * thick], toned(bark, 1.25), 0.16 * thick)
    greens = [_varied(generator, code) for code in ("#86ad74", "#9dbf82", "#739b6b")]
    for _ in range(int(generator.integers(6, 12))):
        x, y = path[int(generator.integers(len(path)))]
        _leaf(draw, x, y, generator.uniform(0.05, 0.09) * side, generator.uniform(0, 360), greens)
    return picture


def _leaf(draw: ImageDraw.ImageDraw, x: float, y: float, length: float, turn: float, greens: list[Colour]) -> None:
    ahead = np.array([np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))])
    across = np.array([-ahead[1], ahead[0]])
    root = np.array([x, y])
    tip, middle = root + length * ahead, root + 0.5 * length * ahead
    upper, lower = (
        curve([root, middle + 0.5 * length * across, tip], 9),
        curve([tip, middle - 0.5 * length * across, root], 9),
    )
    tint = greens[int(turn) % len(greens)]
    draw.polygon([tuple(point) for point in np.concatenate([upper, lower])], fill=tint)
    _line(draw, np.stack([root, tip]), toned(tint, 0.8), 0.05 * length)


def _water(generator: np.random.Generator, side: int, feet: tuple[float, float]) -> Image.Image:
    coarse = _gradient(side // _COARSE, _varied(generator, "#e6eef0"), _varied(generator, "#bcd8de"))
    small = coarse.width
    shore = float(np.clip(feet[1] / side - generator.uniform(0.2, 0.45), 0.22, 0.7))
    draw = ImageDraw.Draw(coarse)
    draw.rectangle((0, shore * small, small, small), fill=_varied(generator, "#a9cfd8"))
    _blobs(generator, coarse, 7, [colour("#b7cbb0"), colour("#c6d4b8")], (shore - 0.05, shore - 0.01))
    _blobs(generator, coarse, 8, [colour("#c3e0e4"), colour("#96c3cf")], (shore + 0.08, 1.0))
    picture = _enlarged(coarse, side, 0.014 * small)
    draw = ImageDraw.Draw(picture)
    light, dark = _varied(generator, "#d9edef"), _varied(generator, "#8fbdca")
    for _ in range(26):
        depth = generator.uniform(0.04, 1.0)
        y = side * (shore + depth * (1 - shore))
        x, length = generator.uniform(-0.1, 1.0) * side, side * (0.05 + 0.16 * depth) * generator.uniform(0.6, 1.2)
        dip = 0.05 * length
        ripple = curve([(x, y), (x + 0.3 * length, y - dip), (x + 0.7 * length, y + dip), (x + length, y)], 8)
        _line(draw, ripple, light if generator.uniform() < 0.6 else dark, side * 0.007)
    for ring in (0.2, 0.13):
        box = (feet[0] - ring * side, feet[1] - 0.18 * ring * side, feet[0] + ring * side, feet[1] + 0.22 * ring * side)
        draw.ellipse(box, outline=light, width=max(1, round(side * 0.006)))
    return picture


def _hills(generator: np.random.Generator, side: int, feet: tuple[float, float]) -> Image.Image:
    coarse = _gradient(side // _COARSE, _varied(generator, "#f3dfcf"), _varied(generator, "#f7efdc"))
    small = coarse.width
    draw = ImageDraw.Draw(coarse)
    sun = generator.uniform(0.15, 0.85) * small, generator.uniform(0.1, 0.3) * small
    draw.ellipse(
        (sun[0] - 0.08 * small, sun[1] - 0.08 * small, sun[0] + 0.08 * small, sun[1] + 0.08 * small), fill="#fbf3df"
    )
    picture = _enlarged(coarse, side, 0.012 * small)
    draw = ImageDraw.Draw(picture)
    ground = float(np.clip(feet[1] / side - 0.06, 0.45, 0.93))
    for layer, code in enumerate(("#d9cbd3", "#c2bfcb", "#b4bfb4", "#c6c9a4")):
        level = side * (ground - 0.3 + 0.1 * layer)
        across = np.linspace(0, side, 28)
        phase, pace = generator.uniform(0, 6), generator.uniform(1.2, 2.6)
        wave = 0.05 * side * np.sin(across / side * pace * np.pi + phase) * (1 - 0.18 * layer)
        ridge = np.stack([across, level + wave], axis=1)
        outline = np.concatenate([ridge, [[side, side], [0, side]]])
        draw.polygon([tuple(point) for point in outline], fill=_varied(generator, code, 8))
    stones = [_varied(generator, code) for code in ("#b3b58f", "#d6d6b6", "#a9a98a")]
    for number in range(20):
        x, y = generator.uniform(0, side), side * generator.uniform(min(0.96, ground + 0.05), 1.0)
        radius = side * generator.uniform(0.004, 0.014)
        draw.ellipse((x - 1.5 * radius, y - 0.7 * radius, x + 1.5 * radius, y + 0.7 * radius), fill=stones[number % 3])
    return picture


def _line(draw: ImageDraw.ImageDraw, points: np.ndarray, tint: Colour, width: float) -> None:
    draw.line([(float(x), float(y)) for x, y in points], fill=tint, width=max(1, round(width)), joint="curve")


_PLACES: tuple[Callable[[np.random.Generator, int, tuple[float, float]], Image.Image], ...] = (
    _sky,
    _meadow,
    _branch,
    _water,
    _hills,
)
