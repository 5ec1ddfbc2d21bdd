"""Mixed models: oracles L and M of the statistics design, gradients, recovery, checks."""

import numpy as np
import pytest
from scipy import optimize, special

from analysis.models import fit_cumulative_link, fit_logistic
from analysis.models.families import Binomial, CumulativeLogit
from analysis.models.laplace import Crossing, MarginalLikelihood

# L. cbpp of lme4: serological cases of herd size by period (Lesnoff et al. 2004).
CASES = "2340|311|8202|2020|5001|3001|8130|12|2000|1102|0531|2100|1200|11 0 0 0|1110"
SIZES = (
    "14 12 9 5|22 18 21|22 16 16 20|10 10 9 6|18 25 24 4|17 17 18 20|16 10 9 5|34|9 6 8 6|22 22 18 22|25 27 22 22|"
    "10 8 6 5|21 24 19 23|19 2 3 2|19 15 15 15"
)
# M. wine of ordinal (Randall 1989): nine judges; cold and warm, without and with contact, two bottles each.
WINE = ["23344455", "12132354", "23325544", "32323253", "23433333", "32322454", "11222323", "22233334", "12323244"]
RATINGS = np.array([int(digit) for judge in WINE for digit in judge])
JUDGES = np.repeat(np.arange(9), 8)
WARM, CONTACT = np.tile([0, 0, 0, 0, 1, 1, 1, 1], 9), np.tile([0, 0, 1, 1, 0, 0, 1, 1], 9)


def cbpp():
    cases, sizes, herds, periods = [], [], [], []
    for herd, (word, numbers) in enumerate(zip(CASES.split("|"), SIZES.split("|"), strict=True)):
        own = [int(number) for number in numbers.split()]
        given = [int(part) for part in word.split()] if " " in word or len(own) == 1 else [int(digit) for digit in word]
        assert len(given) == len(own)
        cases += given
        sizes += own
        herds += [herd] * len(own)
        periods += range(len(own))
    design = np.column_stack([np.ones(len(cases)), *(np.array(periods) == period for period in (1, 2, 3))])
    return np.array(cases, float), np.array(sizes, float), np.array(herds), design.astype(float)


def test_cbpp_laplace():
    """The maximum of Laplace's approximation, as glmmTMB prints it; lme4 stops short of it, see the next test."""
    cases, sizes, herds, design = cbpp()
    model = fit_logistic(cases, design, groups={"herd": herds}, trials=sizes, names=["(Intercept)", "2", "3", "4"])
    assert [round(number, 4) for number in model.coefficients] == [-1.3985, -0.9923, -1.1287, -1.5803]
    assert [round(number, 4) for number in model.standard_errors] == [0.2325, 0.3066, 0.3266, 0.4274]
    assert round(model.deviations["herd"], 4) == 0.6423
    # Within the distance that lme4's numbers of the statistics design have from it.
    published = [-1.398343, -0.991925, -1.128216, -1.579745]
    assert model.coefficients == pytest.approx(published, abs=6e-4)
    assert model.log_likelihood == pytest.approx(-92.026566, abs=3e-4)
    assert model.log_likelihood > -92.026566
    assert model.checks.fine
    assert model.checks.singular == ()
    assert model.checks.dispersion == pytest.approx(1.24, abs=0.01)


