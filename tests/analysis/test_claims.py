"""Verdicts follow from intervals and tests, and from nothing else."""

import numpy as np
import pytest

from analysis.claims import (
    Verdict,
    against,
    agreement_claim,
    meaning_claim,
    networks_claim,
    overall_answer,
    parts_claim,
)
from analysis.comparisons import compare_networks
from analysis.estimates import Estimate
from analysis.parts import consensus_names
from analysis.results import Results, Scope
from tests.analysis.test_comparisons import cells


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.6, 0.9, Verdict.YES), (0.4, 0.7, Verdict.UNCLEAR), (0.1, 0.4, Verdict.NO), (None, None, Verdict.UNCLEAR)],
)
def test_verdict_from_the_interval(low, high, verdict):
    assert against(Estimate(value=0.65 if low != 0.1 else 0.2, n=10, low=low, high=high), 0.5) is verdict


def test_undefined_is_unknown():
    assert against(Estimate.undefined("no answers"), 0.5) is Verdict.UNKNOWN


def results_with(nameability, difference=None):
    results = Results()
    results.add("nameability", Scope.ARM, {"arm": "summaries"}, nameability)
    if difference is not None:
        control = Estimate(value=0.8, n=50, low=0.7, high=0.9)
        results.add("nameability", Scope.ARM, {"arm": "random-regions"}, control)
        results.add("nameability_above_control", Scope.ARM, {"arm": "random-regions"}, difference)
    return results


@pytest.fixture
def no_consensus(tmp_path):
    from analysis.answers import naming_answers
    from analysis.interpretability import InferenceOptions
    from analysis.schema import load
    from tests.analysis.conftest import write_export

    return consensus_names(naming_answers(load(write_export(tmp_path, {})).responses), options=InferenceOptions())


def test_meaning_needs_a_distance_to_random_regions(no_consensus):
    high = Estimate(value=0.9, n=100, low=0.8, high=0.95)
    assert meaning_claim(results_with(high), no_consensus).verdict is Verdict.YES
    close = meaning_claim(results_with(high, Estimate(value=0.1, n=150, low=-0.05, high=0.2)), no_consensus)
    assert close.verdict is Verdict.PARTLY
    assert "10 points [−5, 20]" in close.words
    assert "no random-region arm" in meaning_claim(results_with(high), no_consensus).words


def networks(counts, accuracy):
    table = cells(counts, accuracy)
    pairs = compare_networks(table, generator=np.random.default_rng(0), draws=10)
    return networks_claim(pairs, {}, networks=len(counts), level=0.95)


def test_networks_need_enough_classes_for_the_exact_test():
    accuracy = {"a": 0.6, "b": 0.9}
    few = networks({"a": [1] * 5, "b": [2, 3, 2, 2, 2]}, accuracy)
    assert few.verdict is Verdict.UNCLEAR
    assert "smallest p that can come out is 0.062" in few.words
    assert networks({"a": [1] * 6, "b": [2, 3, 2, 2, 2, 4]}, accuracy).verdict is Verdict.YES
    assert networks({"b": [1] * 6, "a": [2, 3, 2, 2, 2, 4]}, accuracy).verdict is Verdict.NO


def test_one_network_or_unknown_accuracy_cannot_be_said():
    assert networks({"a": [1, 2]}, {"a": 0.6}).verdict is Verdict.UNKNOWN
    assert "unknown or equal" in networks({"a": [1, 2], "b": [2, 2]}, {}).words


def test_parts_over_classes():
    table = cells({"a": [3, 4, 5], "b": [4, 5, 6]}, {}).assign(names=[[("head", 3, 4)]] * 6)
    claim = parts_claim(table, level=0.95)
    assert claim.estimate.value == pytest.approx(4.5)
    # 4.5 ± 4.303 · 1/√3 = [2.02, 6.98]
    assert claim.verdict is Verdict.YES
    assert "c2 with b: head" in claim.words
    one = parts_claim(table[table["class"] == "c0"], level=0.95)
    assert one.verdict is Verdict.UNCLEAR
    assert "one class" in one.words


def test_the_paragraph_sorts_claims_by_verdict(no_consensus):
    claims = [
        meaning_claim(results_with(Estimate(value=0.9, n=9, low=0.8, high=0.95)), no_consensus),
        agreement_claim(Results()),
    ]
    text = overall_answer(claims, answers=1200, participants=1, simulated=True)
    assert text.startswith("1\u202f200 naming answers of 1 simulated participant were analysed.")
    assert "support that most summaries carry a meaning" in text
    assert "Nothing can be said about whether people agree" in text
    assert "made by a program" in text
    assert "no naming answers" in overall_answer(claims, answers=0, participants=0, simulated=False)
