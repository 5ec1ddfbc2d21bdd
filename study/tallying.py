"""Running totals of answers, and the statistics that a monitor shows of them. Pure; NumPy only.

Totals are plain JSON, so that they can be stored: counting new answers costs what the new answers cost. The numbers
are for watching a study. What is reported comes from `analysis`, which treats names and uncertainty with more care.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

Totals = dict[str, Any]
BINS_PER_OCTAVE = 16
"""Reaction times are counted in bins whose width is a sixteenth of a doubling, 4.4 %."""
NORMAL_95 = 1.959964
NO_COMMON_PART = ""
FAST_MS = 1500.0
ANSWERS_OF_A_STEP = 50
"""Counted before the agreement so far may become a point of the curve."""
POINTS_GROW_BY = 1.04
LEAST_ANSWERS_TO_FLAG = 6


@dataclass(frozen=True)
class CountedAnswer:
    """What the totals need of one answer to a main trial; `name` is in the form in which names are counted."""

    participant: int
    stimulus: int | None
    cell: str
    task: str
    named: bool | None
    name: str
    reaction_time_ms: float | None
    answered_at: datetime


def empty_totals() -> Totals:
    """Return totals of nothing."""
    return {"answers": 0, "stimuli": {}, "cells": {}, "hours": {}, "times": {}, "people": {}, "series": []}


def count(totals: Totals, answers: Iterable[CountedAnswer], *, sign: int = 1) -> None:
    """Add answers to totals, or take them out again with `sign` −1. Changes `totals`."""
    for answer in answers:
        totals["answers"] += sign
        _add(totals["cells"], answer.cell, sign)
        _add(totals["hours"], answer.answered_at.isoformat()[:13], sign)
        if answer.reaction_time_ms:
            times = totals["times"].setdefault(answer.task, {})
            _add(times, str(round(BINS_PER_OCTAVE * math.log2(max(1.0, answer.reaction_time_ms)))), sign)
        if answer.named is not None and answer.stimulus is not None:
            names = totals["stimuli"].setdefault(str(answer.stimulus), {})
            _add(names, answer.name if answer.named else NO_COMMON_PART, sign)
        if sign > 0:
            _count_person(totals["people"], answer)


def forget_person(totals: Totals, participant: int, answers: Iterable[CountedAnswer]) -> None:
    """Take everything about one participant out of the totals; `answers` are those that were counted."""
    count(totals, answers, sign=-1)
    totals["people"].pop(str(participant), None)


def _add(counts: dict[str, int], key: str, sign: int) -> None:
    counts[key] = counts.get(key, 0) + sign
    if counts[key] == 0:
        del counts[key]


def _count_person(people: dict[str, list[Any]], answer: CountedAnswer) -> None:
    """Keep per person: answers, “No common part”, fast answers, the first answer, and answers equal to it."""
    said = answer.name if answer.named else NO_COMMON_PART
    person = people.setdefault(str(answer.participant), [0, 0, 0, said, 0])
    person[0] += 1
    person[1] += answer.named is False
    person[2] += answer.reaction_time_ms is not None and answer.reaction_time_ms < FAST_MS
    person[4] += answer.named is not None and said == person[3]


@dataclass(frozen=True)
class LiveEstimate:
    """A value with its 95 % interval, and how many units it rests on."""

    value: float
    low: float
    high: float
    n: int


def pairwise_agreement(counts: np.ndarray) -> float | None:
    """Return the probability that two answers drawn without replacement are equal; None for fewer than two answers."""
    n = counts.sum()
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n >= 2 else None


def mean_agreement(names_of_summaries: Iterable[Mapping[str, int]]) -> LiveEstimate | None:
    """Return the mean pairwise agreement over summaries with a normal interval over summaries.

    None for fewer than two summaries with two answers each. “No common part” counts as an answer of its own.
    """
    values = [
        agreement
        for names in names_of_summaries
        if (agreement := pairwise_agreement(np.fromiter(names.values(), dtype=float))) is not None
    ]
    if len(values) < 2:
        return None
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return LiveEstimate(mean, max(0.0, mean - NORMAL_95 * spread), min(1.0, mean + NORMAL_95 * spread), len(values))


def wilson(successes: int, n: int) -> LiveEstimate | None:
    """Return a share with its Wilson score interval (Wilson 1927, J. Am. Stat. Assoc. 22:209); None without trials."""
    if n == 0:
        return None
    z2 = NORMAL_95**2
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return LiveEstimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


@dataclass(frozen=True)
class SummaryProgress:
    """How far one summary is: its most frequent answer, that answer's share, and whether more answers are needed."""

    stimulus: int
    answers: int
    most_frequent: str
    share: LiveEstimate
    reached: bool


def summary_progress(totals: Totals, *, target_half_width: float) -> list[SummaryProgress]:
    """Return each summary's progress, those that need most answers first.

    The stopping rule: half the width of the Wilson interval of the most frequent answer's share is at most the target.
    """
    progress = []
    for stimulus, names in totals["stimuli"].items():
        if not names:
            continue
        most, successes = max(names.items(), key=lambda item: (item[1], item[0]))
        n = sum(names.values())
        share = wilson(successes, n)
        if share is not None:
            reached = (share.high - share.low) / 2 <= target_half_width
            progress.append(SummaryProgress(int(stimulus), n, most, share, reached))
    return sorted(progress, key=lambda one: (one.reached, -(one.share.high - one.share.low), one.stimulus))


def count_with_points(totals: Totals, answers: Iterable[CountedAnswer], *, summaries: frozenset[int]) -> None:
    """Count answers in order of time, in small steps between which the series of agreement may get a point.

    So a study that nobody watched has the whole curve, and not its end alone.
    """
    waiting = iter(answers)
    while step := list(islice(waiting, ANSWERS_OF_A_STEP)):
        count(totals, step)
        add_point(totals, summaries=summaries)


def add_point(totals: Totals, *, summaries: frozenset[int]) -> None:
    """Extend the series of agreement over answers, unless hardly anything was added since its last point.

    A point is `[answers, value, low, high]`; `summaries` are the stimuli that are no controls.
    """
    series = totals["series"]
    if series and totals["answers"] < series[-1][0] * POINTS_GROW_BY:
        return
    shown = (names for stimulus, names in totals["stimuli"].items() if int(stimulus) in summaries)
    estimate = mean_agreement(shown)
    if estimate is not None:
        series.append([totals["answers"], *(round(x, 4) for x in (estimate.value, estimate.low, estimate.high))])


def median_ms(bins: Mapping[str, int]) -> float | None:
    """Return the median of counted times, to about 4 %; None without any."""
    if not bins:
        return None
    keys = np.array(sorted(int(key) for key in bins))
    counts = np.array([bins[str(key)] for key in keys])
    middle = int(np.searchsorted(np.cumsum(counts), (counts.sum() + 1) / 2))
    return float(2.0 ** (keys[middle] / BINS_PER_OCTAVE))


def flags(person: list[Any]) -> list[str]:
    """Return what looks careless in a person's answers so far: keys `always-none`, `always-same`, `fast`."""
    answers, none, fast, _first, same = person
    if answers < LEAST_ANSWERS_TO_FLAG:
        return []
    found = []
    if none >= 0.9 * answers:
        found.append("always-none")
    elif same >= 0.9 * answers:
        found.append("always-same")
    if fast >= 0.5 * answers:
        found.append("fast")
    return found
