"""Do better networks yield more summaries: paired differences over classes, rank correlation, exact permutation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.estimates import Estimate
from analysis.intervals import t_mean
from analysis.resampling import TwoWayBootstrap, quotients

EXACT_PERMUTATIONS = 65_536
"""Permutations are enumerated up to this number, drawn beyond."""
COMPARED = ("summaries", "nameable", "distinct_names")


@dataclass(frozen=True)
class PermutationTest:
    """A permutation test.

    Attributes:
        statistic: of the data.
        p_value: two-sided, (b + 1) / (m + 1) with b of m other permutations at least as extreme: never 0.
        permutations: m, the permutations looked at besides the data.
        exact: whether these are all there are.
    """

    statistic: float
    p_value: float
    permutations: int
    exact: bool


@dataclass(frozen=True)
class Comparison:
    """Two networks compared on one count over the classes they share; the first one is the more accurate.

    Attributes:
        first, second: networks.
        measure: one of ``COMPARED``.
        difference: mean of first minus second over classes, with its interval.
        p_value: exact permutation; None without classes in common.
        p_holm: the same, adjusted by Holm's method for all pairs of this measure.
        accuracy_difference: accuracy of first minus second; None where unknown.
    """

    first: str
    second: str
    measure: str
    difference: Estimate
    p_value: float | None
    p_holm: float | None
    accuracy_difference: float | None


def _extreme(values: NDArray[np.float64], statistic: float) -> int:
    return int((np.abs(values) >= abs(statistic) - 1e-9).sum())


def paired_permutation(differences: ArrayLike, *, generator: np.random.Generator, draws: int) -> PermutationTest:
    """Sign-flip test of a mean paired difference of zero.

    Args:
        differences: (G,) one difference per class, without NaN.
        generator: seeded source of flips when there are too many to enumerate.
        draws: number of random flips then.

    Raises:
        ValueError: without differences.
    """
    values = np.asarray(differences, dtype=float).ravel()
    if values.size == 0:
        raise ValueError("Expected at least one paired difference, got none.")
    statistic = float(values.mean())
    exact = 2**values.size <= EXACT_PERMUTATIONS
    if exact:
        flips = np.array(list(itertools.product([1.0, -1.0], repeat=values.size)))[1:]
    else:
        flips = generator.choice([1.0, -1.0], size=(draws, values.size))
    extreme = _extreme(flips @ values / values.size, statistic)
    return PermutationTest(statistic, (extreme + 1) / (len(flips) + 1), len(flips), exact)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.rankdata(values), dtype=np.float64)


def spearman_permutation(
    first: ArrayLike, second: ArrayLike, *, generator: np.random.Generator, draws: int
) -> PermutationTest | None:
    """Spearman's rank correlation with a permutation p.

    Args:
        first, second: (G,) numbers; ties get mean ranks.
        generator: seeded source of orders when there are too many to enumerate.
        draws: number of random orders then.

    Returns:
        The test, or None with fewer than three pairs or when one side does not vary.
    """
    x, y = _ranks(np.asarray(first, dtype=float)), _ranks(np.asarray(second, dtype=float))
    if x.size != y.size:
        raise ValueError(f"Expected as many numbers on both sides, got {x.size} and {y.size}.")
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    x = (x - x.mean()) / float(x.std())
    y = (y - y.mean()) / float(y.std())
    statistic = float(x @ y / x.size)
    exact = math.factorial(x.size) <= EXACT_PERMUTATIONS
    if exact:
        orders = np.array(list(itertools.permutations(range(x.size))))[1:]
    else:
        orders = generator.permuted(np.tile(np.arange(x.size), (draws, 1)), axis=1)
    extreme = _extreme(y[orders] @ x / x.size, statistic)
    return PermutationTest(statistic, (extreme + 1) / (len(orders) + 1), len(orders), exact)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p values, in the order given: they hold for the whole family at once."""
    return _adjusted(p_values, "holm")


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's (1995) adjusted p values, in the order given: for exploration."""
    return _adjusted(p_values, "fdr_bh")


