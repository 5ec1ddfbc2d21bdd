"""The predict task: can people say what the network answered, and does the explanation help them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.estimates import Estimate
from analysis.resampling import Floats, TwoWayBootstrap, quotients


@dataclass(frozen=True)
class PredictionAccuracy:
    """How well people predict the network, split by whether the network was right.

    Attributes:
        accuracy: share of predictions that meet the network's answer.
        network_right, network_wrong: the same on images that the network got right or wrong. Who merely knows what is
            on the picture is good on the first and poor on the second.
        difference: right minus wrong.
        balanced: mean of the two.
    """

    accuracy: Estimate
    network_right: Estimate
    network_wrong: Estimate
    difference: Estimate
    balanced: Estimate


def _flags(values: ArrayLike, name: str) -> Floats:
    flags = np.asarray(values, dtype=float).ravel()
    if not np.isin(flags, (0, 1)).all():
        raise ValueError(f"Expected {name} as true and false, got other values.")
    return flags


def prediction_accuracy(
    correct: ArrayLike,
    *,
    network_right: ArrayLike,
    participants: ArrayLike,
    summaries: ArrayLike,
    bootstrap: TwoWayBootstrap | None = None,
) -> PredictionAccuracy:
    """Accuracy of predicting the network, with two-way intervals.

    Args:
        correct: (A,) whether the prediction met the network's answer.
        network_right: (A,) whether the network was right about that image.
        participants: (A,) labels.
        summaries: (A,) labels of the stimuli: the image to predict, or the condition it belongs to.
        bootstrap: draws, seed and level.
    """
    boot = bootstrap or TwoWayBootstrap()
    met, right = _flags(correct, "correct"), _flags(network_right, "network_right")
    if met.size != right.size:
        raise ValueError(f"Expected as many values of network_right as answers ({met.size}), got {right.size}.")
    if met.size == 0:
        none = Estimate.undefined("no answers")
        return PredictionAccuracy(none, none, none, none, none)
    columns = np.stack([met * right, right, met * (1 - right), 1 - right], axis=1)
    totals = boot.totals(columns, participants, summaries).stacked()
    when_right, when_wrong = quotients(totals[:, 0], totals[:, 1]), quotients(totals[:, 2], totals[:, 3])
    overall = quotients(totals[:, 0] + totals[:, 2], totals[:, 1] + totals[:, 3])
    n_right, n = int(right.sum()), int(met.size)
    return PredictionAccuracy(
        accuracy=boot.estimate(overall, n=n),
        network_right=_or_reason(boot, when_right, n_right, "the network was never right"),
        network_wrong=_or_reason(boot, when_wrong, n - n_right, "the network was never wrong"),
        difference=_or_reason(boot, when_right - when_wrong, n, "the network was always right, or always wrong"),
        balanced=_or_reason(boot, (when_right + when_wrong) / 2, n, "the network was always right, or always wrong"),
    )


def _or_reason(bootstrap: TwoWayBootstrap, values: Floats, n: int, reason: str) -> Estimate:
    return Estimate.undefined(reason, n=n) if np.isnan(values[0]) else bootstrap.estimate(values, n=n)


def utility_k(
    correct: ArrayLike,
    *,
    explained: ArrayLike,
    participants: ArrayLike,
    summaries: ArrayLike,
    bootstrap: TwoWayBootstrap | None = None,
) -> Estimate:
    """Utility-K: accuracy with the explanation over accuracy without (Fel et al. 2021); above 1 it helps.

    Args:
        correct: (A,) whether the prediction met the network's answer.
        explained: (A,) whether the participant had seen the explanation.
        participants, summaries: (A,) labels.
        bootstrap: draws, seed and level. Participants may be the same in both conditions or different.
    """
    boot = bootstrap or TwoWayBootstrap()
    met, seen = _flags(correct, "correct"), _flags(explained, "explained")
    if met.size != seen.size:
        raise ValueError(f"Expected as many values of explained as answers ({met.size}), got {seen.size}.")
    n = int(met.size)
    if not seen.any() or seen.all():
        return Estimate.undefined("it needs answers with and without the explanation", n=n)
    columns = np.stack([met * seen, seen, met * (1 - seen), 1 - seen], axis=1)
    totals = boot.totals(columns, participants, summaries).stacked()
    ratio = quotients(quotients(totals[:, 0], totals[:, 1]), quotients(totals[:, 2], totals[:, 3]))
    if np.isnan(ratio[0]):
        return Estimate.undefined("nobody predicted right without the explanation", n=n)
    return boot.estimate(ratio, n=n)
