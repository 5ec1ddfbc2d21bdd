"""Agreement against published examples; the letters name the oracles of the statistics design."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis import agreement
from analysis.agreement import Level, PercentConvention, Weighting

NAN = np.nan
# A. Krippendorff (2011): four observers, twelve units.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
# D. Fleiss (1971): counts of six raters over five categories.
FLEISS_WORDS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 "
    "51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
FLEISS = np.array([[int(digit) for digit in word] for word in FLEISS_WORDS.split()])
# F. Fifteen units, up to five observers.
UNIT_WORDS = "112.2 1101. 2333. .00.0 000.0 000.0 102.1 1.20. 222.2 2111. .100. 0000. 1222. 33223 111.1"
UNITS = np.array([[NAN if digit == "." else float(digit) for digit in word] for word in UNIT_WORDS.split()]).T
# G. Two raters.
TWO = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])


def rounded(estimate, digits):
    assert estimate.value is not None, estimate.reason
    return round(estimate.value, digits)


@pytest.mark.parametrize(
    ("level", "alpha"),
    [(Level.NOMINAL, 0.743421), (Level.ORDINAL, 0.815388), (Level.INTERVAL, 0.849107), (Level.RATIO, 0.797403)],
)
def test_alpha_of_krippendorffs_example(level, alpha):
    counts, values = agreement.counts_from_ratings(KRIPPENDORFF)
    assert rounded(agreement.krippendorff_alpha(counts, level=level, values=values), 6) == alpha


def test_other_coefficients_of_krippendorffs_example():
    counts, _ = agreement.counts_from_ratings(KRIPPENDORFF)
    assert rounded(agreement.gwet_ac(counts), 5) == 0.77544
    assert rounded(agreement.brennan_prediger(counts), 5) == 0.77273
    assert rounded(agreement.fleiss_kappa(counts), 5) == 0.76117
    pooled = agreement.percent_agreement(counts, convention=PercentConvention.POOLED_PAIRS)
    assert pooled.value == pytest.approx(43 / 55)
    mean = agreement.percent_agreement(counts, convention=PercentConvention.MEAN_OVER_UNITS)
    assert rounded(mean, 5) == 0.81818


def test_conger_depends_on_who_rated():
    # The published 0.76282 belongs to the variant in which the lone rating of the last unit is the third observer's.
    ratings = KRIPPENDORFF.copy()
    ratings[1, 11], ratings[2, 11] = NAN, 3
    assert rounded(agreement.conger_kappa(ratings), 5) == 0.76282
    assert rounded(agreement.conger_kappa(KRIPPENDORFF), 5) == 0.76207


def test_fleiss_1971():
    kappa = agreement.fleiss_kappa(FLEISS)
    assert rounded(kappa, 6) == 0.430245
    assert round(kappa.standard_error, 4) == 0.0542
    assert rounded(agreement.brennan_prediger(FLEISS), 6) == 0.444444
    assert rounded(agreement.krippendorff_alpha(FLEISS, level=Level.NOMINAL), 6) == 0.433410
    assert rounded(agreement.gwet_ac(FLEISS), 5) == 0.44788


@pytest.mark.parametrize(
    ("weighting", "ac", "fleiss"),
    [
        (Weighting.QUADRATIC, 0.83043, 0.75072),
        (Weighting.LINEAR, 0.68964, 0.61185),
        (Weighting.IDENTITY, 0.49662, 0.45762),
    ],
)
def test_weighted_coefficients(weighting, ac, fleiss):
    counts, values = agreement.counts_from_ratings(UNITS)
    weights = agreement.weight_matrix(values, weighting)
    assert rounded(agreement.gwet_ac(counts, weights=weights), 5) == ac
    assert rounded(agreement.fleiss_kappa(counts, weights=weights), 5) == fleiss


def test_fifteen_units():
    counts, values = agreement.counts_from_ratings(UNITS)
    quadratic = agreement.weight_matrix(values, Weighting.QUADRATIC)
    assert rounded(agreement.brennan_prediger(counts, weights=quadratic), 5) == 0.80622
    interval = agreement.krippendorff_alpha(counts, level=Level.INTERVAL, values=values)
    assert rounded(interval, 5) == 0.77186
    assert rounded(agreement.krippendorff_alpha(counts, level=Level.NOMINAL), 5) == 0.48053
    assert rounded(agreement.conger_kappa(UNITS), 5) == 0.46927
    assert rounded(agreement.brennan_prediger(counts), 5) == 0.48741
    assert round(agreement.gwet_ac(counts).standard_error, 5) == 0.12197


def test_two_raters():
    counts = agreement.counts_from_confusion(TWO)
    cohen, ac = agreement.cohen_kappa(TWO), agreement.gwet_ac(counts)
    assert (rounded(cohen, 5), round(cohen.standard_error, 5)) == (0.79641, 0.05891)
    assert rounded(ac, 5) == 0.84933
    # The published 0.04322 divides by n, as one does for a table of two raters; ours by n − 1, as for several raters.
    assert round(ac.standard_error * np.sqrt(99 / 100), 5) == 0.04322
    assert rounded(agreement.scott_pi(TWO), 5) == 0.79624
    assert rounded(agreement.brennan_prediger(counts), 5) == 0.83500
    assert rounded(agreement.krippendorff_alpha(counts, level=Level.NOMINAL), 5) == 0.79726
    percent = agreement.percent_agreement(counts, convention=PercentConvention.POOLED_PAIRS)
    assert percent.value == pytest.approx(0.89)


def test_weighted_cohen_kappa_by_hand():
    # Linear weights: observed 1 − 0.5·2/4 = 0.75; marginals (2,1,1)/4 and (1,1,2)/4 give chance (3 + 2.5 + 2.5)/16.
    table = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 1]])
    weights = agreement.weight_matrix([0, 1, 2], Weighting.LINEAR)
    assert agreement.cohen_kappa(table, weights=weights).value == pytest.approx((0.75 - 0.5) / (1 - 0.5))


@pytest.mark.parametrize(
    ("counts", "reason"),
    [([[4, 0], [4, 0]], agreement.ONE_CATEGORY), ([[1, 0], [0, 1]], agreement.NO_PAIRS), ([[5], [3]], "one category")],
)
def test_undefined_is_a_reason(counts, reason):
    for coefficient in (agreement.krippendorff_alpha(counts, level=Level.NOMINAL), agreement.fleiss_kappa(counts)):
        assert not coefficient.defined
        assert reason in coefficient.reason


def test_a_single_rater_has_no_agreement():
    assert not agreement.conger_kappa([[1.0, 2.0, 1.0]]).defined


def test_measurement_level_must_come_with_values():
    with pytest.raises(ValueError, match="values="):
        agreement.krippendorff_alpha([[1, 1]], level=Level.ORDINAL)
    with pytest.raises(TypeError):
        agreement.krippendorff_alpha([[1, 1]])


def test_negative_or_broken_counts_are_refused():
    with pytest.raises(ValueError, match="whole counts"):
        agreement.gwet_ac([[0.5, 1.5]])


@given(hnp.arrays(np.int64, (6, 4), elements=st.integers(0, 5)), st.permutations(range(4)))
def test_nominal_coefficients_do_not_depend_on_the_order_of_categories(counts, order):
    for coefficient in (
        lambda table: agreement.krippendorff_alpha(table, level=Level.NOMINAL),
        agreement.gwet_ac,
        agreement.fleiss_kappa,
    ):
        before, after = coefficient(counts), coefficient(counts[:, order])
        assert before.defined == after.defined
        if before.value is not None:
            assert after.value == pytest.approx(before.value, abs=1e-9)
            assert before.value <= 1 + 1e-12
