"""How figures are drawn: one style, colour-blind safe, labelled directly, as SVG or PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from analysis.estimates import Estimate

INK = "#23262b"
QUIET = "#8a8f98"
ARM_COLOURS = {
    "summaries": "#0072b2",
    "random-regions": "#d55e00",
    "shuffled-clusters": "#009e73",
    "whole-images": "#b0609a",
}
"""Okabe and Ito's palette: apart for every kind of colour vision, and readable on white and on near black."""
NETWORK_COLOURS = ("#00876c", "#9a5fb5", "#9c7200", "#3f7fbf", "#c2506b", "#6b7a8f")
"""Other hues than the arms have, so that a colour means one thing on the page."""
WIDTH = 7.4
INDENT = "\u2003"
LONGEST_LABEL = 52
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
}


def to_svg(figure: Figure, name: str) -> str:
    """Render a figure as SVG text: reproducible, text as text, no duplicate ids when several share a page."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    return re.sub(r' id="[a-z]+[A-Za-z]*_\d+"', "", svg)


def for_page(svg: str) -> str:
    """The same SVG to stand in a page, whose ink and ground it takes over, in light and in dark."""
    return svg.replace(INK, "currentColor").replace("fill: #ffffff", "fill: none")


def to_png(figure: Figure) -> bytes:
    """Render a figure as PNG, twice the size of the screen, for slides and word processors."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def axes_for_rows(rows: float, *, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure as high as its rows need, with one pair of axes."""
    figure = Figure(figsize=(width, 0.75 + 0.3 * rows), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    return figure, axes


def draw_point(axes: Axes, estimate: Estimate, y: float, *, colour: str, scale: float = 1.0, size: float = 6) -> None:
    """A point and its interval; nothing where the estimate is undefined."""
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        bounds = [estimate.low * scale, estimate.high * scale]
        axes.plot(bounds, [y, y], color=colour, linewidth=2.2, solid_capstyle="round", alpha=0.75)
    axes.plot([estimate.value * scale], [y], "o", color=colour, markersize=size)


def label_at_right(axes: Axes, y: float, text: str, colour: str = INK) -> None:
    """Text to the right of a row."""
    axes.annotate(text, (1.0, y), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
                  va="center", ha="left", color=colour, annotation_clip=False)  # fmt: skip


def label_rows(axes: Axes, labels: Sequence[str], positions: Sequence[float]) -> None:
    """Labels of rows at the left, without ticks; the first row on top."""
    axes.set_yticks(list(positions), labels=list(labels))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(max(positions) + 0.7, min(positions) - 0.7)
    axes.grid(axis="x", color=QUIET, alpha=0.25, linewidth=0.6)


def network_colour(network: str, networks: Sequence[str]) -> str:
    """The colour of a network, the same in every figure."""
    return NETWORK_COLOURS[sorted(networks).index(network) % len(NETWORK_COLOURS)]
