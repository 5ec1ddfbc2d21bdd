"""Bootstrap intervals for answers in which participants and summaries are crossed.

Resampling participants alone treats the ten summaries of a study as all there could ever be and covers far less than it
says (Clark 1973). Here both are drawn with replacement: an answer of participant p about summary s weighs w_p · w_s
(the pigeonhole bootstrap of Owen 2007). :mod:`analysis.crossed` makes intervals of the draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from analysis.crossed import CrossedReplicates, widening
from analysis.estimates import Estimate
from analysis.intervals import check_level

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
DRAWS_PER_CHUNK = 250
"""Draws held in memory at once where a table is wide."""
EXACT_DRAWS = 50_000
"""Bootstraps with at most this many possible draws are enumerated instead of drawn."""


UNITS = "bootstrap over units"


@dataclass(frozen=True)
class Replicated:
    """A statistic of M things, such as summaries: (M,) for the data, (B, M) for the draws; NaN where undefined."""

    data: Floats
    replicates: Floats


@dataclass(frozen=True, kw_only=True)
class UnitBootstrap:
    """How to resample the units of an agreement coefficient.

    Attributes:
        draws: number of draws.
        seed: of their generator.
    """

    draws: int = 1000
    seed: int = 20180127

    def __post_init__(self) -> None:
        if self.draws < 2:
            raise ValueError(f"Expected two or more bootstrap draws, got {self.draws}.")

    def weights(self, units: int, *, width: int = 1) -> Iterator[Floats]:
        """How often each unit is drawn, (chunk, units), in chunks small enough for tables of (chunk, ``width``)."""
        generator = np.random.default_rng(self.seed)
        chunk = max(1, min(DRAWS_PER_CHUNK, 4_000_000 // max(units, width, 1)))
        for start in range(0, self.draws, chunk):
            yield multiplicities(generator, draws=min(chunk, self.draws - start), size=units)


def multiplicities(generator: np.random.Generator, *, draws: int, size: int) -> Floats:
    """How often each of ``size`` units is drawn in each bootstrap draw: (draws, size), every row sums to ``size``."""
    if draws < 1:
        raise ValueError(f"Expected at least one bootstrap draw, got {draws}.")
    if size == 0:
        return np.zeros((draws, 0))
    chosen = generator.integers(size, size=(draws, size)) + np.arange(draws)[:, None] * size
    return np.bincount(chosen.ravel(), minlength=draws * size).reshape(draws, size).astype(float)


def from_replicates(
    value: float,
    replicates: Floats,
    *,
    n: int,
    level: float,
    method: str,
    correct_bias: bool = False,
    clusters: int | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """An estimate with the percentile interval of bootstrap replicates.

    Args:
        value: the statistic of the data.
        replicates: (draws,) the statistic of each draw, NaN where it was undefined; those draws are left out.
        n: number of observations.
        level: coverage.
        method: for the estimate.
        correct_bias: centre the interval at ``value`` less the bias, which is how far the replicates lie from ``value``
            on average. For statistics that few answers push to one side, such as entropy and the modal share: drawing
            a person twice makes the answers look more alike, by about as much as having asked few people does.
        clusters: how many units were drawn from; the interval is then widened by √(G / (G − 1)) and as t(G − 1) is
            wider than normal, which percentiles of few units need.
        bounds: range of the statistic; the interval is cut to it.
    """
    usable = replicates[~np.isnan(replicates)]
    if usable.size < max(2, replicates.size // 2):
        reason = "no interval: the statistic is undefined in more than half of the bootstrap draws"
        return Estimate(value=value, n=n, level=level, reason=reason)
    mean = float(usable.mean())
    middle = 2 * value - mean if correct_bias else mean
    few = np.sqrt(clusters / (clusters - 1)) if clusters is not None and clusters > 1 else 1.0
    wider = few * widening(level, clusters - 1) if clusters is not None and clusters > 1 else 1.0
    low, high = middle + wider * (np.quantile(usable, [(1 - level) / 2, (1 + level) / 2]) - mean)
    return Estimate(
        value=value,
        n=n,
        low=max(bounds[0], float(low)),
        high=min(bounds[1], float(high)),
        standard_error=float(usable.std(ddof=1)) * float(few),
        level=level,
        method=f"{method}, corrected for bias" if correct_bias else method,
    )


def unit_interval(value: float, replicates: Floats, *, n: int, level: float, units: int) -> Estimate:
    """Interval of an agreement coefficient from resampled units, at most 1.

    Duplicated units agree with themselves across copies, which raises agreement by chance and so lowers the draws; few
    units do the same to the estimate. The interval is corrected for it, and for the number of units.
    """
    return from_replicates(
        value, replicates, n=n, level=level, method=UNITS, correct_bias=True, clusters=units, bounds=(-np.inf, 1.0)
    )


def cluster_bootstrap(
    cluster_means: ArrayLike, *, generator: np.random.Generator, draws: int, level: float = 0.95
) -> Estimate:
    """Mean of equally large clusters with a percentile interval from resampling whole clusters.

    Every possible draw is enumerated when there are few clusters. With few of them the interval is too narrow
    (five clusters: 0.82 instead of 0.95); :func:`analysis.intervals.t_mean` is the better choice then.

    Args:
        cluster_means: (G,) mean of each cluster, such as of each participant.
        generator: seeded source of the draws.
        draws: number of draws when they are not enumerated.
        level: coverage.
    """
    check_level(level)
    means = np.asarray(cluster_means, dtype=float).ravel()
    size = int(means.size)
    if size == 0:
        return Estimate.undefined("no clusters")
    value = float(means.mean())
    if size == 1:
        return Estimate(value=value, n=1, level=level, reason="no interval: it needs two or more clusters")
    if size**size <= EXACT_DRAWS:
        index = np.indices((size,) * size).reshape(size, -1)
        replicates = means[index].mean(axis=0)
        low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
        error, method = float(replicates.std()), "exact cluster bootstrap"
        return Estimate(
            value=value, n=size, low=float(low), high=float(high), standard_error=error, level=level, method=method
        )
    replicates = multiplicities(generator, draws=draws, size=size) @ means / size
    return from_replicates(value, replicates, n=size, level=level, method="cluster bootstrap")


class CrossedBootstrap:
    """Draws for answers in which participants and summaries are crossed.

    One set of participant draws serves every statistic of a study, so that differences between groups are paired.

    Args:
        participants: (A,) code of the participant of each answer, 0 to P − 1.
        summaries: (A,) code of the summary of each answer, 0 to S − 1.
        draws: number of bootstrap draws B.
        generator: seeded source of the draws.
        level: coverage of the intervals.

    Raises:
        ValueError: when the codes do not match or the numbers are out of range.
    """

    def __init__(
        self,
        participants: ArrayLike,
        summaries: ArrayLike,
        *,
        draws: int,
        generator: np.random.Generator,
        level: float = 0.95,
    ) -> None:
        check_level(level)
        self.participants = np.asarray(participants, dtype=np.int64)
        self.summaries = np.asarray(summaries, dtype=np.int64)
        if self.participants.shape != self.summaries.shape or self.participants.ndim != 1:
            raise ValueError(
                f"Expected one participant and one summary per answer, got shapes {self.participants.shape} and "
                f"{self.summaries.shape}."
            )
        self.level = level
        self.draws = draws
        self.participant_count = int(self.participants.max(initial=-1)) + 1
        self.summary_count = int(self.summaries.max(initial=-1)) + 1
        self._generator = generator
        self._weights = multiplicities(generator, draws=draws, size=self.participant_count)

    def weight_chunks(self) -> Iterator[tuple[slice, Floats]]:
        """Participant weights in chunks of draws: the slice of draws and (chunk, P) multiplicities."""
        for start in range(0, self.draws, DRAWS_PER_CHUNK):
            part = slice(start, min(start + DRAWS_PER_CHUNK, self.draws))
            yield part, self._weights[part]

    def summary_sums(self, values: ArrayLike) -> tuple[Floats, Floats]:
        """Sum a value over the answers of each summary.

        Args:
            values: (A,) one number per answer.

        Returns:
            (S,) sums of the data, and (B, S) sums with resampled participants.
        """
        table = sparse.csr_array(
            (np.asarray(values, dtype=float), (self.summaries, self.participants)),
            shape=(self.summary_count, self.participant_count),
        )
        replicates = np.empty((self.draws, self.summary_count))
        for part, weights in self.weight_chunks():
            replicates[part] = (table @ weights.T).T
        return np.asarray(table.sum(axis=1), dtype=float).ravel(), replicates

    def replicates(
        self,
        statistic: Callable[..., Floats],
        tables: Sequence[Replicated],
        index: NDArray[np.int64],
        weights: Floats,
    ) -> CrossedReplicates:
        """A statistic of a group of summaries, with draws of participants, of summaries and of both.

        Args:
            statistic: takes one (B, S) table per element of ``tables`` and (B, S) weights of the summaries, returns
                (B,), NaN where undefined; such as :func:`ratio_replicates`.
            tables: of all summaries of the study, from :meth:`summary_sums` or :mod:`analysis.spread`.
            index: (S,) the summaries of the group.
            weights: (B, S) from :meth:`summary_weights`.
        """
        drawn = [table.replicates[:, index] for table in tables]
        plain = [table.data[None, index] for table in tables]
        ones = np.ones_like(weights)
        fixed = [np.broadcast_to(own, weights.shape) for own in plain]
        return CrossedReplicates(
            value=float(statistic(*plain, ones[:1])[0]),
            people=statistic(*drawn, ones),
            units=statistic(*fixed, weights),
            both=statistic(*drawn, weights),
            participants=self.participant_count,
            summaries=int(index.size),
        )

    def summary_weights(self, size: int) -> Floats:
        """Fresh multiplicities for a group of ``size`` summaries, (B, size)."""
        return multiplicities(self._generator, draws=self.draws, size=size)


def quotients(above: Floats, below: Floats) -> Floats:
    """``above / below`` of equal shapes, NaN where there is nothing to divide by."""
    ratios: Floats = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    return ratios


def ratio_replicates(numerators: Floats, denominators: Floats, weights: Floats) -> Floats:
    """Replicates of a ratio of sums over a group's summaries; all arguments (B, S), NaN where nothing was drawn."""
    below: Floats = (denominators * weights).sum(axis=1)
    above: Floats = (numerators * weights).sum(axis=1)
    return quotients(above, below)


