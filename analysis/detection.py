"""Summaries against the control arms: how much more often they are named, and d′ with its criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.answers import MAIN_ARM, RANDOM_ARM, NamingAnswers
from analysis.resampling import TWO_WAY, CrossedBootstrap, Floats, Replicated, from_replicates
from analysis.results import SCOPE_COLUMNS, Results, Scope
from analysis.spread import shares


def signal_detection(hits: Any, signals: Any, false_alarms: Any, noises: Any) -> tuple[Any, Any]:
    """d′ and criterion c with the log-linear correction (Hautus 1995): 0.5 is added to hits, 1 to trials.

    Args:
        hits, signals: named answers and all answers on summaries; numbers or arrays.
        false_alarms, noises: the same on the control arm.

    Returns:
        d′ (0: people name controls as readily) and c (negative: people tend to name whatever they see).
    """
    hit = stats.norm.ppf((np.asarray(hits) + 0.5) / (np.asarray(signals) + 1))
    false_alarm = stats.norm.ppf((np.asarray(false_alarms) + 0.5) / (np.asarray(noises) + 1))
    return hit - false_alarm, -(hit + false_alarm) / 2


def measure_detection(
    results: Results,
    answers: NamingAnswers,
    *,
    bootstrap: CrossedBootstrap,
    named: Replicated,
    answered: Replicated,
    level: float,
    scopes: Sequence[Scope],
) -> None:
    """Add nameability of summaries minus that of each control, and d′ and c against random regions.

    Participants are drawn once for both arms, so their habits cancel; summaries are drawn within each arm.

    Args:
        results: numbers are added here, filed under the control arm.
        answers: naming answers.
        bootstrap: draws over the answers.
        named, answered: names and answers per summary.
        level: coverage of the intervals.
        scopes: kinds of groups within which summaries and controls are compared.
    """
    for scope in scopes:
        columns = SCOPE_COLUMNS[scope]
        groups = answers.groups(columns)
        for key, index in groups.items():
            main = groups.get((MAIN_ARM, *key[1:]))
            if key[0] == MAIN_ARM or main is None:
                continue
            group = dict(zip(columns, key, strict=True))
            signal = _sums(bootstrap, named, answered, main)
            noise = _sums(bootstrap, named, answered, index)
            _add(results, scope, group, (*signal, *noise), level)


def _sums(
    bootstrap: CrossedBootstrap, named: Replicated, answered: Replicated, index: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Names and answers of a group, (1 + B,) each: the data first, then the draws."""
    weights = bootstrap.summary_weights(index.size)
    both = []
    for sums in (named, answered):
        drawn = (sums.replicates[:, index] * weights).sum(axis=1)
        both.append(np.concatenate([[sums.data[index].sum()], drawn]))
    return both[0], both[1]


def _add(
    results: Results,
    scope: Scope,
    group: dict[str, str],
    sums: tuple[Floats, Floats, Floats, Floats],
    level: float,
) -> None:
    hits, signals, false_alarms, noises = sums
    numbers = {"nameability_above_control": shares(hits, signals) - shares(false_alarms, noises)}
    if group["arm"] == RANDOM_ARM:
        numbers["d_prime"], numbers["criterion"] = signal_detection(hits, signals, false_alarms, noises)
    n = int(signals[0] + noises[0])
    for statistic, values in numbers.items():
        estimate = from_replicates(float(values[0]), values[1:], n=n, level=level, method=TWO_WAY)
        results.add(statistic, scope, group, estimate)
