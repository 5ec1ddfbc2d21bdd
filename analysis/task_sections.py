"""Sections of the report about the tasks beside naming; a study without a task has no section about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.answers import ARMS, MAIN_ARM
from analysis.estimates import Estimate
from analysis.results import Results
from analysis.sheets import Cell, count_cell, estimate_cell, p_cell, sheet
from analysis.task_measures import Comparisons, TaskMeasures
from analysis.wording import ARM_WORDS, counted, estimate_text, p_text, percent


@dataclass(frozen=True)
class TaskSection:
    """One section: the name of its figure, its title, what it says, and its tables with their captions."""

    name: str
    title: str
    words: str
    caption: str
    tables: tuple[tuple[str, dict[str, Any]], ...]


def task_sections(measures: TaskMeasures, answers: pd.DataFrame) -> list[TaskSection]:
    """The sections of the tasks that were asked, in the order of the protocol.

    Args:
        measures: from :func:`analysis.task_measures.measure_tasks`.
        answers: the rows they were computed from.
    """
    asked = set(answers["task"].unique())
    makers = {"coherence": _coherence, "intruder": _intruder, "compare": _compare, "predict": _predict}
    sections = [make(measures, answers) for task, make in makers.items() if task in asked]
    if measures.calibrations:
        sections.append(_calibration(measures))
    return sections


# One task each --------------------------------------------------------------------------------------------------------


def _coherence(measures: TaskMeasures, answers: pd.DataFrame) -> TaskSection:
    results = measures.results
    mean = results.get("coherence_mean", arm=MAIN_ARM)
    alpha = results.get("coherence_alpha", arm=MAIN_ARM)
    words = (
        f"People rated how well the regions of a group show one and the same thing: {estimate_text(mean, digits=1)} "
        f"on average for summaries, with an ordinal α of {estimate_text(alpha)}."
    )
    statistics = {
        "coherence_mean": ("Mean", False),
        "coherence_top_share": ("Upper half of the scale", True),
        "coherence_alpha": ("Ordinal α", False),
        "coherence_ac2": ("AC2, quadratic", False),
    }
    table = _by_group(results, _of(answers, "coherence"), statistics)
    return TaskSection("coherence", "Do the regions belong together?", words, "Mean ratings with intervals.", (table,))


def _intruder(measures: TaskMeasures, answers: pd.DataFrame) -> TaskSection:
    own = _of(answers, "intruder")
    precision = measures.results.get("intruder_precision", arm=MAIN_ARM)
    chance = float(own["chance"].mean()) if own["chance"].notna().any() else None
    words = (
        f"People found the region that did not belong in {estimate_text(precision, share=True)} of the trials of a "
        f"summary; guessing finds it in {percent(chance)}."
    )
    statistics = {
        "intruder_precision": ("Model precision", True),
        "intruder_accuracy": ("Right answers", True),
        "intruder_chance_corrected": ("Above chance (0 to 1)", False),
    }
    tables = [_by_group(measures.results, own, statistics), _by_difficulty(own)]
    caption = "Model precision is the mean over summaries of the share of people who found the intruder."
    return TaskSection("intruder", "Can people tell what does not belong?", words, caption, tuple(tables))


def _compare(measures: TaskMeasures, answers: pd.DataFrame) -> TaskSection:
    overall = [comparison for comparison in measures.comparisons if not comparison.label]
    sentences = [_preferred(comparison) for comparison in overall]
    words = " ".join(["People saw two sets of summaries side by side and chose the better one.", *sentences])
    rows, pairs = [], []
    for comparison in measures.comparisons:
        place = [Cell(comparison.factor), Cell(comparison.label or "all classes")]
        model = comparison.model
        for item in model.items if not model.reason else ():
            shares, ability = model.shares[item], model.abilities[item]
            rows.append([*place, Cell(str(item)), estimate_cell(shares, share=True), estimate_cell(ability)])
        for (first, second), difference in model.differences.items():
            pairs.append([*place, Cell(f"{first} over {second}"), estimate_cell(difference), p_cell(model.p_equal)])
    headings = ["Sides differ in", "Class", "Set", "Would be chosen", "Log worth"]
    preferences = sheet(headings, rows)
    odds = sheet(["Sides differ in", "Class", "Pair", "Log odds", "p, all alike"], pairs)
    caption = "Bradley–Terry model, Davidson's where ties occurred, with an effect of the side."
    return TaskSection(
        "compare", "Which explains a class better?", words, caption, (("", preferences), ("Differences", odds))
    )


def _predict(measures: TaskMeasures, answers: pd.DataFrame) -> TaskSection:
    results = measures.results
    accuracy, utility = results.get("predict_accuracy", arm=MAIN_ARM), results.get("predict_utility", arm=MAIN_ARM)
    words = f"People said what the network answers for a new image: {estimate_text(accuracy, share=True)} were right."
    words += (
        f" With the summaries they were {estimate_text(utility)} times as often right as without (Utility-K)."
        if utility.defined
        else f" Utility-K is undefined: {utility.reason}."
    )
    statistics = {
        "predict_accuracy": ("Right", True),
        "predict_network_right": ("Network right", True),
        "predict_network_wrong": ("Network wrong", True),
        "predict_balanced": ("Mean of the two", True),
        "predict_utility": ("Utility-K", False),
    }
    table = _by_group(results, _of(answers, "predict"), statistics)
    caption = "Who merely recognises the image is right where the network is, and wrong where it errs."
    return TaskSection("predict", "Can people predict the network?", words, caption, (table,))


def _calibration(measures: TaskMeasures) -> TaskSection:
    rows = []
    for task, found in measures.calibrations.items():
        for step in found.steps.to_dict("records"):
            share = Estimate(value=step["accuracy"], n=int(step["answers"]), low=step["low"], high=step["high"])
            confidence = Cell(f"{step['confidence']:g}", float(step["confidence"]), numeric=True)
            rows.append([Cell(task), confidence, count_cell(step["answers"]), estimate_cell(share, share=True)])
    told = [
        f"in the task {task} a right answer was given with more confidence than a wrong one with probability "
        f"{estimate_text(found.discrimination)}"
        for task, found in measures.calibrations.items()
        if found.discrimination.defined
    ]
    words = f"One half is no relation: {'; '.join(told)}." if told else "Too few answers were wrong, or right, to tell."
    table = sheet(["Task", "Confidence", "Answers", "Right"], rows)
    return TaskSection(
        "calibration",
        "Do people know when they are right?",
        words,
        "Share of right answers by confidence.",
        (("", table),),
    )


# Tables ---------------------------------------------------------------------------------------------------------------


def _of(answers: pd.DataFrame, task: str) -> pd.DataFrame:
    return answers[answers["task"] == task]


def _by_group(
    results: Results, own: pd.DataFrame, statistics: dict[str, tuple[str, bool]]
) -> tuple[str, dict[str, Any]]:
    """One row per arm, then per network and per class within each arm where there are several."""
    rows = []
    for arm in (arm for arm in ARMS if (own["arm"] == arm).fillna(False).any()):
        here = own[own["arm"] == arm]
        groups: list[tuple[str, dict[str, str]]] = [("all", {})]
        for column, keyword in (("network", "network"), ("class", "class_")):
            values = sorted(str(value) for value in here[column].dropna().unique())
            groups += [(value, {keyword: value}) for value in values if len(values) > 1]
        for words, group in groups:
            estimates = [
                estimate_cell(results.get(statistic, arm=arm, **group), share=share)
                for statistic, (_, share) in statistics.items()
            ]
            first = results.get(next(iter(statistics)), arm=arm, **group)
            rows.append([Cell(ARM_WORDS[arm]), Cell(words), count_cell(first.n), *estimates])
    return "", sheet(["Arm", "Network or class", "n", *(words for words, _ in statistics.values())], rows)


def _by_difficulty(own: pd.DataFrame) -> tuple[str, dict[str, Any]]:
    rows = []
    main = own[own["arm"] == MAIN_ARM]
    for band in ("easy", "medium", "hard"):
        here = main[main["difficulty"] == band]
        if len(here):
            right, chance = float(here["correct"].astype(float).mean()), float(here["chance"].mean())
            share = Cell(percent(right), right, numeric=True)
            rows.append([Cell(band), count_cell(len(here)), share, Cell(percent(chance), chance, numeric=True)])
    return "By difficulty, summaries only", sheet(["Band", "Answers", "Right", "Chance"], rows)


def _preferred(comparison: Comparisons) -> str:
    model = comparison.model
    if model.reason:
        return f"Sides that differ in {comparison.factor}: {model.reason}."
    best = model.items[0]
    return (
        f"Of sides that differ in {comparison.factor} ({counted(comparison.answers, 'answer')}), {best} would be "
        f"chosen in {estimate_text(model.shares[best], share=True)} of cases; all alike: {p_text(model.p_equal)}."
    )