def mean_replicates(statistics: Floats, weights: Floats) -> Floats:
    """Replicates of a mean over summaries of a statistic that is NaN where undefined; both (B, S)."""
    defined = ~np.isnan(statistics)
    return ratio_replicates(np.where(defined, statistics, 0.0), defined.astype(float), weights)


@dataclass(frozen=True, kw_only=True)
class TwoWayBootstrap:
    """How to resample participants and summaries; every statistic that is a formula of totals can use it.

    Attributes:
        draws: number of draws.
        seed: of their generator. With the same seed the same participants are drawn, whatever is added up.
        level: coverage of the intervals.
    """

    draws: int = 2000
    seed: int = 20180127
    level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.level)
        if self.draws < 2:
            raise ValueError(f"Expected two or more bootstrap draws, got {self.draws}.")

    def totals(
        self, values: ArrayLike, participants: ArrayLike, summaries: ArrayLike, *, strata: ArrayLike | None = None
    ) -> CrossedTotals:
        """Totals of columns over all answers, each answer weighing w_participant · w_summary.

        Args:
            values: (A, M) numbers to add up, without NaN; such as right answers and answers.
            participants, summaries: (A,) labels of any kind.
            strata: (A,) group of each answer's summary, such as its network; summaries are drawn within their groups,
                so that every draw has as many of each. ``None``: one group.

        Returns:
            Totals of the data and of the draws.
        """
        columns = np.asarray(values, dtype=float)
        people, units = pd.factorize(np.asarray(participants))[0], pd.factorize(np.asarray(summaries))[0]
        if columns.ndim != 2 or columns.shape[0] != people.size or people.size != units.size:
            raise ValueError(
                f"Expected values of shape (answers, columns) with a participant and a summary each, got "
                f"{columns.shape}, {people.shape} and {units.shape}."
            )
        if (people < 0).any() or (units < 0).any() or np.isnan(columns).any():
            raise ValueError("Expected a participant, a summary and numbers for every answer, got missing ones.")
        generator = np.random.default_rng(self.seed)
        bootstrap = CrossedBootstrap(people, units, draws=self.draws, generator=generator, level=self.level)
        weights = self._summary_weights(units, strata, generator)
        stacked = np.empty((1 + 3 * self.draws, columns.shape[1]))
        for at in range(columns.shape[1]):
            sums, replicates = bootstrap.summary_sums(columns[:, at])
            both = np.einsum("bs,bs->b", replicates, weights)
            stacked[:, at] = np.concatenate([[sums.sum()], replicates.sum(axis=1), weights @ sums, both])
        groups = 1 if strata is None else len(pd.unique(np.asarray(strata)))
        return CrossedTotals(
            values=stacked,
            participants=bootstrap.participant_count,
            summaries=max(1, bootstrap.summary_count - groups + 1),
            level=self.level,
        )

    def _summary_weights(
        self, units: NDArray[np.int64], strata: ArrayLike | None, generator: np.random.Generator
    ) -> Floats:
        count = int(units.max(initial=-1)) + 1
        if strata is None:
            return multiplicities(generator, draws=self.draws, size=count)
        own = pd.factorize(np.asarray(strata))[0]
        groups = np.zeros(count, dtype=np.int64)
        groups[units] = own
        if own.shape != units.shape or (groups[units] != own).any():
            raise ValueError("Expected one stratum per answer and each summary in one stratum only.")
        weights = np.empty((self.draws, count))
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            weights[:, members] = multiplicities(generator, draws=self.draws, size=members.size)
        return weights


