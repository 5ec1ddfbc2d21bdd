"""Figures beyond naming: the flow of participants, dependence on choices, and the other tasks."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from analysis.answers import ARMS
from analysis.drawing import (
    ARM_COLOURS,
    INK,
    NETWORK_COLOURS,
    QUIET,
    WIDTH,
    axes_for_rows,
    draw_point,
    label_at_right,
    label_rows,
)
from analysis.estimates import Estimate
from analysis.evaluation import Evaluation
from analysis.selection import RULE_WORDS
from analysis.wording import ARM_WORDS, STATISTIC_WORDS, counted, estimate_text

LEVEL_WORDS = {
    "raw": "L0, as typed",
    "l1": "L1, writing",
    "l2": "L2, number and spelling",
    "l3": "L3, synonyms",
    "l4": "L4, coders",
}
BOX_HEIGHT, BOX_GAP = 0.62, 0.38


def flow_figure(evaluation: Evaluation) -> Figure | None:
    """Participants from the invited to the analysed, with those left out at the side, after CONSORT 2010."""
    flow = dict(evaluation.selection.flow)
    if not flow.get("consented"):
        return None
    withdrew, excluded = flow.pop("withdrew"), flow.pop("excluded")
    steps = list(flow.items())
    reasons = [
        f"{RULE_WORDS[rule]}: {first}" + (f" (all failures: {everyone})" if everyone != first else "")
        for rule, first, everyone in evaluation.selection.exclusions.counts().itertuples(index=False, name=None)
        if everyone
    ]
    side = [f"left out: {excluded}", *reasons] if excluded else ["nobody left out"]
    if withdrew:
        side.append(f"of these, withdrew: {withdrew}")
    height = len(steps) * (BOX_HEIGHT + BOX_GAP)
    figure = Figure(figsize=(WIDTH, max(height, 0.22 * len(side) + 1.2)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(-height, 0.1)
    for number, (step, count) in enumerate(steps):
        top = -number * (BOX_HEIGHT + BOX_GAP)
        _box(axes, (0.1, top - BOX_HEIGHT, 2.6, BOX_HEIGHT), [f"{step}: {count}"], bold=step == "analysed")
        if number + 1 < len(steps):
            _arrow(axes, (1.4, top - BOX_HEIGHT), (1.4, top - BOX_HEIGHT - BOX_GAP))
    turn = -(len(steps) - 1) * (BOX_HEIGHT + BOX_GAP) + BOX_GAP / 2
    tall = 0.24 * len(side) + 0.2
    _arrow(axes, (1.4, turn), (3.3, turn))
    _box(axes, (3.3, min(-tall, turn - tall / 2), 4.0, tall), side)
    return figure


def _box(axes: Axes, place: tuple[float, float, float, float], lines: Sequence[str], *, bold: bool = False) -> None:
    left, bottom, width, height = place
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch((left, bottom), width, height, boxstyle=style, fill=False, edgecolor=QUIET))
    axes.text(
        left + 0.14,
        bottom + height / 2,
        "\n".join(lines),
        va="center",
        ha="left",
        color=INK,
        fontweight="bold" if bold else "normal",
    )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": QUIET, "shrinkA": 0, "shrinkB": 0})


def levels_figure(evaluation: Evaluation) -> Figure | None:
    """The agreement measures at every level of names."""
    frame = evaluation.level_sensitivity
    rows = frame[frame["statistic"] != "distinct_names"].to_dict("records")
    if not rows:
        return None
    statistics = list(dict.fromkeys(str(row["statistic"]) for row in rows))
    levels = list(dict.fromkeys(str(row["choice"]) for row in rows))
    shown = [statistic for statistic in statistics if "entropy" not in statistic]  # bits do not fit a scale to 1
    figure, axes = axes_for_rows(len(shown) * (0.55 * len(levels) + 0.6))
    positions, lowest = [], 0.0
    for number, statistic in enumerate(shown):
        start = number * (0.55 * len(levels) + 0.6)
        for step, level in enumerate(levels):
            found = next(row["estimate"] for row in rows if (row["statistic"], row["choice"]) == (statistic, level))
            estimate: Estimate = found
            y = start + 0.55 * step
            used = level == evaluation.inference_options.name_level
            draw_point(axes, estimate, y, colour=NETWORK_COLOURS[step % len(NETWORK_COLOURS)], size=8 if used else 5)
            label_at_right(axes, y, f"{LEVEL_WORDS[level]}: {estimate_text(estimate)}", INK if used else QUIET)
            lowest = min(lowest, estimate.low or 0.0, estimate.value or 0.0)
        positions.append(start + 0.55 * (len(levels) - 1) / 2)
    axes.set_xlim(lowest, 1)
    axes.set_xlabel("agreement; the large points are the level that is reported")
    label_rows(axes, [STATISTIC_WORDS[statistic].partition(",")[0] for statistic in shown], positions)
    axes.set_ylim(positions[-1] + 0.55 * len(levels), -0.7)
    return figure


def task_figure(evaluation: Evaluation, statistic: str, words: str, *, share: bool) -> Figure | None:
    """One statistic of a task by arm, and by network where there are several."""
    results = evaluation.tasks.results
    rows: list[tuple[str, Estimate, str]] = []
    for arm in ARMS:
        overall = results.get(statistic, arm=arm)
        if not overall.defined:
            continue
        rows.append((ARM_WORDS[arm], overall, ARM_COLOURS[arm]))
        own = [result for result in results if result.statistic == statistic and dict(result.group).get("arm") == arm]
        networks = [result for result in own if result.scope == "network" and result.estimate.defined]
        for result in networks if len(networks) > 1 else ():
            rows.append((f"\u2003{dict(result.group)['network']}", result.estimate, ARM_COLOURS[arm]))
    if not rows:
        return None
    figure, axes = axes_for_rows(len(rows))
    for position, (label, estimate, colour) in enumerate(rows):
        total = not label.startswith("\u2003")
        draw_point(axes, estimate, position, colour=colour, scale=100 if share else 1, size=8 if total else 5)
        label_at_right(axes, position, estimate_text(estimate, share=share))
    if share:
        axes.set_xlim(0, 100)
    axes.set_xlabel(words)
    label_rows(axes, [label for label, _, _ in rows], range(len(rows)))
    return figure


def coherence_figure(evaluation: Evaluation) -> Figure | None:
    """Mean ratings of coherence."""
    return task_figure(evaluation, "coherence_mean", "mean rating", share=False)


def intruder_figure(evaluation: Evaluation) -> Figure | None:
    """Model precision of the intruder task; the dashed line is chance."""
    figure = task_figure(evaluation, "intruder_precision", "people who found the intruder (%)", share=True)
    answers = evaluation.selection.answers
    chance = answers.loc[answers["task"] == "intruder", "chance"].dropna()
    if figure is not None and len(chance):
        figure.axes[0].axvline(100 * float(chance.mean()), color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    return figure


def predict_figure(evaluation: Evaluation) -> Figure | None:
    """Right predictions of the network's answers."""
    return task_figure(evaluation, "predict_accuracy", "right predictions (%)", share=True)


