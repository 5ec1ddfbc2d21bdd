"""Summaries against the control arms: how much more often they are named, and d′ with its criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.answers import MAIN_ARM, RANDOM_ARM, NamingAnswers
from analysis.crossed import CrossedReplicates
from analysis.estimates import Estimate
from analysis.resampling import CrossedBootstrap, Floats, Replicated
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
            found = detect(bootstrap, named, answered, main, index, level=level)
            for statistic, estimate in found.items():
                if statistic == "nameability_above_control" or key[0] == RANDOM_ARM:
                    results.add(statistic, scope, group, estimate)


def detect(
    bootstrap: CrossedBootstrap,
    named: Replicated,
    answered: Replicated,
    signal: NDArray[np.int64],
    noise: NDArray[np.int64],
    *,
    level: float,
) -> dict[str, Estimate]:
    """Compare summaries with controls.

    Args:
        bootstrap: draws over the answers.
        named, answered: names and answers per summary.
        signal, noise: codes of the summaries and of the controls.
        level: coverage of the intervals.

    Returns:
        ``nameability_above_control`` (difference of shares), ``d_prime`` and ``criterion``.
    """
    names, seen = _sums(bootstrap, named, answered, signal)
    alarms, controls = _sums(bootstrap, named, answered, noise)
    hits, signals, false_alarms, noises = (own.stacked() for own in (names, seen, alarms, controls))
    d_prime, criterion = signal_detection(hits, signals, false_alarms, noises)
    numbers = {
        "nameability_above_control": shares(hits, signals) - shares(false_alarms, noises),
        "d_prime": d_prime,
        "criterion": criterion,
    }
    n = int(signals[0] + noises[0])
    return {
        statistic: names.combined(alarms, values).estimate(n=n, level=level) for statistic, values in numbers.items()
    }


def _sums(
    bootstrap: CrossedBootstrap, named: Replicated, answered: Replicated, index: NDArray[np.int64]
) -> tuple[CrossedReplicates, CrossedReplicates]:
    """Names and answers of a group, with the same draws."""
    weights = bootstrap.summary_weights(index.size)
    names, answers = (bootstrap.replicates(_total, (table,), index, weights) for table in (named, answered))
    return names, answers


def _total(table: Floats, weights: Floats) -> Floats:
    return np.asarray((table * weights).sum(axis=1), dtype=float)