def _adjusted(p_values: Sequence[float], method: str) -> list[float]:
    if not len(p_values):
        return []
    return [float(value) for value in multipletests(p_values, method=method)[1]]


def crossed_difference(
    values: ArrayLike,
    first: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    bootstrap: TwoWayBootstrap | None = None,
) -> Estimate:
    """Mean of one group of summaries minus that of another, such as the nameability of two networks.

    Participants are drawn once for both groups, so their habits cancel; summaries are drawn within their group.

    Args:
        values: (A,) one number per answer, such as 1 for a name and 0 for none.
        first: (A,) true for answers about the first group.
        participants, summaries: (A,) labels.
        bootstrap: draws, seed and level.
    """
    boot = bootstrap or TwoWayBootstrap()
    numbers, inside = np.asarray(values, dtype=float).ravel(), np.asarray(first, dtype=float).ravel()
    if not inside.any() or inside.all():
        return Estimate.undefined("it needs answers about both groups", n=int(numbers.size))
    columns = np.stack([numbers * inside, inside, numbers * (1 - inside), 1 - inside], axis=1)
    drawn = boot.totals(columns, participants, summaries, strata=inside)
    totals = drawn.values
    difference = quotients(totals[:, 0], totals[:, 1]) - quotients(totals[:, 2], totals[:, 3])
    return drawn.estimate(difference, n=int(numbers.size))


def compare_networks(
    cells: pd.DataFrame, *, generator: np.random.Generator, draws: int, level: float = 0.95
) -> list[Comparison]:
    """Compare every pair of networks on every count, paired over classes (and methods).

    Args:
        cells: from :func:`analysis.parts.exhaustiveness`.
        generator: seeded.
        draws: random permutations where they are not enumerated.
        level: coverage of the intervals.

    Returns:
        Comparisons by measure; in each pair the more accurate network is first, alphabetical where unknown or equal.
    """
    known = cells.dropna(subset=["network_accuracy"]).groupby("network")["network_accuracy"].first()
    networks = sorted(cells["network"].unique(), key=lambda name: (-known.get(name, -1.0), name))
    compared = []
    for measure in COMPARED:
        table = cells.pivot_table(index=["class", "method"], columns="network", values=measure, aggfunc="first")
        table = table.reindex(columns=networks)  # a network without any value of this measure has no column
        pairs = []
        for first, second in itertools.combinations(networks, 2):
            differences = (table[first] - table[second]).dropna().to_numpy(dtype=float)
            test = paired_permutation(differences, generator=generator, draws=draws) if differences.size else None
            both = first in known.index and second in known.index
            pairs.append(
                Comparison(
                    first=str(first),
                    second=str(second),
                    measure=measure,
                    difference=t_mean(differences, level=level),
                    p_value=test.p_value if test else None,
                    p_holm=None,
                    accuracy_difference=float(known[first] - known[second]) if both else None,
                )
            )
        compared += _with_holm(pairs)
    return compared


def _with_holm(pairs: list[Comparison]) -> list[Comparison]:
    tested = [pair.p_value for pair in pairs if pair.p_value is not None]
    adjusted = iter(holm(tested))
    return [
        Comparison(**{**vars(pair), "p_holm": next(adjusted) if pair.p_value is not None else None}) for pair in pairs
    ]


def accuracy_correlation(
    cells: pd.DataFrame, measure: str, *, generator: np.random.Generator, draws: int
) -> PermutationTest | str:
    """Spearman's ρ between a network's accuracy and its mean count per class.

    Args:
        cells: from :func:`analysis.parts.exhaustiveness`.
        measure: one of ``COMPARED``.
        generator: seeded.
        draws: random permutations where they are not enumerated.

    Returns:
        The test, or the reason why there is none.
    """
    known = cells.dropna(subset=["network_accuracy"])
    means = known.groupby("network").agg(accuracy=("network_accuracy", "first"), mean=(measure, "mean"))
    if len(means) < 3:
        return f"a rank correlation needs three networks of known accuracy, there {_are(len(means))}"
    test = spearman_permutation(means["accuracy"], means["mean"], generator=generator, draws=draws)
    return test if test is not None else "all networks are equal on one side"


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