@dataclass(frozen=True)
class CrossedTotals:
    """Totals of M columns, of the data and of B draws of participants, of summaries and of both.

    Attributes:
        values: (1 + 3B, M); apply a formula to its columns and give the result to :meth:`estimate`.
        participants, summaries: to draw from; of summaries, one less for each stratum beyond the first.
        level: coverage of the intervals.
    """

    values: Floats
    participants: int
    summaries: int
    level: float

    def estimate(
        self,
        formula: Floats,
        *,
        n: int,
        bounds: tuple[float, float] = (-np.inf, np.inf),
        correct_bias: bool = False,
        undefined: str = "nothing to divide by",
    ) -> Estimate:
        """An estimate from a formula of the totals: (1 + 3B,), the data first; ``undefined`` is the reason for NaN."""
        if np.isnan(formula[0]):
            return Estimate.undefined(undefined, n=n)
        people, units, both = np.split(formula[1:], 3)
        replicates = CrossedReplicates(float(formula[0]), people, units, both, self.participants, self.summaries)
        return replicates.estimate(n=n, level=self.level, bounds=bounds, correct_bias=correct_bias)


def two_way_mean(
    values: ArrayLike,
    participants: ArrayLike,
    summaries: ArrayLike,
    *,
    draws: int,
    generator: np.random.Generator,
    level: float = 0.95,
) -> Estimate:
    """Mean of crossed answers with the two-way bootstrap interval.

    Args:
        values: (A,) numbers, such as 1 for a named summary and 0 for "No common part".
        participants, summaries: (A,) codes from 0.
        draws: number of bootstrap draws.
        generator: seeded source of the draws.
        level: coverage.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.size == 0:
        return Estimate.undefined("no answers")
    bootstrap = CrossedBootstrap(participants, summaries, draws=draws, generator=generator, level=level)
    sums, replicates = bootstrap.summary_sums(numbers)
    counts, count_replicates = bootstrap.summary_sums(np.ones_like(numbers))
    tables = (Replicated(sums, replicates), Replicated(counts, count_replicates))
    weights = bootstrap.summary_weights(bootstrap.summary_count)
    everything = np.arange(bootstrap.summary_count)
    mean = bootstrap.replicates(ratio_replicates, tables, everything, weights)
    return mean.estimate(n=int(numbers.size), level=level)
