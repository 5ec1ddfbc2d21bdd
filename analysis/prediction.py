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
    drawn = boot.totals(columns, participants, summaries)
    totals = drawn.values
    when_right, when_wrong = quotients(totals[:, 0], totals[:, 1]), quotients(totals[:, 2], totals[:, 3])
    overall = quotients(totals[:, 0] + totals[:, 2], totals[:, 1] + totals[:, 3])
    n_right, n = int(right.sum()), int(met.size)
    one_sided = "the network was always right, or always wrong"
    return PredictionAccuracy(
        accuracy=drawn.estimate(overall, n=n),
        network_right=drawn.estimate(when_right, n=n_right, undefined="the network was never right"),
        network_wrong=drawn.estimate(when_wrong, n=n - n_right, undefined="the network was never wrong"),
        difference=drawn.estimate(when_right - when_wrong, n=n, undefined=one_sided),
        balanced=drawn.estimate((when_right + when_wrong) / 2, n=n, undefined=one_sided),
    )


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
    drawn = boot.totals(columns, participants, summaries)
    totals = drawn.values
    ratio = quotients(quotients(totals[:, 0], totals[:, 1]), quotients(totals[:, 2], totals[:, 3]))
    return drawn.estimate(ratio, n=n, undefined="nobody predicted right without the explanation")
