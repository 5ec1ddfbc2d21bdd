"""Measures of the tasks beside naming: coherence, intruder, predict and compare, for every group they were asked about.

A study without a task has no number of it. Every number is the same kind of estimate as those of naming, with the
two-way bootstrap over participants and summaries; single summaries have Wilson or t intervals, as there is nothing to
resample but people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.answers import UNKNOWN
from analysis.calibration import Calibration, confidence_calibration
from analysis.coherence import SCALE, coherence_ratings
from analysis.estimates import Estimate
from analysis.interpretability import GROUP_SCOPES, InferenceOptions
from analysis.intervals import t_mean, wilson
from analysis.intruder import intruder_accuracy
from analysis.prediction import prediction_accuracy, utility_k
from analysis.preference import FIRST, SECOND, TIE, Preference, preference_model
from analysis.resampling import TwoWayBootstrap
from analysis.results import GROUP_COLUMNS, SCOPE_COLUMNS, Results, Scope
from analysis.times import ReactionTimes, reaction_times

OUTCOMES = {"left": FIRST, "right": SECOND, "tie": TIE}
FACTORS = ("network", "method", "arm")
EXPLAINED = "with-explanation"


@dataclass(frozen=True)
class Comparisons:
    """Paired comparisons of one factor.

    Attributes:
        factor: what the two sides differed in: network, method or arm.
        label: the class they are about, or "" for all classes together.
        answers: comparisons.
        model: the fitted preferences.
    """

    factor: str
    label: str
    answers: int
    model: Preference


@dataclass(frozen=True)
class TaskMeasures:
    """What the tasks beside naming yield.

    Attributes:
        results: numbers by arm, method, network, class, condition and summary; their names begin with the task's.
        comparisons: preferences of the compare task, all classes first.
        calibrations: confidence against right answers, by task.
        times: reaction times, by task.
    """

    results: Results
    comparisons: tuple[Comparisons, ...]
    calibrations: dict[str, Calibration]
    times: dict[str, ReactionTimes]


def measure_tasks(answers: pd.DataFrame, *, options: InferenceOptions) -> TaskMeasures:
    """Compute every measure of the tasks that occur.

    Args:
        answers: rows of ``responses_long`` that count (see :func:`analysis.selection.select`).
        options: draws, seed and level.
    """
    boot = TwoWayBootstrap(draws=options.draws, seed=options.seed, level=options.level)
    results = Results()
    measures: dict[str, Callable[[pd.DataFrame, TwoWayBootstrap], dict[str, Estimate]]] = {
        "coherence": _coherence,
        "intruder": _intruder,
        "predict": _predict,
    }
    frames = {task: _with_groups(answers[answers["task"] == task]) for task in measures}
    for task, measure in measures.items():
        for scope, group, own in _groups(frames[task]):
            for statistic, estimate in measure(own, boot).items():
                results.add(f"{task}_{statistic}", scope, group, estimate)
    for task in ("coherence", "intruder"):
        for group, own in _summaries(frames[task]):
            statistic, estimate = _of_one_summary(task, own, options.level)
            results.add(statistic, Scope.SUMMARY, group, estimate)
    return TaskMeasures(
        results=results,
        comparisons=tuple(_comparisons(answers[answers["task"] == "compare"], boot)),
        calibrations=_calibrations(answers, boot),
        times=_times(answers, boot),
    )


# Groups ---------------------------------------------------------------------------------------------------------------


def _with_groups(rows: pd.DataFrame) -> pd.DataFrame:
    """The group columns as text, a dash where empty; a trial without a summary stands for its image or its sides."""
    filled = {
        column: rows[column].astype(object).where(rows[column].notna(), UNKNOWN).astype(str) for column in GROUP_COLUMNS
    }
    sides = [f"{side}_{factor}" for side in ("left", "right") for factor in FACTORS]
    pair = pd.Series(
        ["\x00".join(map(str, row)) for row in rows[["class", *sides]].itertuples(index=False)], rows.index
    )
    unit = rows["summary"].astype(object).where(rows["summary"].notna(), rows["image"])
    frame = rows.assign(**filled, unit=unit.where(unit.notna(), pair).astype(str))
    # Of one participant about one unit in one variant the first answer counts, as in naming.
    return frame.sort_values(["participant", "trial_position"]).drop_duplicates(["participant", "unit", "variant"])


def _groups(frame: pd.DataFrame) -> Iterator[tuple[Scope, dict[str, str], pd.DataFrame]]:
    for scope in GROUP_SCOPES:
        columns = list(SCOPE_COLUMNS[scope])
        for values, own in frame.groupby(columns, sort=True):
            yield scope, dict(zip(columns, (str(value) for value in values), strict=True)), own


def _summaries(frame: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    columns = list(SCOPE_COLUMNS[Scope.SUMMARY])
    for values, own in frame[frame["summary"] != UNKNOWN].groupby(columns, sort=True):
        yield dict(zip(columns, (str(value) for value in values), strict=True)), own


# Tasks ----------------------------------------------------------------------------------------------------------------


def _coherence(own: pd.DataFrame, boot: TwoWayBootstrap) -> dict[str, Estimate]:
    found = coherence_ratings(
        own["answer_value"].to_numpy(dtype=float),
        participants=own["participant"].to_numpy(),
        summaries=own["unit"].to_numpy(),
        scale=_scale(own),
        bootstrap=boot,
    )
    return {"mean": found.mean, "top_share": found.top_share, "alpha": found.alpha, "ac2": found.ac2}


def _scale(own: pd.DataFrame) -> tuple[float, ...]:
    points = own["options"].dropna()
    return tuple(range(1, int(points.max()) + 1)) if len(points) else SCALE


def _intruder(own: pd.DataFrame, boot: TwoWayBootstrap) -> dict[str, Estimate]:
    found = intruder_accuracy(
        own["correct"].to_numpy(dtype=float),
        participants=own["participant"].to_numpy(),
        summaries=own["unit"].to_numpy(),
        options=own["options"].to_numpy(dtype=float),
        bootstrap=boot,
    )
    return {
        "precision": found.model_precision,
        "accuracy": found.accuracy,
        "chance_corrected": found.chance_corrected,
    }


def _predict(own: pd.DataFrame, boot: TwoWayBootstrap) -> dict[str, Estimate]:
    correct = own["correct"].to_numpy(dtype=float)
    people, units = own["participant"].to_numpy(), own["unit"].to_numpy()
    right = (own["true_class"] == own["network_answer"]).to_numpy(dtype=float)
    found = prediction_accuracy(correct, network_right=right, participants=people, summaries=units, bootstrap=boot)
    explained = (own["variant"] == EXPLAINED).fillna(False).to_numpy(dtype=float)
    return {
        "accuracy": found.accuracy,
        "network_right": found.network_right,
        "network_wrong": found.network_wrong,
        "balanced": found.balanced,
        "utility": utility_k(correct, explained=explained, participants=people, summaries=units, bootstrap=boot),
    }


def _of_one_summary(task: str, own: pd.DataFrame, level: float) -> tuple[str, Estimate]:
    if task == "intruder":
        return "intruder_precision", wilson(int(own["correct"].sum()), len(own), level=level)
    return "coherence_mean", t_mean(own["answer_value"].to_numpy(dtype=float), level=level)


def _comparisons(rows: pd.DataFrame, boot: TwoWayBootstrap) -> Iterator[Comparisons]:
    known = rows[rows["chosen"].isin(OUTCOMES)]
    for factor in FACTORS:
        others = [other for other in FACTORS if other != factor]
        differ = (known[f"left_{factor}"] != known[f"right_{factor}"]).fillna(False)
        same = np.logical_and.reduce([(known[f"left_{o}"] == known[f"right_{o}"]).fillna(False) for o in others])
        own = known[differ & same]
        if own.empty:
            continue
        yield Comparisons(factor, "", len(own), _preferences(own, factor, boot))
        labels = sorted(own["class"].dropna().unique())
        for label in labels if len(labels) > 1 else ():
            of_class = own[own["class"] == label]
            yield Comparisons(factor, str(label), len(of_class), _preferences(of_class, factor, boot))


def _preferences(own: pd.DataFrame, factor: str, boot: TwoWayBootstrap) -> Preference:
    left, right = own[f"left_{factor}"].astype(str), own[f"right_{factor}"].astype(str)
    # An effect of the side can be told from worth only when a pair was shown in both orders.
    both_orders = bool(pd.Series(left + "\x00" + right).isin(right + "\x00" + left).any())
    # The unit that is drawn is the pair of sets: class and what stood against what, on whichever side.
    pair = own["class"].astype(str) + "\x00" + np.minimum(left, right) + "\x00" + np.maximum(left, right)
    return preference_model(
        left.to_numpy(),
        right.to_numpy(),
        own["chosen"].map(OUTCOMES).to_numpy(dtype=float),
        participants=own["participant"].to_numpy(),
        summaries=pair.to_numpy(),
        side=both_orders,
        bootstrap=boot,
    )


# Confidence and time --------------------------------------------------------------------------------------------------


def _calibrations(answers: pd.DataFrame, boot: TwoWayBootstrap) -> dict[str, Calibration]:
    known = _with_groups(answers[answers["confidence"].notna() & answers["correct"].notna()])
    return {
        str(task): confidence_calibration(
            own["confidence"].to_numpy(dtype=float),
            own["correct"].to_numpy(dtype=float),
            participants=own["participant"].to_numpy(),
            summaries=own["unit"].to_numpy(),
            bootstrap=boot,
        )
        for task, own in known.groupby("task", sort=True)
    }


def _times(answers: pd.DataFrame, boot: TwoWayBootstrap) -> dict[str, ReactionTimes]:
    usable = answers["reaction_time_ms"].isna() | (answers["reaction_time_ms"] > 0)
    frame = _with_groups(answers[usable])
    return {
        str(task): reaction_times(
            own["reaction_time_ms"].to_numpy(dtype=float),
            participants=own["participant"].to_numpy(),
            summaries=own["unit"].to_numpy(),
            bootstrap=boot,
        )
        for task, own in frame.groupby("task", sort=True)
    }
