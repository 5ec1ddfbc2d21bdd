"""The intruder task: can people tell which region does not belong to a summary?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.binomial import poisson_binomial_p
from analysis.estimates import Estimate
from analysis.intervals import wilson
from analysis.resampling import Floats, TwoWayBootstrap, quotients

UNIT_COLUMNS = ["summary", "answers", "correct", "precision", "low", "high", "chance", "chance_corrected", "p_value"]


@dataclass(frozen=True)
class IntruderAccuracy:
    """How well people find intruders.

    Attributes:
        model_precision: mean over summaries of the share of people who found the intruder (Chang et al. 2009, "Reading
            tea leaves", who call it so; every summary weighs alike).
        accuracy: right answers of all answers.
        chance: mean chance of a right answer by guessing.
        chance_corrected: Σ(right − chance) / Σ(1 − chance): 0 is guessing, 1 is perfect.
        p_value: exact, one-sided: this many right answers or more by guessing, each answer at its own chance.
        units: one row per summary, ``UNIT_COLUMNS``, with Wilson's interval.
    """

    model_precision: Estimate
    accuracy: Estimate
    chance: float | None
    chance_corrected: Estimate
    p_value: float | None
    units: pd.DataFrame


def intruder_accuracy(
    correct: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    options: ArrayLike | int,
    bootstrap: TwoWayBootstrap | None = None,
) -> IntruderAccuracy:
    """Model precision and accuracy of the intruder task, with two-way intervals.

    Args:
        correct: (A,) whether each answer was right.
        participants, summaries: (A,) labels.
        options: (A,) tiles of each trial, or one number for all; the chance level is one of them.
        bootstrap: draws, seed and level.

    Raises:
        ValueError: when shapes do not fit or a trial had fewer than two options.
    """
    boot = bootstrap or TwoWayBootstrap()
    right = np.asarray(correct, dtype=float).ravel()
    people, units = np.asarray(participants), np.asarray(summaries)
    tiles = np.broadcast_to(np.asarray(options, dtype=float), right.shape)
    if right.size and (np.isnan(tiles).any() or tiles.min() < 2):
        raise ValueError(f"Expected two or more options per trial, got {np.nanmin(tiles)}.")
    if not np.isin(right, (0, 1)).all():
        raise ValueError("Expected right and wrong answers as true and false, got other values.")
    if right.size == 0:
        none = Estimate.undefined("no answers")
        return IntruderAccuracy(none, none, None, none, None, pd.DataFrame(columns=UNIT_COLUMNS))
    chance = 1 / tiles
    ones = np.ones_like(right)
    drawn = boot.totals(np.stack([right, right - chance, 1 - chance, ones], axis=1), people, units)
    totals = drawn.values
    n = int(right.size)
    return IntruderAccuracy(
        model_precision=_mean_over_summaries(right, people, units, boot),
        accuracy=drawn.estimate(quotients(totals[:, 0], totals[:, 3]), n=n),
        chance=float(chance.mean()),
        chance_corrected=drawn.estimate(quotients(totals[:, 1], totals[:, 2]), n=n),
        p_value=poisson_binomial_p(int(right.sum()), chance),
        units=_by_summary(right, chance, units, boot.level),
    )


def _mean_over_summaries(
    right: Floats, people: NDArray[Any], units: NDArray[Any], bootstrap: TwoWayBootstrap
) -> Estimate:
    """Mean over summaries of their shares; as weights 1/n per answer when all people weigh alike."""
    codes, labels = pd.factorize(units)
    own = 1 / np.bincount(codes)[codes]
    drawn = bootstrap.totals(np.stack([right * own, own], axis=1), people, units)
    totals = drawn.values
    return drawn.estimate(quotients(totals[:, 0], totals[:, 1]), n=len(labels))


def _by_summary(right: Floats, chance: Floats, units: NDArray[Any], level: float) -> pd.DataFrame:
    rows = []
    frame = pd.DataFrame({"summary": units, "right": right, "chance": chance})
    for summary, own in frame.groupby("summary", sort=True):
        successes, n = int(own["right"].sum()), len(own)
        share = wilson(successes, n, level=level)
        room = float((1 - own["chance"]).sum())
        rows.append(
            {
                "summary": summary,
                "answers": n,
                "correct": successes,
                "precision": share.value,
                "low": share.low,
                "high": share.high,
                "chance": float(own["chance"].mean()),
                "chance_corrected": float((own["right"] - own["chance"]).sum()) / room,
                "p_value": poisson_binomial_p(successes, own["chance"].to_numpy()),
            }
        )
    return pd.DataFrame(rows, columns=UNIT_COLUMNS)
