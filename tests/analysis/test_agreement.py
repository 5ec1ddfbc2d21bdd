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
    published = agreement.conger_kappa(ratings)
    assert (rounded(published, 5), round(published.standard_error, 5)) == (0.76282, 0.14917)
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
    # A table of two raters divides by n (Gwet 2008), several raters by n − 1 (Gwet 2014).
    assert round(agreement.gwet_ac(confusion=TWO).standard_error, 5) == 0.04322
    assert round(ac.standard_error * np.sqrt(99 / 100), 5) == 0.04322
    assert rounded(agreement.scott_pi(TWO), 5) == 0.79624
    assert rounded(agreement.brennan_prediger(counts), 5) == 0.83500
    assert rounded(agreement.krippendorff_alpha(counts, level=Level.NOMINAL), 5) == 0.79726
    percent = agreement.percent_agreement(counts, convention=PercentConvention.POOLED_PAIRS)
    assert percent.value == pytest.approx(0.89)


def test_standard_errors_of_krippendorffs_example():
    """As irrCAC prints them for its data set cac.raw4raters; they do not depend on who gave which rating."""
    errors = {
        agreement.gwet_ac: 0.14295,
        agreement.fleiss_kappa: 0.15302,
        agreement.brennan_prediger: 0.14472,
    }
    for coefficient, error in errors.items():
        assert round(coefficient(ratings=KRIPPENDORFF).standard_error, 5) == error


def test_every_form_of_the_same_ratings_gives_the_same_numbers():
    first = np.repeat([0, 1, 1, 2, 2], [13, 20, 7, 4, 56])
    second = np.repeat([0, 1, 2, 1, 2], [13, 20, 7, 4, 56])
    ratings = np.stack([first, second])
    words = np.array(["a", "b", "c"], dtype=object)[ratings]
    counts, _ = agreement.counts_from_ratings(ratings)
    for function in (agreement.gwet_ac, agreement.fleiss_kappa, agreement.brennan_prediger):
        values = [function(counts), function(ratings=ratings), function(ratings=words), function(confusion=TWO)]
        assert [form.value for form in values] == pytest.approx([values[0].value] * 4)
    assert agreement.cohen_kappa(ratings=words).value == pytest.approx(agreement.cohen_kappa(TWO).value)
    assert agreement.scott_pi(ratings=words).value == pytest.approx(agreement.scott_pi(TWO).value)
    conger = agreement.conger_kappa(ratings)
    assert conger.value == pytest.approx(agreement.cohen_kappa(TWO).value)
    alpha = agreement.krippendorff_alpha(ratings=words, level="nominal")
    assert alpha.value == pytest.approx(agreement.krippendorff_alpha(counts, level=Level.NOMINAL).value)


def test_randolph_is_free_marginal():
    assert rounded(agreement.randolph_kappa(FLEISS), 6) == 0.444444


def test_categories_that_were_offered_but_not_used_count_for_chance():
    ratings = np.array([["a", "b"], ["a", "a"]], dtype=object)  # half of the pairs agree
    assert agreement.brennan_prediger(ratings=ratings).value == pytest.approx(0)
    four = agreement.brennan_prediger(ratings=ratings, categories=["a", "b", "c", "d"])
    assert four.value == pytest.approx((0.5 - 0.25) / 0.75)
    with pytest.raises(ValueError, match="got also"):
        agreement.brennan_prediger(ratings=ratings, categories=["a", "c"])


def test_weights_by_name_by_matrix_and_refused():
    quadratic = agreement.weight_matrix([0, 1, 2, 3], Weighting.QUADRATIC)
    by_name = agreement.gwet_ac(ratings=UNITS, weights="quadratic")
    assert by_name.value == agreement.gwet_ac(ratings=UNITS, weights=quadratic).value
    assert rounded(by_name, 5) == 0.83043
    with pytest.raises(ValueError, match="symmetric"):
        agreement.gwet_ac(ratings=UNITS, weights=np.triu(np.ones((4, 4))))
    with pytest.raises(ValueError, match="shape"):
        agreement.gwet_ac(ratings=UNITS, weights=np.eye(3))


def test_ordinal_weights_by_hand():
    # Gwet (2014): 1 − C(steps + 1, 2) / C(K, 2), here with K = 4 and so six pairs.
    assert agreement.weight_matrix([1, 2, 5, 9], "ordinal")[0].tolist() == pytest.approx([1, 5 / 6, 3 / 6, 0])


@pytest.mark.parametrize(
    "coefficient",
    [
        lambda boot: agreement.gwet_ac(ratings=UNITS, weights="linear", bootstrap=boot),
        lambda boot: agreement.fleiss_kappa(ratings=UNITS, bootstrap=boot),
        lambda boot: agreement.brennan_prediger(ratings=UNITS, bootstrap=boot),
        lambda boot: agreement.conger_kappa(UNITS, bootstrap=boot),
        lambda boot: agreement.cohen_kappa(TWO, weights="quadratic", bootstrap=boot),
        lambda boot: agreement.scott_pi(TWO, bootstrap=boot),
        lambda boot: agreement.krippendorff_alpha(ratings=UNITS, level="ordinal", bootstrap=boot),
        lambda boot: agreement.percent_agreement(ratings=UNITS, convention="pooled pairs", bootstrap=boot),
        lambda boot: agreement.percent_agreement(ratings=UNITS, convention="mean over units", bootstrap=boot),
    ],
)
def test_bootstrap_and_analytic_errors_are_near_each_other(coefficient):
    analytic, boot = coefficient(None), coefficient(agreement.UnitBootstrap(draws=2000, seed=2))
    assert boot == coefficient(agreement.UnitBootstrap(draws=2000, seed=2))
    assert boot.value == analytic.value
    assert boot.standard_error == pytest.approx(analytic.standard_error, rel=0.15)
    assert boot.low < boot.value < boot.high
    assert analytic.low < analytic.value < analytic.high


@pytest.mark.parametrize("forms", [{}, {"counts": FLEISS, "ratings": UNITS}])
def test_one_form_of_ratings_is_given(forms):
    with pytest.raises(ValueError, match="one of counts"):
        agreement.gwet_ac(**forms)


def test_weighted_cohen_kappa_by_hand():
    # Linear weights: observed 1 − 0.5·2/4 = 0.75; marginals (2,1,1)/4 and (1,1,2)/4 give chance (3 + 2.5 + 2.5)/16.
    table = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 1]])
    weights = agreement.weight_matrix([0, 1, 2], Weighting.LINEAR)
    assert agreement.cohen_kappa(table, weights=weights).value == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    ratings = np.array([[0, 0, 1, 2], [0, 1, 2, 2]])
    assert agreement.cohen_kappa(ratings=ratings, weights="linear").value == pytest.approx(0.5)
    # Values 0, 1, 4: quadratic credit 15/16 and 7/16. Observed (1 + 15/16 + 7/16 + 1)/4, chance (5 + 3·22/16)/16.
    spaced = agreement.cohen_kappa(table, weights="quadratic", values=np.array([0, 1, 4]))
    assert spaced.value == pytest.approx((0.84375 - 0.5703125) / (1 - 0.5703125))
    assert agreement.scott_pi(table, weights="linear", values=np.array([0, 1, 4])).defined


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
