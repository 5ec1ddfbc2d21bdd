"""Geometry of the monitor's drawings: numbers in, coordinates out. Templates draw them as SVG, without scripts."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """A line with its interval in a box of `width` × `height`: `line` and `area` are SVG point lists."""

    width: int
    height: int
    line: str
    area: str
    ticks: tuple[tuple[float, str], ...]
    last_x: float
    last_y: float
    labels: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Bar:
    """One bar: its box, and what it stands for in words."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


def band(points: Sequence[Sequence[float]], *, width: int = 640, height: int = 200) -> Band | None:
    """Return the line of `[x, value, low, high]` points, values from 0 to 1; None for fewer than two points."""
    if len(points) < 2:
        return None
    largest = points[-1][0]
    xs = [width * point[0] / largest for point in points]

    def y(value: float) -> float:
        return height * (1.0 - value)

    line = " ".join(f"{x:.1f},{y(point[1]):.1f}" for x, point in zip(xs, points, strict=True))
    upper = [f"{x:.1f},{y(point[3]):.1f}" for x, point in zip(xs, points, strict=True)]
    lower = [f"{x:.1f},{y(point[2]):.1f}" for x, point in zip(xs, points, strict=True)]
    return Band(
        width=width,
        height=height,
        line=line,
        area=" ".join(upper + lower[::-1]),
        ticks=tuple((y(value), f"{value:.0%}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)),
        last_x=xs[-1],
        last_y=y(points[-1][1]),
        labels=tuple((width * share, f"{int(largest * share):,}") for share in (0.25, 0.5, 0.75, 1.0)),
    )


def bars(
    values: Sequence[tuple[str, int]], *, width: int = 640, height: int = 120, gap: float = 0.15
) -> tuple[Bar, ...]:
    """Return one bar per labelled count, left to right; the largest fills the height."""
    if not values:
        return ()
    largest = max(1, *(value for _label, value in values))
    step = width / len(values)
    return tuple(
        Bar(
            x=index * step + step * gap / 2,
            y=height - height * value / largest,
            width=step * (1 - gap),
            height=height * value / largest,
            label=label,
            value=value,
        )
        for index, (label, value) in enumerate(values)
    )


def shade(value: float, middle: float) -> int:
    """Return a step from −3 (far below the middle) to 3 (far above) for a cell of a heat map; 0 within 5 %."""
    if middle <= 0:
        return 0
    deviation = value / middle - 1.0
    step = sum(abs(deviation) > bound for bound in (0.05, 0.15, 0.35))
    return step if deviation > 0 else -step
