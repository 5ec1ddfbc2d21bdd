"""How names spread over one summary: entropy, pairwise agreement, modal share. Every function takes counts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.estimates import Estimate
from analysis.intervals import wilson
from analysis.resampling import UnitBootstrap, from_replicates

Floats = NDArray[np.float64]


def _counts(counts: ArrayLike) -> NDArray[np.int64]:
    numbers = np.asarray(counts)
    if numbers.size and not (np.issubdtype(numbers.dtype, np.integer) and bool((numbers >= 0).all())):
        raise ValueError(f"Expected whole counts of 0 or more, got {numbers.tolist()}.")
    flat = numbers.ravel().astype(np.int64)
    return flat[flat > 0]


def _with_interval(
    value: float,
    counts: NDArray[np.int64],
    variance: float,
    statistic: Callable[[Floats], Floats],
    level: float,
    bootstrap: UnitBootstrap | None,
    top: float,
) -> Estimate:
    """A delta-method interval, or that of resampled people; ``variance`` is that of one person's contribution."""
    n = int(counts.sum())
    if n < 2:
        return Estimate(value=value, n=n, level=level, reason="no interval: it needs two or more names")
    if bootstrap is not None:
        generator = np.random.default_rng(bootstrap.seed)
        drawn = statistic(generator.multinomial(n, counts / n, size=bootstrap.draws).astype(float))
        return from_replicates(
            value, drawn, n=n, level=level, method="bootstrap over people", correct_bias=True, bounds=(0.0, top)
        )
    error = math.sqrt(max(variance, 0.0) / n)
    half = float(stats.norm.ppf(0.5 + level / 2)) * error
    return Estimate(
        value=value,
        n=n,
        low=max(0.0, value - half),
        high=min(top, value + half),
        standard_error=error,
        level=level,
        method="delta",
    )


def _bits(counts: Floats) -> Floats:
    shares = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(-(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=-1), dtype=float)


def entropy(counts: ArrayLike, *, level: float = 0.95, bootstrap: UnitBootstrap | None = None) -> Estimate:
    """Shannon entropy H = Σ p·log₂(1/p) in bits, plug-in: 0 when all say the same, log₂ K when K names share evenly.

    Args:
        counts: how often each name was given, whole numbers; zeros are ignored.
        level: coverage of the interval, by the delta method.
        bootstrap: resample people for the interval instead, corrected for the bias of few people.

    Raises:
        ValueError: for counts that are not whole or are negative.
    """
    numbers = _counts(counts)
    n = int(numbers.sum())
    if n == 0:
        return Estimate.undefined("no names")
    shares = numbers / n
    bits = float(_bits(numbers.astype(float))) + 0.0
    variance = float((shares * np.log2(shares) ** 2).sum()) - bits**2
    return _with_interval(bits, numbers, variance, _bits, level, bootstrap, math.inf)


def miller_madow(counts: ArrayLike, *, level: float = 0.95, bootstrap: UnitBootstrap | None = None) -> Estimate:
    """Entropy in bits with the correction (K − 1) / (2 n ln 2) of Miller (1955) for the plug-in's downward bias.

    Arguments and errors as in :func:`entropy`.
    """
    plug_in = entropy(counts, level=level)
    if plug_in.value is None:
        return plug_in
    numbers = _counts(counts)

    def corrected(drawn: Floats) -> Floats:
        names = (drawn > 0).sum(axis=-1)
        return np.asarray(_bits(drawn) + (names - 1) / (2 * drawn.sum(axis=-1) * math.log(2)), dtype=float)

    variance = (plug_in.standard_error or 0.0) ** 2 * plug_in.n
    value = float(corrected(numbers.astype(float)))
    return _with_interval(value, numbers, variance, corrected, level, bootstrap, math.inf)


def chao_shen(counts: ArrayLike) -> Estimate:
    """Entropy in bits by Chao and Shen (2003), who estimate from names given once how much was never heard.

    Σ −Cp·log₂(Cp) / (1 − (1 − Cp)ⁿ) with the coverage C = 1 − f₁/n, f₁ being the names given once; where all are, C is
    1/n. With ten to twenty names per summary its bias is some hundredths of a bit, where that of the plug-in is tenths.

    Arguments and errors as in :func:`entropy`.
    """
    numbers = _counts(counts)
    n = int(numbers.sum())
    if n == 0:
        return Estimate.undefined("no names")
    once = int((numbers == 1).sum())
    shares = (1 - once / n if once < n else 1 / n) * numbers / n
    bits = -(shares * np.log2(shares)) / (1 - (1 - shares) ** n)
    return Estimate(value=float(bits.sum()) + 0.0, n=n)


def _pairs(counts: Floats) -> Floats:
    n = counts.sum(axis=-1)
    return np.asarray((counts * (counts - 1)).sum(axis=-1) / (n * (n - 1)), dtype=float)


def pairwise_agreement(counts: ArrayLike, *, level: float = 0.95, bootstrap: UnitBootstrap | None = None) -> Estimate:
    """Probability that two different people gave the same name, Σ c(c−1) / n(n−1) (Simpson 1949); unbiased in n.

    Arguments and errors as in :func:`entropy`. Undefined with fewer than two names.
    """
    numbers = _counts(counts)
    n = int(numbers.sum())
    if n < 2:
        return Estimate.undefined("fewer than two names", n=n)
    shares = numbers / n
    variance = 4 * (float((shares**3).sum()) - float((shares**2).sum()) ** 2)
    return _with_interval(float(_pairs(numbers.astype(float))), numbers, variance, _pairs, level, bootstrap, 1.0)


def modal_share(counts: ArrayLike, *, denominator: int | None = None, level: float = 0.95) -> Estimate:
    """Share of people who gave the most frequent name, with Wilson's interval given that name.

    Args:
        counts: how often each name was given.
        denominator: people to divide by; ``None`` divides by those who named. Pass all raters to count the ones who
            saw no common part too. Always say which of the two a number is.
        level: coverage of the interval.

    Raises:
        ValueError: when the denominator is smaller than the number of names.
    """
    numbers = _counts(counts)
    named = int(numbers.sum())
    n = named if denominator is None else denominator
    if n < named:
        raise ValueError(f"Expected a denominator of at least the {named} names, got {n}.")
    if n == 0:
        return Estimate.undefined("no names" if denominator is None else "no answers")
    return wilson(int(numbers.max()) if named else 0, n, level=level)
