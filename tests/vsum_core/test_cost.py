import pytest

from vsum_core.config import preset
from vsum_core.cost import Observation, Prediction, WorkKind, WorkPart, conditions_of, dollars, rates_of

NET = "net, visual-summaries"


def observed(units, seconds, *, kind=WorkKind.MASKS, subject=NET, conditions="c", machine="m"):
    return Observation(kind, subject, units, seconds, conditions, machine, "2026-11-24T00:00:00+00:00")


def test_a_rate_is_time_by_units_of_the_last_runs_on_this_machine_under_these_conditions():
    runs = [
        observed(1, 1000.0),  # too long ago
        observed(10, 20.0),
        observed(30, 30.0),
        observed(5, 99.0, machine="another"),
        observed(5, 99.0, conditions="others"),
        observed(0, 99.0),
    ]
    assert rates_of(runs, conditions="c", machine="m", last=2) == {(WorkKind.MASKS, NET): 50 / 40}


def test_conditions_are_constants_device_and_threads_but_not_the_seed():
    default = conditions_of(preset("default"), device="cpu", threads=2)
    assert conditions_of(preset("default", seed=5), device="cpu", threads=2) == default
    assert conditions_of(preset("fast"), device="cpu", threads=2) != default
    assert conditions_of(preset("default"), device="cpu", threads=1) != default


def test_shared_work_is_divided_among_networks_and_what_is_not_known_is_not_guessed():
    parts = [
        WorkPart(WorkKind.MASKS, "goose", ("a",), "a, m", 10),
        WorkPart(WorkKind.MASKS, "goose", ("b",), "b, m", 10),
        WorkPart(WorkKind.FLOW, "goose", ("a", "b"), "", 55),
        WorkPart(WorkKind.SUMMARIES, "goose", ("b",), "b, m", 10),
    ]
    rates = {(WorkKind.MASKS, "a, m"): 3.0, (WorkKind.MASKS, "b, m"): 1.0, (WorkKind.FLOW, ""): 0.2}
    prediction = Prediction(parts, rates, workers=2)
    assert prediction.by_class_and_network() == {("goose", "a"): 30 + 5.5, ("goose", "b"): None}
    assert prediction.by_kind() == {WorkKind.MASKS: 40, WorkKind.FLOW: 11, WorkKind.SUMMARIES: None}
    assert prediction.wall_seconds() == pytest.approx(51 / 2)
    assert prediction.unknown() == {(WorkKind.SUMMARIES, "b, m")}


def test_work_that_is_done_costs_nothing_even_where_its_rate_is_not_known():
    prediction = Prediction([WorkPart(WorkKind.PROPOSALS, "goose", ("a",), "", 0)], {})
    assert prediction.wall_seconds() == 0
    assert prediction.unknown() == set()


def test_dollars():
    assert dollars(1800, price_per_hour=2.5) == 1.25
    with pytest.raises(ValueError, match="0 or more"):
        dollars(1, price_per_hour=-1)
