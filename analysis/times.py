"""Reaction times: medians, and means on the log scale, where their long tail does not rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.estimates import Estimate
from analysis.resampling import Floats, TwoWayBootstrap, multiplicities, quotients


@dataclass(frozen=True)
class ReactionTimes:
    """How long people took.

    Attributes:
        median: median over participants of their own medians, in seconds; participants are resampled.
        geometric_mean: exp of the mean of log seconds over all answers; participants and summaries are resampled.
        spread: standard deviation of log seconds within participants; exp of it is a factor.
        answers: with a time.
        missing: answers without one, as from browsers without JavaScript.
    """

    median: Estimate
    geometric_mean: Estimate
    spread: float | None
    answers: int
    missing: int


def reaction_times(
    milliseconds: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    bootstrap: TwoWayBootstrap | None = None,
) -> ReactionTimes:
    """Summarise reaction times in seconds.

    Args:
        milliseconds: (A,) times, NaN where missing.
        participants, summaries: (A,) labels.
        bootstrap: draws, seed and level.

    Raises:
        ValueError: when a time is 0 or less.
    """
    boot = bootstrap or TwoWayBootstrap()
    seconds, people, units, missing = _known(milliseconds, participants, summaries)
    if seconds.size == 0:
        none = Estimate.undefined("no answers with a time")
        return ReactionTimes(none, none, None, 0, missing)
    logs = np.log(seconds)
    drawn = boot.totals(np.stack([logs, np.ones_like(logs)], axis=1), people, units)
    totals = drawn.values
    codes, labels = pd.factorize(people)
    within = logs - (np.bincount(codes, logs) / np.bincount(codes))[codes]
    freedom = logs.size - len(labels)
    return ReactionTimes(
        median=_median(seconds, people, boot),
        geometric_mean=drawn.estimate(np.exp(quotients(totals[:, 0], totals[:, 1])), n=int(seconds.size)),
        spread=float(np.sqrt((within @ within) / freedom)) if freedom > 0 else None,
        answers=int(seconds.size),
        missing=missing,
    )


def time_ratio(
    milliseconds: ArrayLike,
    group: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    bootstrap: TwoWayBootstrap | None = None,
) -> Estimate:
    """How many times longer people take in a group: ratio of geometric means, 1 for no difference.

    Args:
        milliseconds: (A,) times, NaN where missing.
        group: (A,) true for the group above the line, false for the one below.
        participants, summaries: (A,) labels. Participants may be in both groups; their habits then cancel.
        bootstrap: draws, seed and level.
    """
    boot = bootstrap or TwoWayBootstrap()
    inside = np.asarray(group, dtype=float).ravel()
    known = ~np.isnan(np.asarray(milliseconds, dtype=float).ravel())
    seconds, people, units, _ = _known(milliseconds, participants, summaries)
    inside = inside[known]
    if not inside.any() or inside.all():
        return Estimate.undefined("it needs times in both groups", n=int(inside.size))
    logs = np.log(seconds)
    columns = np.stack([logs * inside, inside, logs * (1 - inside), 1 - inside], axis=1)
    drawn = boot.totals(columns, people, units)
    totals = drawn.values
    difference = quotients(totals[:, 0], totals[:, 1]) - quotients(totals[:, 2], totals[:, 3])
    return drawn.estimate(np.exp(difference), n=int(inside.size))


def _known(
    milliseconds: ArrayLike, participants: ArrayLike, summaries: ArrayLike
) -> tuple[Floats, np.ndarray, np.ndarray, int]:
    times = np.asarray(milliseconds, dtype=float).ravel()
    people, units = np.asarray(participants), np.asarray(summaries)
    if not times.shape == people.shape == units.shape:
        raise ValueError(
            f"Expected a participant and a summary for every time, got {times.shape}, {people.shape} and {units.shape}."
        )
    known = ~np.isnan(times)
    if (times[known] <= 0).any():
        raise ValueError(f"Expected times above 0 milliseconds, got {times[known].min()}. Leave out impossible ones.")
    return times[known] / 1000, people[known], units[known], int((~known).sum())


def _median(seconds: Floats, people: np.ndarray, bootstrap: TwoWayBootstrap) -> Estimate:
    own = pd.Series(seconds).groupby(pd.factorize(people)[0]).median().sort_values().to_numpy()
    n = own.size
    if n < 2:
        reason = "no interval: it needs two or more participants"
        return Estimate(value=float(own[0]), n=n, level=bootstrap.level, reason=reason)
    weights = multiplicities(np.random.default_rng(bootstrap.seed), draws=bootstrap.draws, size=n)
    cumulated = np.cumsum(weights, axis=1)
    low = (cumulated > (n - 1) // 2).argmax(axis=1)  # middle one of n drawn values, or the two in the middle
    high = (cumulated > n // 2).argmax(axis=1)
    drawn = (own[low] + own[high]) / 2
    bounds = np.quantile(drawn, [(1 - bootstrap.level) / 2, (1 + bootstrap.level) / 2])
    return Estimate(
        value=float(np.median(own)),
        n=n,
        low=float(bounds[0]),
        high=float(bounds[1]),
        standard_error=float(drawn.std(ddof=1)),
        level=bootstrap.level,
        method="bootstrap over participants",
    )
