"""Nameability and univocality of small studies that can be counted by hand."""

import pytest

from analysis.answers import naming_answers
from analysis.detection import signal_detection
from analysis.interpretability import InferenceOptions, measure
from analysis.schema import load
from tests.analysis.conftest import answer, person, stimulus, write_export

FIRST, SECOND = (stimulus(f"robin-{n}", "robin", "lite0") for n in range(2))
NOISE = stimulus("noise-0", "robin", "lite0", arm="random-regions")
OPTIONS = InferenceOptions(draws=400, seed=1)
# Four people: 'head' ×3 and none for the first, 'wing' ×2, 'tail' and none for the second; one false alarm of four.
GIVEN = {
    "robin-0": ["head", "heads", "Head!", None],
    "robin-1": ["wing", "the wings", "tail", None],
    "noise-0": ["head", None, None, None],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    rows = [
        answer(f"p{person_number}", 1 + trial, shown, GIVEN[shown["summary"]][person_number])
        for trial, shown in enumerate((FIRST, SECOND, NOISE))
        for person_number in range(4)
    ]
    tables = {
        "responses_long": rows,
        "participants": [person(f"p{n}") for n in range(4)],
        "stimuli": [FIRST, SECOND, NOISE],
    }
    export = load(write_export(tmp_path_factory.mktemp("small"), tables))
    return measure(naming_answers(export.responses), options=OPTIONS)


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("nameability", 6 / 8),
        ("modal_share_named", (1 + 2 / 3) / 2),
        ("modal_share_all", (3 / 4 + 2 / 4) / 2),
        ("entropy_named", 0.9182958 / 2),
        ("pairwise_agreement_named", (1 + 1 / 3) / 2),
        ("pairwise_agreement_all", (3 / 6 + 1 / 6) / 2),
        # Pairs of names: 3·1 of 3 agree, 1 of 3; counts head 3, wing 2, tail 1: De = (36 − 14)/30, Do = (0 + 2)/6.
        ("krippendorff_alpha_named", 1 - (2 / 6) / (22 / 30)),
    ],
)
def test_values_by_hand(results, statistic, value):
    estimate = results.get(statistic, arm="summaries")
    assert estimate.value == pytest.approx(value, abs=1e-6)
    assert estimate.low <= estimate.value <= estimate.high


def test_single_summary_has_wilson_intervals(results):
    place = {"arm": "summaries", "network": "lite0", "class_": "robin", "method": "crisp-masks", "summary": "robin-1"}
    estimate = results.get("nameability", **place)
    assert (estimate.value, estimate.method) == (0.75, "Wilson")
    assert results.get("modal_share_all", **place).value == 0.5


def test_detection_by_hand(results):
    assert results.get("nameability_above_control", arm="random-regions").value == pytest.approx(0.5)
    # Hits 6.5/9, false alarms 1.5/5: z = 0.589456 and −0.524401.
    assert results.get("d_prime", arm="random-regions").value == pytest.approx(1.113857, abs=1e-5)
    assert results.get("criterion", arm="random-regions").value == pytest.approx(-0.032528, abs=1e-5)


def test_detection_stays_finite_at_the_edges():
    d_prime, criterion = signal_detection(10, 10, 0, 10)
    assert d_prime == pytest.approx(2 * 1.690622, abs=1e-5)
    assert criterion == pytest.approx(0, abs=1e-9)


def test_what_nobody_answered_is_undefined_with_a_reason(results):
    estimate = results.get("nameability", arm="whole-images")
    assert not estimate.defined
    assert "nobody" in estimate.reason


def test_a_random_arm_with_one_name_has_no_pairs(results):
    estimate = results.get("pairwise_agreement_named", arm="random-regions")
    assert not estimate.defined
    assert "two or more names" in estimate.reason


@pytest.mark.parametrize(
    "options", [{"draws": 0}, {"nameable_threshold": 0}, {"name_level": "l9"}, {"minimum_votes": 0}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="Expected"):
        InferenceOptions(**options)