def compare_figure(evaluation: Evaluation) -> Figure | None:
    """How often each set of summaries would be chosen, all classes together."""
    overall = [item for item in evaluation.tasks.comparisons if not item.label and not item.model.reason]
    rows = [(str(item), found.model.shares[item], found) for found in overall for item in found.model.items]
    if not rows:
        return None
    figure, axes = axes_for_rows(len(rows))
    for position, (_, estimate, _) in enumerate(rows):
        draw_point(axes, estimate, position, colour=ARM_COLOURS["summaries"], scale=100, size=7)
        label_at_right(axes, position, estimate_text(estimate, share=True))
    axes.set_xlim(0, 100)
    axes.set_xlabel("would be chosen (%)")
    label_rows(axes, [f"{label} ({found.factor})" for label, _, found in rows], range(len(rows)))
    return figure


def calibration_figure(evaluation: Evaluation) -> Figure | None:
    """Share of right answers at each confidence, one line per task."""
    calibrations = evaluation.tasks.calibrations
    if not calibrations:
        return None
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for number, (task, found) in enumerate(calibrations.items()):
        colour = NETWORK_COLOURS[number % len(NETWORK_COLOURS)]
        steps = found.steps
        axes.plot(steps["confidence"], 100 * steps["accuracy"], "o-", color=colour, linewidth=1.4)
        axes.vlines(steps["confidence"], 100 * steps["low"], 100 * steps["high"], color=colour, alpha=0.6)
        last = steps.iloc[-1]
        axes.annotate(
            f"{task} ({counted(int(steps['answers'].sum()), 'answer')})",
            (float(last["confidence"]), 100 * float(last["accuracy"])),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    axes.set_ylim(0, 100)
    axes.set_xticks(sorted({float(step) for found in calibrations.values() for step in found.steps["confidence"]}))
    axes.set_xlabel("confidence, 1 guessing to 5 certain")
    axes.set_ylabel("right answers (%)")
    return figure
