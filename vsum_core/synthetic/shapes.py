"""Outlines in the plane, as float arrays (n, 2) of [x, y] with y downwards; lengths in body lengths, angles in degrees.

An angle of 0 points to the right (where a bird looks), 90 down, 180 back and 270 up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Colour = tuple[int, int, int]

_TURNS = np.linspace(0, 2 * np.pi, 40, endpoint=False)
_CIRCLE = np.cos(_TURNS), np.sin(_TURNS)


def colour(code: str) -> Colour:
    """Turn ``#rrggbb`` into three numbers from 0 to 255.

    Raises:
        ValueError: the text has another form.
    """
    digits = code.removeprefix("#")
    if len(digits) != 6:
        raise ValueError(f"A colour is written #rrggbb, but this one is {code!r}.")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def toned(base: Colour, factor: float) -> Colour:
    """Darker (factor below 1, towards a cool black) or lighter (above 1, towards a warm white)."""
    if factor <= 1:
        target, share = (22, 24, 44), 1 - factor
    else:
        target, share = (255, 252, 238), min(factor - 1, 1.0)
    red, green, blue = (round(part + (goal - part) * share) for part, goal in zip(base, target, strict=True))
    return red, green, blue


def direction(angle: float) -> np.ndarray:
    """Unit vector of an angle."""
    radians = np.deg2rad(angle)
    return np.array([np.cos(radians), np.sin(radians)])


def rotated(points: np.ndarray, angle: float) -> np.ndarray:
    """Turn points around the origin, clockwise as seen on the screen."""
    forward = direction(angle)
    turned: np.ndarray = points @ np.array([[forward[0], forward[1]], [-forward[1], forward[0]]])
    return turned


def oval(centre: np.ndarray, radius_x: float, radius_y: float, *, angle: float = 0.0, taper: float = 0.0) -> np.ndarray:
    """Ellipse; a positive ``taper`` (below 1) makes it an egg whose thick end lies at ``angle``."""
    cosine, sine = _CIRCLE
    points = np.stack([radius_x * cosine, radius_y * sine * (1 + taper * cosine)], axis=1)
    outline: np.ndarray = rotated(points, angle) + centre
    return outline


def leaf(root: np.ndarray, angle: float, length: float, width: float) -> np.ndarray:
    """A feather: narrow at the root, widest past the middle, with a round tip."""
    along = np.array([0.0, 0.08, 0.2, 0.35, 0.5, 0.65, 0.78, 0.88, 0.94, 0.98, 1.0])
    half = 0.5 * width * np.array([0.35, 0.48, 0.66, 0.84, 0.96, 1.0, 0.95, 0.82, 0.64, 0.38, 0.0])
    upper = np.stack([along * length, -half], axis=1)
    lower = np.stack([along * length, half], axis=1)[-2::-1]
    outline: np.ndarray = rotated(np.concatenate([upper, lower]), angle) + root
    return outline


def beside(point: np.ndarray, right: float, down: float) -> np.ndarray:
    """The point moved by two distances."""
    moved: np.ndarray = point + np.array([right, down])
    return moved


def curve(controls: Sequence[Sequence[float] | np.ndarray] | np.ndarray, count: int = 24) -> np.ndarray:
    """Points on the Bézier curve of three or four control points."""
    points = np.asarray(controls, dtype=np.float64)
    position = np.linspace(0, 1, count)[:, None]
    while len(points) > 1:
        # De Casteljau: from n control points (or n paths) to n - 1, until one path is left.
        paths = points if points.ndim == 3 else points[:, None, :]
        points = paths[:-1] * (1 - position) + paths[1:] * position
    path: np.ndarray = points[0]
    return path


def ribbon(centreline: np.ndarray, widths: Sequence[float] | np.ndarray) -> np.ndarray:
    """Band around a path; ``widths`` are spread evenly along its points and its ends are rounded."""
    place = np.linspace(0, 1, len(centreline))
    half = 0.5 * np.interp(place, np.linspace(0, 1, len(widths)), widths)[:, None]
    along = np.gradient(centreline, axis=0)
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    front = centreline[-1] + half[-1] * 0.7 * along[-1]
    back = centreline[0] - half[0] * 0.7 * along[0]
    left, right = centreline - half * across, centreline + half * across
    return np.concatenate([left, front[None], right[::-1], back[None]])
