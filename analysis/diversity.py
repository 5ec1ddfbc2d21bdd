"""How names spread over one summary: entropy, pairwise agreement, modal share. Every function takes counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.estimates import Estimate
from analysis.intervals import wilson


def _counts(counts: ArrayLike) -> NDArray[np.int64]:
    numbers = np.asarray(counts)
    if numbers.size and not (np.issubdtype(numbers.dtype, np.integer) and bool((numbers >= 0).all())):
        raise ValueError(f"Expected whole counts of 0 or more, got {numbers.tolist()}.")
    flat = numbers.ravel().astype(np.int64)
    return flat[flat > 0]


def entropy(counts: ArrayLike) -> Estimate:
    """Shannon entropy H = Σ p·log₂(1/p) in bits, plug-in: 0 when all say the same, log₂ K when K names share evenly.

    Args:
        counts: how often each name was given, whole numbers; zeros are ignored.

    Raises:
        ValueError: for counts that are not whole or are negative.
    """
    numbers = _counts(counts)
    n = int(numbers.sum())
    if n == 0:
        return Estimate.undefined("no names")
    shares = numbers / n
    return Estimate(value=float((shares * -np.log2(shares)).sum()) + 0.0, n=n)


def miller_madow(counts: ArrayLike) -> Estimate:
    """Entropy in bits with the correction (K − 1) / (2 n ln 2) of Miller (1955) for the plug-in's downward bias.

    Arguments and errors as in :func:`entropy`.
    """
    plug_in = entropy(counts)
    if plug_in.value is None:
        return plug_in
    names = int(_counts(counts).size)
    return Estimate(value=plug_in.value + (names - 1) / (2 * plug_in.n * math.log(2)), n=plug_in.n)


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


def pairwise_agreement(counts: ArrayLike) -> Estimate:
    """Probability that two different people gave the same name, Σ c(c−1) / n(n−1) (Simpson 1949); unbiased in n.

    Arguments and errors as in :func:`entropy`. Undefined with fewer than two names.
    """
    numbers = _counts(counts)
    n = int(numbers.sum())
    if n < 2:
        return Estimate.undefined("fewer than two names", n=n)
    return Estimate(value=float((numbers * (numbers - 1)).sum() / (n * (n - 1))), n=n)


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
