"""Confidence: do people know when they are right?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.estimates import Estimate
from analysis.intervals import wilson
from analysis.resampling import CrossedTotals, Floats, TwoWayBootstrap, quotients

STEP_COLUMNS = ["confidence", "answers", "correct", "accuracy", "low", "high"]


@dataclass(frozen=True)
class Calibration:
    """How confidence goes with being right.

    Attributes:
        discrimination: chance that a right answer was given with more confidence than a wrong one, ties counting half
            (area under the type-2 ROC curve; Fleming and Lau 2014): 0.5 is none.
        gamma: Goodman and Kruskal's (1954) γ between confidence and being right, without ties.
        overconfidence: mean stated probability minus accuracy; undefined unless probabilities are given.
        calibration_error: mean over answers of |accuracy at that confidence − stated probability|; likewise.
        brier: mean squared distance between stated probability and being right; likewise.
        steps: one row per confidence, ``STEP_COLUMNS``, with Wilson's interval.
    """

    discrimination: Estimate
    gamma: Estimate
    overconfidence: Estimate
    calibration_error: Estimate
    brier: Estimate
    steps: pd.DataFrame


def confidence_calibration(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    probabilities: Mapping[float, float] | None = None,
    bootstrap: TwoWayBootstrap | None = None,
) -> Calibration:
    """Relate confidence to being right, with two-way intervals.

    Args:
        confidence: (A,) ordered steps, such as 1 to 5.
        correct: (A,) whether the answer was right; where a task has no right answer, whether it was the modal one.
        participants, summaries: (A,) labels.
        probabilities: what each step means as a probability of being right, where participants were told so.
        bootstrap: draws, seed and level.

    Raises:
        ValueError: when shapes do not fit, or a step has no probability although others have.
    """
    boot = bootstrap or TwoWayBootstrap()
    sure, right = np.asarray(confidence, dtype=float).ravel(), np.asarray(correct, dtype=float).ravel()
    if sure.size != right.size or not np.isin(right, (0, 1)).all() or np.isnan(sure).any():
        raise ValueError("Expected a confidence for every answer, and answers as true and false; leave out the others.")
    no_scale = Estimate.undefined("the steps of confidence do not stand for probabilities")
    if sure.size == 0:
        none = Estimate.undefined("no answers with a confidence")
        return Calibration(none, none, none, none, none, pd.DataFrame(columns=STEP_COLUMNS))
    steps = np.unique(sure)
    chosen = sure[:, None] == steps
    columns = np.concatenate([chosen * right[:, None], chosen * (1 - right[:, None])], axis=1)
    drawn = boot.totals(columns, participants, summaries)
    totals = drawn.values
    hits, misses = totals[:, : steps.size], totals[:, steps.size :]
    n = int(sure.size)
    area, gamma = _ordering(hits, misses)
    one_sided = "all answers are right, or all are wrong"
    stated: dict[str, Estimate] = dict.fromkeys(("overconfidence", "calibration_error", "brier"), no_scale)
    if probabilities is not None:
        stated = _stated(hits, misses, steps, probabilities, drawn, n)
    return Calibration(
        discrimination=drawn.estimate(area, n=n, undefined=one_sided),
        gamma=drawn.estimate(gamma, n=n, undefined=f"{one_sided}, or all are equally confident"),
        steps=_by_step(steps, hits[0], misses[0], boot.level),
        **stated,
    )


def _ordering(hits: Floats, misses: Floats) -> tuple[Floats, Floats]:
    below = np.cumsum(misses, axis=1) - misses
    above = misses.sum(axis=1, keepdims=True) - below - misses
    concordant, discordant = (hits * below).sum(axis=1), (hits * above).sum(axis=1)
    tied = (hits * misses).sum(axis=1)
    area = quotients(concordant + tied / 2, concordant + discordant + tied)
    return area, quotients(concordant - discordant, concordant + discordant)


def _stated(
    hits: Floats,
    misses: Floats,
    steps: Floats,
    probabilities: Mapping[float, float],
    drawn: CrossedTotals,
    n: int,
) -> dict[str, Estimate]:
    unknown = [float(step) for step in steps if float(step) not in probabilities]
    if unknown:
        raise ValueError(f"Expected a probability for every step of confidence, got none for {unknown}.")
    stated = np.array([probabilities[float(step)] for step in steps])
    given = hits + misses
    total = given.sum(axis=1)
    error = np.abs(hits - given * stated).sum(axis=1)
    brier = (hits * (1 - stated) ** 2 + misses * stated**2).sum(axis=1)
    return {
        "overconfidence": drawn.estimate(quotients(given @ stated - hits.sum(axis=1), total), n=n),
        "calibration_error": drawn.estimate(quotients(error, total), n=n, correct_bias=True),
        "brier": drawn.estimate(quotients(brier, total), n=n),
    }


def _by_step(steps: Floats, hits: Floats, misses: Floats, level: float) -> pd.DataFrame:
    rows = []
    for step, right, wrong in zip(steps, hits, misses, strict=True):
        share = wilson(round(float(right)), round(float(right + wrong)), level=level)
        rows.append((float(step), share.n, round(float(right)), share.value, share.low, share.high))
    return pd.DataFrame(rows, columns=STEP_COLUMNS)
