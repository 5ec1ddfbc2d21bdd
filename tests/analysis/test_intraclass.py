"""Intraclass correlations: oracle K of the statistics design, with intervals as R's psych prints them."""

import numpy as np
import pytest

from analysis.intraclass import IntraclassForm, intraclass_correlation
from analysis.resampling import UnitBootstrap

# Shrout and Fleiss (1979): six targets, four judges; here (raters, units).
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).T


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [
        ("1,1", 0.165742, -0.133, 0.723),
        ("A,1", 0.289764, 0.019, 0.761),
        ("C,1", 0.714841, 0.342, 0.946),
        ("1,k", 0.442797, -0.884, 0.912),
        ("A,k", 0.620051, 0.071, 0.927),
        ("C,k", 0.909316, 0.676, 0.986),
    ],
)
def test_shrout_and_fleiss(form, value, low, high):
    found = intraclass_correlation(SHROUT_FLEISS, form=form)
    assert (round(found.value, 6), round(found.low, 3), round(found.high, 3)) == (value, low, high)


def test_a_constant_offset_matters_for_agreement_only():
    one = np.array([1.0, 2, 4, 7, 7])
    both = np.stack([one, one + 3])
    assert intraclass_correlation(both, form="C,1").value == pytest.approx(1)
    assert intraclass_correlation(both, form="A,1").value < 0.7


@pytest.mark.parametrize("form", list(IntraclassForm))
def test_each_bootstrap_draw_is_the_coefficient_of_the_drawn_units(form):
    from analysis.intraclass import _MeanSquares

    drawn = np.array([0, 0, 2, 3, 4, 4])
    weights = np.bincount(drawn, minlength=6).astype(float)[None, :]
    replicate = _MeanSquares.of(SHROUT_FLEISS.astype(float), weights).correlation(form)[0]
    assert replicate == pytest.approx(intraclass_correlation(SHROUT_FLEISS[:, drawn], form=form).value)
    estimate = intraclass_correlation(SHROUT_FLEISS, form=form, bootstrap=UnitBootstrap(draws=200))
    assert estimate.low < estimate.high


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [([[1, 2, 3]], "two raters"), ([[1, np.nan], [2, 3]], "1 of 4"), ([[2, 2], [2, 2]], "do not vary")],
)
def test_undefined_has_a_reason(ratings, reason):
    assert reason in intraclass_correlation(ratings, form="A,1").reason


def test_perfect_agreement_has_no_interval():
    perfect = intraclass_correlation([[1, 2, 3], [1, 2, 3]], form="A,1")
    assert (perfect.value, perfect.low) == (1, None)