def test_cbpp_as_lme4_computes_it():
    """lme4 takes the curvature one step of its inner iteration late: with that, its printed digits come out.

    lme4's inner iteration (PIRLS) starts every time from the linear predictor of its first stage, in which the
    coefficients are found together with the modes; it ends when the penalised deviance settles, and uses the weights
    from before the last step. Its likelihood is then 0.0003 off Laplace's own.
    """
    cases, sizes, herds, design = cbpp()
    groups = np.eye(15)[herds]
    constant = Binomial(cases, sizes).constant

    def first_stage(deviation):
        share = (cases + 0.5) / (sizes + 1)
        eta = special.logit(share)
        both = np.column_stack([deviation * groups, design])
        penalty = np.diag([1.0] * 15 + [0.0] * 4)
        for _ in range(100):
            share = special.expit(eta)
            weight = sizes * share * (1 - share)
            right = both.T @ (weight * eta + cases - sizes * share)
            found = np.linalg.solve(both.T @ (weight[:, None] * both) + penalty, right)
            eta = both @ found
        value = (cases * eta - sizes * np.logaddexp(0, eta)).sum() - found[:15] @ found[:15] / 2
        return -(value - np.log(1 + deviation**2 * (groups.T @ weight)).sum() / 2), eta

    start = optimize.minimize_scalar(lambda sd: first_stage(sd)[0], bounds=(0.3, 1), method="bounded")
    begin = first_stage(start.x)[1]

    def late(parameters):
        coefficients, deviation = parameters[:4], parameters[4]
        eta, before = begin, None
        for _ in range(50):
            share = special.expit(eta)
            weight = sizes * share * (1 - share)
            working = eta - design @ coefficients + (cases - sizes * share) / weight
            curvature = 1 + deviation**2 * (groups.T @ weight)
            modes = deviation * (groups.T @ (weight * working)) / curvature
            eta = design @ coefficients + deviation * groups @ modes
            value = (cases * eta - sizes * np.logaddexp(0, eta)).sum()
            penalised = -2 * value + modes @ modes
            if before is not None and abs((before - penalised) / penalised) < 1e-7:
                break
            before = penalised
        return -(value - modes @ modes / 2 - np.log(curvature).sum() / 2 + constant)

    published = np.array([-1.398343, -0.991925, -1.128216, -1.579745, 0.642070])
    assert -late(published) == pytest.approx(-92.026566, abs=1e-6)
    found = optimize.minimize(late, published, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    assert found.x == pytest.approx(published, abs=2e-5)


def test_cbpp_quadrature():
    cases, sizes, herds, design = cbpp()
    model = fit_logistic(cases, design, groups={"herd": herds}, trials=sizes, nodes=25)
    assert model.coefficients == pytest.approx([-1.399224, -0.991409, -1.127810, -1.579481], abs=2e-5)
    assert model.deviations["herd"] == pytest.approx(0.647520, abs=2e-5)
    assert model.log_likelihood == pytest.approx(-91.98337, abs=1e-5)
    assert "25 nodes" in str(model)


def test_wine_without_judges():
    model = fit_cumulative_link(RATINGS, np.column_stack([WARM, CONTACT]), names=["warm", "contact"])
    assert [round(number, 6) for number in model.coefficients] == [2.503102, 1.527798]
    assert [round(number, 6) for number in model.standard_errors] == [0.528680, 0.476623]
    assert [round(number, 6) for number in model.thresholds] == [-1.344383, 1.250809, 3.466887, 5.006404]
    assert round(model.log_likelihood, 5) == -86.49192


def test_wine_with_judges():
    design = np.column_stack([WARM, CONTACT])
    model = fit_cumulative_link(RATINGS, design, groups={"judge": JUDGES}, names=["warm", "contact"])
    assert model.coefficients == pytest.approx([3.062997, 1.834885], abs=2e-5)
    assert model.deviations["judge"] ** 2 == pytest.approx(1.279461, abs=2e-5)
    assert round(model.log_likelihood, 2) == -81.57
    # Standard errors as ordinal's clmm prints them for the same fit.
    assert [round(number, 4) for number in model.standard_errors] == [0.5954, 0.5126]


def crossed(source, *, people=12, units=7):
    person, unit = np.divmod(np.arange(people * units), units)
    kept = source.random(person.size) < 0.8
    return person[kept], unit[kept]


@pytest.mark.parametrize("kind", ["binomial", "ordinal"])
@pytest.mark.parametrize("factors", [1, 2, 3])
def test_gradient_is_that_of_the_value(kind, factors):
    source = np.random.default_rng(5)
    person, unit = crossed(source)
    third = source.integers(0, 3, person.size)
    crossing = Crossing.of([person, unit, third][:factors])
    design = source.normal(size=(person.size, 2))
    if kind == "binomial":
        family = Binomial(source.integers(0, 4, person.size).astype(float), np.full(person.size, 3.0))
        parameters = np.array([0.3, -0.4])
    else:
        family = CumulativeLogit(source.integers(0, 4, person.size), 4)
        parameters = np.array([-1.0, 0.2, 1.4, 0.3, -0.4])
    parameters = np.concatenate([parameters, [0.7, 0.5, 0.9][:factors]])
    likelihood = MarginalLikelihood(family, design, crossing)
    gradient = likelihood.value_and_gradient(parameters)[1]
    for at in range(parameters.size):
        step = 1e-5 * np.eye(parameters.size)[at]
        slope = (likelihood.value(parameters + step) - likelihood.value(parameters - step)) / 2e-5
        assert gradient[at] == pytest.approx(slope, abs=2e-6)


def test_crossed_laplace_by_dense_algebra():
    """log L ≈ ℓ(û) − û'û/2 − log det(I + ΛZ'WZΛ)/2, written out with a full matrix."""
    source = np.random.default_rng(2)
    person, unit = crossed(source)
    answers = (source.random(person.size) < 0.6).astype(float)
    likelihood = MarginalLikelihood(
        Binomial(answers, np.ones(person.size)), np.ones((person.size, 1)), Crossing.of([person, unit])
    )
    scaled = np.column_stack([0.8 * np.eye(12)[person], 0.6 * np.eye(7)[unit]])

    modes = np.zeros(19)
    for _ in range(30):
        share = special.expit(0.4 + scaled @ modes)
        hessian = np.eye(19) + scaled.T @ ((share * (1 - share))[:, None] * scaled)
        modes = modes + np.linalg.solve(hessian, scaled.T @ (answers - share) - modes)
    eta = 0.4 + scaled @ modes
    reached = (answers * eta - np.logaddexp(0, eta)).sum() - modes @ modes / 2
    share = special.expit(0.4 + scaled @ modes)
    hessian = np.eye(19) + scaled.T @ ((share * (1 - share))[:, None] * scaled)
    expected = reached - np.linalg.slogdet(hessian)[1] / 2
    assert likelihood.value(np.array([0.4, 0.8, 0.6])) == pytest.approx(expected, abs=1e-8)


def test_quadrature_converges_to_the_integral():
    """One group, two answers: the integral over a normal intercept, by a fine grid."""
    grid = np.linspace(-9, 9, 20001)
    eta = 0.3 + 1.5 * grid
    integrand = special.expit(eta) * special.expit(-eta) * np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    exact = np.log(np.trapezoid(integrand, grid))
    family = Binomial(np.array([1.0, 0.0]), np.ones(2))
    crossing = Crossing.of([np.array([0, 0])])
    fine = MarginalLikelihood(family, np.ones((2, 1)), crossing, nodes=25)
    assert fine.value(np.array([0.3, 1.5])) == pytest.approx(exact, abs=1e-9)
    one = MarginalLikelihood(family, np.ones((2, 1)), crossing)
    assert abs(one.value(np.array([0.3, 1.5])) - exact) < 0.05


def test_parameters_of_crossed_answers_are_recovered():
    source = np.random.default_rng(0)
    person, unit = np.divmod(np.arange(120 * 40), 40)
    network = unit % 2
    eta = 0.5 + 0.8 * network + source.normal(0, 1, 120)[person] + source.normal(0, 0.6, 40)[unit]
    named = source.random(eta.size) < special.expit(eta)
    design = np.column_stack([np.ones(eta.size), network])
    model = fit_logistic(named, design, groups={"summary": unit, "participant": person}, names=["one", "network"])
    effect = model.coefficient("network")
    assert effect.estimate.low < 0.8 < effect.estimate.high
    assert model.deviations["participant"] == pytest.approx(1, abs=0.2)
    assert model.deviations["summary"] == pytest.approx(0.6, abs=0.2)
    assert model.groups == {"participant": 120, "summary": 40}
    assert model.effects["summary"].size == 40
    assert effect.odds_ratio.value == pytest.approx(np.exp(effect.estimate.value))
    assert model.rows()[1]["term"] == "network"


def test_no_variation_between_groups_is_a_singular_fit():
    groups = np.repeat(np.arange(10), 4)
    model = fit_logistic(np.tile([0, 1, 0, 1], 10), np.ones((40, 1)), groups={"summary": groups})
    assert model.checks.singular == ("summary",)
    assert model.checks.fine
    assert model.coefficients[0] == pytest.approx(0, abs=1e-6)
    assert any("singular" in sentence for sentence in model.checks.sentences())


def test_separation_is_found_and_gives_no_number():
    arm = np.repeat([0, 1], 20)
    design = np.column_stack([np.ones(40), arm])
    named = np.where(arm == 1, 1, np.tile([0, 1], 20))
    model = fit_logistic(named, design, names=["one", "arm"])
    assert "arm" in model.checks.separated
    assert not model.checks.fine
    assert "separation" in model.coefficient("arm").estimate.reason
    assert model.coefficient("arm").estimate.value is None
    assert model.rows()[1]["p_value"] is None


def test_quasi_separation_of_ordered_answers():
    arm = np.repeat([0, 1], 10)
    answers = np.where(arm == 1, 3, np.tile([1, 2], 10))
    model = fit_cumulative_link(answers, arm[:, None], names=["arm"])
    assert model.checks.separated == ("arm",)


def test_logistic_regression_without_groups_has_its_closed_form():
    # 3 of 4 against 1 of 4: intercept logit ¾, difference −2·log 3, variance the sum of reciprocals.
    arm = np.repeat([0, 1], 4)
    model = fit_logistic([1, 1, 1, 0, 1, 0, 0, 0], np.column_stack([np.ones(8), arm]), names=["one", "arm"])
    assert model.coefficients == pytest.approx([np.log(3), -2 * np.log(3)])
    assert model.standard_errors[1] == pytest.approx(np.sqrt(2 * (1 / 3 + 1)))
    assert model.aic == pytest.approx(2 * 2 - 2 * model.log_likelihood)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_logistic([0, 2], np.ones((2, 1))), "whole successes"),
        (lambda: fit_logistic([0, 1], np.ones((3, 1))), "shape"),
        (lambda: fit_logistic([0, 1, 1], np.ones((3, 2))), "independent"),
        (lambda: fit_logistic([0, 1], [[1], [np.nan]]), "finite"),
        (lambda: fit_logistic([0, 1], np.ones((2, 1)), groups={"summary": ["a", "a"]}), "two or more groups"),
        (lambda: fit_logistic([0, 1], np.ones((2, 1)), groups={"summary": ["a"]}), "one group"),
        (lambda: fit_logistic([0, 1], np.ones((2, 1)), groups={"summary": ["a", None]}), "missing"),
        (lambda: fit_logistic([0, 1], np.ones((2, 1)), nodes=5), "exactly one factor"),
        (lambda: fit_logistic([0, 1], np.ones((2, 1)), names=["a", "b"]), "a name for each"),
        (lambda: fit_cumulative_link([1, 1], np.zeros((2, 0))), "two or more kinds"),
        (lambda: fit_cumulative_link([1, 2], np.ones((2, 1))), "thresholds stand for"),
        (lambda: fit_logistic([0, 1, 1], np.eye(3)[:, :1], names=["a"]).coefficient("b"), "got 'b'"),
    ],
)
def test_impossible_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
