"""How the names of each summary spread, for the data and for every bootstrap draw at once.

The definitions are those of :mod:`analysis.diversity` and :mod:`analysis.agreement`; this module computes the same
numbers for thousands of weighted draws without a Python loop over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from analysis.estimates import Estimate
from analysis.resampling import CrossedBootstrap, Replicated, mean_replicates

Floats = NDArray[np.float64]
SPREAD_STATISTICS = ("modal_share", "entropy", "entropy_miller_madow", "entropy_chao_shen", "pairwise_agreement")
BIASED = frozenset({"modal_share", "entropy", "entropy_miller_madow", "entropy_chao_shen"})
"""Statistics that drawing people twice pushes to one side; their intervals are shifted back."""
ENTROPIES = frozenset({"entropy", "entropy_miller_madow", "entropy_chao_shen"})
"""Estimates of one and the same H; they share the interval around that of Chao and Shen, the least biased."""
COEFFICIENTS = ("krippendorff_alpha", "gwet_ac1", "fleiss_kappa")


def shares(above: Floats, below: Floats) -> Floats:
    """Quotients, NaN where there is nothing to divide by; the arguments broadcast."""
    ratios: Floats = np.divide(
        above, below, out=np.full(np.broadcast_shapes(above.shape, below.shape), np.nan), where=below > 0
    )
    return ratios


def _segment_statistics(counts: Floats, squares: Floats, starts: NDArray[np.int64]) -> dict[str, Floats]:
    """Spread of weighted names, segment by segment.

    ``counts`` (b, K) are sums of weights and ``squares`` (b, K) sums of squared weights per summary-and-name cell;
    ``starts`` (T,) is where each summary's cells begin. Pairs of one person with a copy of themselves do not count as
    agreement: their weight, the sum of squares, is taken out.
    """
    total = np.add.reduceat(counts, starts, axis=1)
    own = np.add.reduceat(squares, starts, axis=1)
    logs = np.log2(counts, out=np.zeros_like(counts), where=counts > 0)
    weighted_logs = np.add.reduceat(counts * logs, starts, axis=1)
    names = np.add.reduceat((counts > 0).astype(float), starts, axis=1)
    log_total = np.log2(total, out=np.zeros_like(total), where=total > 0)
    entropy = np.maximum(log_total - shares(weighted_logs, total), 0.0)
    agreeing = np.add.reduceat(counts**2, starts, axis=1) - own
    return {
        "modal_share": shares(np.maximum.reduceat(counts, starts, axis=1), total),
        "modal_count": np.maximum.reduceat(counts, starts, axis=1),
        "entropy": entropy,
        "entropy_miller_madow": entropy + shares(names - 1, 2 * total * np.log(2)),
        "entropy_chao_shen": _chao_shen(counts, starts, total),
        "pairwise_agreement": shares(agreeing, total**2 - own),
    }


def _chao_shen(counts: Floats, starts: NDArray[np.int64], total: Floats) -> Floats:
    """:func:`analysis.diversity.chao_shen` segment by segment."""
    once = np.add.reduceat((counts == 1).astype(float), starts, axis=1)
    coverage = np.where(once < total, 1 - shares(once, total), shares(np.ones_like(total), total))
    cells = np.diff([*starts, counts.shape[1]])
    n = np.repeat(total, cells, axis=1)
    own = np.repeat(np.nan_to_num(shares(coverage, total)), cells, axis=1) * counts
    logs = np.log2(own, out=np.zeros_like(own), where=own > 0)
    unseen = np.where(own > 0, 1 - (1 - own) ** n, 1.0)
    bits: Floats = np.where(total > 0, np.add.reduceat(-own * logs / unseen, starts, axis=1), np.nan)
    return bits


def name_spread(bootstrap: CrossedBootstrap, names: ArrayLike) -> dict[str, Replicated]:
    """Spread of names over every summary, for the data and every draw of participants.

    Args:
        bootstrap: draws over the answers.
        names: (A,) name code of each answer, −1 where there is none. A participant has at most one answer per summary.

    Returns:
        ``SPREAD_STATISTICS`` and ``modal_count``, the (weighted) number of people behind the modal name.
    """
    codes = np.asarray(names, dtype=np.int64)
    given = codes >= 0
    keys = bootstrap.summaries[given] * (int(codes.max(initial=0)) + 1) + codes[given]
    cells, cell_of = np.unique(keys, return_inverse=True)
    summary_of_cell = cells // (int(codes.max(initial=0)) + 1)
    present, starts = np.unique(summary_of_cell, return_index=True)
    statistics = (*SPREAD_STATISTICS, "modal_count")
    out = {
        name: Replicated(
            np.full(bootstrap.summary_count, np.nan), np.full((bootstrap.draws, bootstrap.summary_count), np.nan)
        )
        for name in statistics
    }
    if present.size == 0:
        return out
    table = sparse.csr_array(
        (np.ones(int(given.sum())), (cell_of, bootstrap.participants[given])),
        shape=(cells.size, bootstrap.participant_count),
    )
    ones = np.ones((1, bootstrap.participant_count))
    plain = _segment_statistics((table @ ones.T).T, (table @ ones.T).T, starts)
    for part, weights in bootstrap.weight_chunks():
        drawn = _segment_statistics((table @ weights.T).T, (table @ (weights**2).T).T, starts)
        for name in statistics:
            out[name].replicates[part, present] = drawn[name]
    for name in statistics:
        out[name].data[present] = plain[name][0]
    return out


def mean_spread(
    statistic: str,
    spread: Mapping[str, Replicated],
    bootstrap: CrossedBootstrap,
    index: NDArray[np.int64],
    weights: Floats,
    *,
    level: float,
) -> Estimate | None:
    """Mean of a statistic over the summaries of a group, with the interval of what endless raters would give.

    Few raters make the modal share too large and the plug-in entropy too small. The interval of a modal share is
    centred where the bias, as resampling people shows it summary by summary, is taken out; that of every entropy lies
    around the estimate of Chao and Shen. The value stays that of the data and is always inside.

    Args:
        statistic: a key of ``spread``: one of ``SPREAD_STATISTICS``, with any suffix such as ``_named``.
        spread: from :func:`name_spread`.
        bootstrap, index, weights: draws, the group's summaries, and their (B, S) multiplicities.
        level: coverage.

    Returns:
        The estimate, ``n`` summaries; None when it is undefined for all of them.
    """
    base = next((name for name in sorted(SPREAD_STATISTICS, key=len, reverse=True) if statistic.startswith(name)), "")
    data = spread[statistic].data[index]
    defined = ~np.isnan(data)
    if not defined.any():
        return None
    value, centre, widen = float(data[defined].mean()), None, 1.0
    table = spread[statistic]
    if base in ENTROPIES:
        table = spread[statistic.replace(base, "entropy_chao_shen")]
        centre = float(np.nanmean(table.data[index]))
    elif base in BIASED:
        drawn = table.replicates[:, index][:, defined]
        known = ~np.isnan(drawn)
        average = shares(np.where(known, drawn, 0.0).sum(axis=0), known.sum(axis=0).astype(float))
        corrected = 2 * data[defined] - np.where(np.isnan(average), data[defined], average)
        centre = float(corrected.mean())
        if defined.sum() > 2 and data[defined].std() > 0:
            widen = max(1.0, float(corrected.std() / data[defined].std()))
    replicates = replace(bootstrap.replicates(mean_replicates, (table,), index, weights), value=value)
    bounds = (0.0, np.inf if base in ENTROPIES else 1.0)
    return replicates.estimate(n=int(defined.sum()), level=level, bounds=bounds, centre=centre, widen=widen)


def coefficient_replicates(counts: ArrayLike | sparse.csr_array, weights: ArrayLike) -> Mapping[str, Floats]:
    """Nominal agreement coefficients for many weightings of the units.

    Args:
        counts: (U, K) ratings per unit and category, dense or sparse.
        weights: (B, U) how often each unit was drawn.

    Returns:
        ``COEFFICIENTS``, (B,) each, NaN where undefined. Categories are those of ``counts`` in every draw.
    """
    table = sparse.csr_array(counts, dtype=float)
    times = np.asarray(weights, dtype=float)
    sizes = np.asarray(table.sum(axis=1), dtype=float).ravel()
    squares = np.asarray(table.multiply(table).sum(axis=1), dtype=float).ravel()
    paired = sizes >= 2
    agreement = np.where(paired, (squares - sizes) / np.where(paired, sizes * (sizes - 1), 1), 0.0)
    observed = shares(times @ agreement, times @ paired.astype(float))

    unit_shares = sparse.diags_array(1 / np.where(sizes > 0, sizes, 1)) @ table
    share_sum = shares(np.asarray(times @ unit_shares, dtype=float), (times @ (sizes > 0).astype(float))[:, None])
    same = (share_sum**2).sum(axis=1)
    categories = int((np.asarray(table.sum(axis=0)).ravel() > 0).sum())
    ac_chance = (1 - same) / (categories - 1) if categories > 1 else np.full_like(same, 1.0)

    pair_times = times * paired
    pairable = pair_times @ sizes
    disagreeing = np.where(paired, (sizes**2 - squares) / np.where(paired, sizes - 1, 1), 0.0)
    totals = np.asarray(pair_times @ table, dtype=float)
    alpha_chance = shares(pairable**2 - (totals**2).sum(axis=1), pairable * (pairable - 1))
    alpha_observed = shares(pair_times @ disagreeing, pairable)
    return {
        "krippendorff_alpha": 1 - shares(alpha_observed, alpha_chance),
        "gwet_ac1": shares(observed - ac_chance, 1 - ac_chance),
        "fleiss_kappa": shares(observed - same, np.where(1 - same > 1e-12, 1 - same, 0.0)),
    }
