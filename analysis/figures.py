"""Figures as SVG text, in one style: colour-blind safe, labelled directly, intervals always drawn."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.estimates import Estimate
from analysis.evaluation import Evaluation
from analysis.intervals import t_mean
from analysis.wording import ARM_WORDS, NOTHING, STATISTIC_WORDS, estimate_text, percent, value_text

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
AGREEMENT_SHOWN = (
    "pairwise_agreement_named",
    "pairwise_agreement_all",
    "modal_share_named",
    "modal_share_all",
    "krippendorff_alpha_named",
    "gwet_ac1_named",
    "fleiss_kappa_named",
)
COUNTED = (("summaries", "summaries"), ("nameable", "nameable summaries"), ("distinct_names", "distinct names"))


def all_figures(evaluation: Evaluation) -> dict[str, str]:
    """Every figure that the data allow, by name, as SVG text."""
    makers: dict[str, Callable[[Evaluation], Figure | None]] = {
        "nameability": nameability_figure,
        "agreement": agreement_figure,
        "parts": parts_figure,
        "networks": networks_figure,
        "behaviour": behaviour_figure,
    }
    figures = {}
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        for name, make in makers.items():
            figure = make(evaluation)
            if figure is not None:
                figures[name] = to_svg(figure, name)
    return figures


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


def _axes(rows: float, *, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, 0.75 + 0.3 * rows), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    return figure, axes


def _point(axes: Axes, estimate: Estimate, y: float, *, colour: str, scale: float = 1.0, size: float = 6) -> None:
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        bounds = [estimate.low * scale, estimate.high * scale]
        axes.plot(bounds, [y, y], color=colour, linewidth=2.2, solid_capstyle="round", alpha=0.75)
    axes.plot([estimate.value * scale], [y], "o", color=colour, markersize=size)


def _right_label(axes: Axes, y: float, text: str, colour: str = INK) -> None:
    axes.annotate(text, (1.0, y), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
                  va="center", ha="left", color=colour, annotation_clip=False)  # fmt: skip


def _bare_rows(axes: Axes, labels: Sequence[str], positions: Sequence[float]) -> None:
    axes.set_yticks(list(positions), labels=list(labels))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(max(positions) + 0.7, min(positions) - 0.7)
    axes.grid(axis="x", color=QUIET, alpha=0.25, linewidth=0.6)


def nameability_figure(evaluation: Evaluation) -> Figure | None:
    """Share of answers that give a name, by arm and network."""
    units = evaluation.answers.units
    if units.empty:
        return None
    rows: list[tuple[str, Estimate, str]] = []
    networks = sorted(units["network"].unique())
    for arm in (arm for arm in ARM_COLOURS if arm in set(units["arm"])):
        rows.append((ARM_WORDS[arm], evaluation.results.get("nameability", arm=arm), ARM_COLOURS[arm]))
        if len(networks) > 1:
            for network in networks:
                estimate = evaluation.results.get("nameability", arm=arm, network=network)
                rows.append((f"{INDENT}{network}", estimate, ARM_COLOURS[arm]))
    positions = [row + 0.5 * sum(not label.startswith(INDENT) for label, _, _ in rows[1 : row + 1])
                 for row in range(len(rows))]  # fmt: skip
    figure, axes = _axes(positions[-1] + 1)
    for y, (label, estimate, colour) in zip(positions, rows, strict=True):
        total = not label.startswith(INDENT)
        _point(axes, estimate, y, colour=colour, scale=100, size=8 if total else 5)
        _right_label(axes, y, estimate_text(estimate, share=True))
    axes.set_xlim(0, 100)
    axes.axvline(50, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlabel("answers that give a name (%)")
    _bare_rows(axes, [label for label, _, _ in rows], positions)
    for tick, (label, _, _) in zip(axes.get_yticklabels(), rows, strict=True):
        if not label.startswith(INDENT):
            tick.set_fontweight("bold")
    return figure


def agreement_figure(evaluation: Evaluation) -> Figure | None:
    """Agreement measures side by side, summaries against random regions."""
    arms = [arm for arm in ("summaries", "random-regions") if arm in set(evaluation.answers.units["arm"])]
    if not arms:
        return None
    figure, axes = _axes(len(AGREEMENT_SHOWN) * 1.25)
    lowest = 0.0
    for number, arm in enumerate(arms):
        for position, statistic in enumerate(AGREEMENT_SHOWN):
            estimate = evaluation.results.get(statistic, arm=arm)
            lowest = min(lowest, estimate.low or 0.0, estimate.value or 0.0)
            _point(axes, estimate, position + 0.26 * number, colour=ARM_COLOURS[arm])
            _right_label(axes, position + 0.36 * number - 0.05, estimate_text(estimate), ARM_COLOURS[arm])
    axes.set_xlim(np.floor(lowest * 10) / 10, 1)
    axes.set_xlabel("agreement (1 = all say the same)")
    words = [STATISTIC_WORDS[statistic] for statistic in AGREEMENT_SHOWN]
    _bare_rows(axes, words, range(len(words)))
    for number, arm in enumerate(arms):
        axes.annotate(ARM_WORDS[arm], (0, 1.0), xycoords="axes fraction", xytext=(90 * number, 6),
                      textcoords="offset points", color=ARM_COLOURS[arm], weight="bold")  # fmt: skip
    return figure


def parts_figure(evaluation: Evaluation) -> Figure | None:
    """Per class and network: summaries, nameable ones, distinct names; on top the mean over classes."""
    cells = evaluation.cells
    if cells.empty:
        return None
    networks = sorted(cells["network"].unique())
    several_methods = cells["method"].nunique() > 1
    rows: list[tuple[str, str, Any]] = [("all classes", network, None) for network in networks]
    for cell in cells.sort_values(["class", "method", "network"]).to_dict("records"):
        label = f"{cell['class']} ({cell['method']})" if several_methods else str(cell["class"])
        rows.append((label, str(cell["network"]), cell))
    figure, axes = _axes(len(rows) * 0.85 + 1)
    positions = _with_gaps([label for label, _, _ in rows])
    for (_, network, cell), y in zip(rows, positions, strict=True):
        colour = _network_colour(network, networks)
        if cell is None:
            values = cells.loc[cells["network"] == network, "distinct_names"].dropna().to_numpy(dtype=float)
            estimate = t_mean(values, level=evaluation.inference_options.level)
            _point(axes, estimate, y, colour=colour, size=7)
            _right_label(axes, y, f"{network}: {estimate_text(estimate, digits=1)}", colour)
            continue
        _counts(axes, cell, y, colour)
        names = ", ".join(name for name, _, _ in cell["names"])
        _right_label(axes, y, textwrap.shorten(names, LONGEST_LABEL, placeholder=" …") or NOTHING, colour)
    axes.set_xlim(0, max(1, int(cells["summaries"].max())) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("|\u2002summaries found\u2003\u2003○\u2002nameable\u2003\u2003●\u2002distinct consensus names")
    firsts = [(label, y) for (label, _, _), y in zip(rows, positions, strict=True)]
    groups = pd.DataFrame(firsts, columns=["label", "y"]).groupby("label", sort=False)["y"].mean()
    _bare_rows(axes, [str(label) for label in groups.index], groups.tolist())
    axes.set_ylim(max(positions) + 0.7, min(positions) - 0.7)
    return figure


def _with_gaps(labels: Sequence[str]) -> list[float]:
    positions, y = [], 0.0
    for number, label in enumerate(labels):
        if number and label != labels[number - 1]:
            y += 0.5
        positions.append(y)
        y += 0.8
    return positions


def _counts(axes: Axes, cell: dict[str, Any], y: float, colour: str) -> None:
    axes.plot([0, cell["summaries"]], [y, y], color=colour, linewidth=1, alpha=0.4)
    axes.plot([cell["summaries"]], [y], marker="|", color=colour, markersize=9, markeredgewidth=1.6)
    for column, size, fill in (("nameable", 9, "none"), ("distinct_names", 4.5, colour)):
        if not pd.isna(cell[column]):
            axes.plot([cell[column]], [y], "o", markersize=size, markerfacecolor=fill, markeredgecolor=colour)


def networks_figure(evaluation: Evaluation) -> Figure | None:
    """Counts per class by network, the most accurate on top; thin lines are classes, points means with intervals."""
    cells = evaluation.cells
    accuracy = cells.groupby("network")["network_accuracy"].first()
    networks = sorted(accuracy.index, key=lambda name: (-accuracy.fillna(-1)[name], name))
    if len(networks) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 1.1 + 0.42 * len(networks)), layout="constrained")
    panels = np.ravel(figure.subplots(1, len(COUNTED), sharex=True))
    for axes, (column, words) in zip(panels, COUNTED, strict=True):
        _network_panel(axes, cells, column, networks, evaluation.inference_options.level)
        axes.set_title(words, loc="left", fontsize=9, weight="bold")
        labels = [f"{name} ({percent(_known(accuracy[name]))})" for name in networks] if axes is panels[0] else []
        _bare_rows(axes, labels or [""] * len(networks), range(len(networks)))
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.supxlabel("per class; in brackets the accuracy of the network", fontsize=9)
    return figure


def _known(number: Any) -> float | None:
    return None if pd.isna(number) else float(number)


def _network_panel(axes: Axes, cells: pd.DataFrame, column: str, networks: Sequence[str], level: float) -> None:
    known = cells.dropna(subset=[column])
    for _, own in known.groupby(["class", "method"]):
        rows = sorted(
            (networks.index(name), float(count)) for name, count in zip(own["network"], own[column], strict=True)
        )
        axes.plot([count for _, count in rows], [row for row, _ in rows], color=QUIET, linewidth=0.7, alpha=0.6)
    for row, network in enumerate(networks):
        estimate = t_mean(known.loc[known["network"] == network, column].to_numpy(dtype=float), level=level)
        _point(axes, estimate, row, colour=_network_colour(network, networks), size=7)
        if estimate.defined:
            axes.annotate(value_text(estimate, digits=1), (estimate.value, row), xytext=(0, 7),
                          textcoords="offset points", ha="center", fontsize=8)  # fmt: skip


def _network_colour(network: str, networks: Sequence[str]) -> str:
    return NETWORK_COLOURS[sorted(networks).index(network) % len(NETWORK_COLOURS)]


def behaviour_figure(evaluation: Evaluation) -> Figure | None:
    """Median answer times by task and arm."""
    rows = evaluation.behaviour[evaluation.behaviour["measure"] == "median time (s)"].to_dict("records")
    if not rows:
        return None
    figure, axes = _axes(len(rows))
    for position, row in enumerate(rows):
        estimate: Estimate = row["estimate"]
        _point(axes, estimate, position, colour=ARM_COLOURS.get(str(row["arm"]), INK), size=7)
        _right_label(axes, position, f"{estimate_text(estimate, digits=1)} s")
    axes.set_xlim(left=0)
    axes.set_xlabel("median time to answer (s)")
    _bare_rows(axes, [f"{row['task']}, {ARM_WORDS.get(row['arm'], row['arm'])}" for row in rows], range(len(rows)))
    return figure
