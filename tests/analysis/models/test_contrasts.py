"""Planned contrasts and formulas."""

import numpy as np
import pandas as pd
import pytest

from analysis.models import (
    compare_conditions,
    contrast,
    cumulative_link_model,
    fit_logistic,
    logistic_mixed_model,
    pairwise_contrasts,
)


@pytest.fixture(scope="module")
def frame():
    source = np.random.default_rng(1)
    person, unit = np.divmod(np.arange(40 * 18), 18)
    network = np.array(["alexnet", "lite0", "lite2"])[unit % 3]
    arm = np.where(unit % 2, "random-regions", "summaries")
    eta = 0.2 + 1.5 * (network == "lite2") - 1.1 * (arm == "random-regions")
    eta = eta + source.normal(0, 0.6, 40)[person] + source.normal(0, 0.4, 18)[unit]
    rating = np.digitize(eta + source.logistic(size=eta.size), [-1.5, 0, 1.5]) + 1
    return pd.DataFrame(
        {
            "named": source.random(eta.size) < 1 / (1 + np.exp(-eta)),
            "rating": rating,
            "network": network,
            "arm": arm,
            "participant": person,
            "summary": unit,
        }
    )


def test_contrasts_by_hand():
    """Three cells of independent answers: differences of logits, variances add, Holm multiplies by 3, 2, 1."""
    cells = np.repeat([0, 1, 2], 40)
    named = np.concatenate([np.arange(40) < count for count in (10, 20, 30)])
    model = fit_logistic(named, np.eye(3)[cells], names=["a", "b", "c"])
    rows = dict(zip("abc", np.eye(3), strict=True))
    found = {own.name: own for own in pairwise_contrasts(model, rows)}
    assert list(found) == ["a − b", "a − c", "b − c"]
    assert found["a − c"].estimate.value == pytest.approx(-2 * np.log(3))
    assert found["a − c"].estimate.standard_error == pytest.approx(np.sqrt(2 * (1 / 10 + 1 / 30)))
    assert found["a − c"].odds_ratio.value == pytest.approx(1 / 9)
    assert found["a − c"].p_adjusted == pytest.approx(3 * found["a − c"].p_value)
    equal = found["a − b"].p_value
    assert found["b − c"].p_adjusted == pytest.approx(2 * equal)
    planned = pairwise_contrasts(model, rows, pairs=[("c", "a")])
    assert planned[0].p_adjusted == pytest.approx(planned[0].p_value)
    explored = pairwise_contrasts(model, rows, adjustment="Benjamini–Hochberg")
    assert explored[0].p_adjusted == pytest.approx(equal)
    by_name = contrast(model, {"c over the others": {"c": 1, "a": -0.5, "b": -0.5}})[0]
    assert by_name.estimate.value == pytest.approx(1.5 * np.log(3))


def test_networks_are_compared_averaged_over_arms(frame):
    formula = "named ~ network + arm"
    model = logistic_mixed_model(formula, frame)
    found = compare_conditions(model, formula, frame, "network")
    assert [own.name for own in found] == ["alexnet − lite0", "alexnet − lite2", "lite0 − lite2"]
    effect = model.coefficient("network[T.lite2]").estimate
    assert found[1].estimate.value == pytest.approx(-effect.value)
    assert found[1].estimate.standard_error == pytest.approx(effect.standard_error)
    assert found[1].p_adjusted < 0.01
    assert found[1].p_adjusted > found[1].p_value


def test_an_interaction_is_averaged_over(frame):
    formula = "named ~ network * arm"
    model = logistic_mixed_model(formula, frame)
    found = compare_conditions(model, formula, frame, "network", pairs=[("lite2", "alexnet")])
    main = model.coefficient("network[T.lite2]").estimate.value
    crossing = model.coefficient("network[T.lite2]:arm[T.summaries]").estimate.value
    assert found[0].estimate.value == pytest.approx(main + crossing / 2)


def test_ratings(frame):
    model = cumulative_link_model("rating ~ network + arm", frame)
    assert model.names == ("network[T.lite0]", "network[T.lite2]", "arm[T.summaries]")
    effect = model.coefficient("arm[T.summaries]").estimate
    assert effect.low < 1.1 < effect.high
    assert list(model.thresholds) == sorted(model.thresholds)


@pytest.mark.parametrize(
    ("formula", "message"),
    [("named", "formula"), ("named ~ netwrok", "does not fit"), ("nmaed ~ network", "has no nmaed")],
)
def test_formulas_that_do_not_fit_are_refused(frame, formula, message):
    with pytest.raises(ValueError, match=message):
        logistic_mixed_model(formula, frame)


def test_missing_answers_are_refused(frame):
    with pytest.raises(ValueError, match="got 1 rows"):
        logistic_mixed_model(
            "named ~ network", frame.assign(named=frame["named"].astype("boolean").mask(frame.index == 3))
        )


def test_contrasts_that_do_not_fit_are_refused():
    model = fit_logistic([0, 1, 1, 0], np.ones((4, 1)), names=["one"])
    with pytest.raises(ValueError, match="got two"):
        contrast(model, {"x": {"two": 1}})
    with pytest.raises(ValueError, match="1 weights"):
        contrast(model, {"x": [1, 2]})
    with pytest.raises(ValueError, match="got b"):
        pairwise_contrasts(model, {"a": [1]}, pairs=[("a", "b")])
