"""Figures of the naming study: intervals always drawn, labelled directly."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.drawing import (
    ARM_COLOURS,
    INDENT,
    INK,
    LONGEST_LABEL,
    QUIET,
    WIDTH,
    axes_for_rows,
    draw_point,
    label_at_right,
    label_rows,
    network_colour,
)
from analysis.estimates import Estimate
from analysis.evaluation import Evaluation
from analysis.intervals import t_mean
from analysis.wording import ARM_WORDS, NOTHING, STATISTIC_WORDS, estimate_text, percent, value_text

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
    figure, axes = axes_for_rows(positions[-1] + 1)
    for y, (label, estimate, colour) in zip(positions, rows, strict=True):
        total = not label.startswith(INDENT)
        draw_point(axes, estimate, y, colour=colour, scale=100, size=8 if total else 5)
        label_at_right(axes, y, estimate_text(estimate, share=True))
    axes.set_xlim(0, 100)
    axes.axvline(50, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlabel("answers that give a name (%)")
    label_rows(axes, [label for label, _, _ in rows], positions)
    for tick, (label, _, _) in zip(axes.get_yticklabels(), rows, strict=True):
        if not label.startswith(INDENT):
            tick.set_fontweight("bold")
    return figure


def agreement_figure(evaluation: Evaluation) -> Figure | None:
    """Agreement measures side by side, summaries against random regions."""
    arms = [arm for arm in ("summaries", "random-regions") if arm in set(evaluation.answers.units["arm"])]
    if not arms:
        return None
    figure, axes = axes_for_rows(len(AGREEMENT_SHOWN) * 1.25)
    lowest = 0.0
    for number, arm in enumerate(arms):
        for position, statistic in enumerate(AGREEMENT_SHOWN):
            estimate = evaluation.results.get(statistic, arm=arm)
            lowest = min(lowest, estimate.low or 0.0, estimate.value or 0.0)
            draw_point(axes, estimate, position + 0.26 * number, colour=ARM_COLOURS[arm])
            label_at_right(axes, position + 0.36 * number - 0.05, estimate_text(estimate), ARM_COLOURS[arm])
    axes.set_xlim(np.floor(lowest * 10) / 10, 1)
    axes.set_xlabel("agreement (1 = all say the same)")
    words = [STATISTIC_WORDS[statistic] for statistic in AGREEMENT_SHOWN]
    label_rows(axes, words, range(len(words)))
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
    figure, axes = axes_for_rows(len(rows) * 0.85 + 1)
    positions = _with_gaps([label for label, _, _ in rows])
    for (_, network, cell), y in zip(rows, positions, strict=True):
        colour = network_colour(network, networks)
        if cell is None:
            values = cells.loc[cells["network"] == network, "distinct_names"].dropna().to_numpy(dtype=float)
            estimate = t_mean(values, level=evaluation.inference_options.level)
            draw_point(axes, estimate, y, colour=colour, size=7)
            label_at_right(axes, y, f"{network}: {estimate_text(estimate, digits=1)}", colour)
            continue
        _counts(axes, cell, y, colour)
        names = ", ".join(name for name, _, _ in cell["names"])
        label_at_right(axes, y, textwrap.shorten(names, LONGEST_LABEL, placeholder=" …") or NOTHING, colour)
    axes.set_xlim(0, max(1, int(cells["summaries"].max())) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("|\u2002summaries found\u2003\u2003○\u2002nameable\u2003\u2003●\u2002distinct consensus names")
    firsts = [(label, y) for (label, _, _), y in zip(rows, positions, strict=True)]
    groups = pd.DataFrame(firsts, columns=["label", "y"]).groupby("label", sort=False)["y"].mean()
    label_rows(axes, [str(label) for label in groups.index], groups.tolist())
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
        label_rows(axes, labels or [""] * len(networks), range(len(networks)))
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
        draw_point(axes, estimate, row, colour=network_colour(network, networks), size=7)
        if estimate.defined:
            axes.annotate(value_text(estimate, digits=1), (estimate.value, row), xytext=(0, 7),
                          textcoords="offset points", ha="center", fontsize=8)  # fmt: skip


def behaviour_figure(evaluation: Evaluation) -> Figure | None:
    """Median answer times by task and arm."""
    rows = evaluation.behaviour[evaluation.behaviour["measure"] == "median time (s)"].to_dict("records")
    if not rows:
        return None
    figure, axes = axes_for_rows(len(rows))
    for position, row in enumerate(rows):
        estimate: Estimate = row["estimate"]
        draw_point(axes, estimate, position, colour=ARM_COLOURS.get(str(row["arm"]), INK), size=7)
        label_at_right(axes, position, f"{estimate_text(estimate, digits=1)} s")
    axes.set_xlim(left=0)
    axes.set_xlabel("median time to answer (s)")
    label_rows(axes, [f"{row['task']}, {ARM_WORDS.get(row['arm'], row['arm'])}" for row in rows], range(len(rows)))
    return figure
