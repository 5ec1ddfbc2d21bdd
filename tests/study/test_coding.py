"""Agreement of two coders, by hand and against the literature."""

import pytest

from study.coding import coder_agreement


def pairs(**counts):
    return [(cell[0], cell[1]) for cell, number in counts.items() for _ in range(number)]


def test_kappa_by_hand():
    """Share 35 of 50 agree; by chance 0.5·0.6 + 0.5·0.4 = 0.5; κ = 0.2/0.5 = 0.4."""
    agreement = coder_agreement(pairs(yy=20, yn=5, ny=10, nn=15))
    assert (agreement.names, agreement.agreed, agreement.share) == (50, 35, 0.7)
    assert agreement.kappa == pytest.approx(0.4)


def test_alpha_of_krippendorff_s_example():
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section A: binary data of two observers, ten
    units, α = 0.095.
    """
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    agreement = coder_agreement([(str(a), str(b)) for a, b in zip(first, second, strict=True)])
    assert agreement.alpha == pytest.approx(0.095, abs=0.0005)


def test_undefined_is_none():
    assert coder_agreement([]) == coder_agreement(())
    assert coder_agreement([]).share is None
    same = coder_agreement([("a", "a"), ("a", "a")])
    assert (same.share, same.kappa, same.alpha) == (1.0, None, None)
