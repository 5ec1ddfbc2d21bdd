"""The flat list of numbers."""

import pytest

from analysis.estimates import Estimate
from analysis.results import Results, Scope


def test_numbers_are_found_again_and_computed_once():
    results = Results()
    results.add("nameability", Scope.NETWORK, {"arm": "summaries", "network": "lite0"}, Estimate(value=0.5, n=4))
    assert results.get("nameability", network="lite0", arm="summaries").value == 0.5
    with pytest.raises(ValueError, match="computed once"):
        results.add("nameability", Scope.NETWORK, {"arm": "summaries", "network": "lite0"}, Estimate(value=1.0, n=4))
    with pytest.raises(ValueError, match="by \\('arm', 'class'\\)"):
        results.add("nameability", Scope.CLASS, {"arm": "summaries"}, Estimate(value=1.0, n=4))


def test_the_method_of_the_interval_does_not_hide_the_explanation_method():
    results = Results()
    estimate = Estimate(value=0.5, n=4, method="Wilson")
    results.add("nameability", Scope.METHOD, {"arm": "summaries", "method": "crisp-masks"}, estimate)
    row = results.frame().iloc[0]
    assert (row["method"], row["interval_method"]) == ("crisp-masks", "Wilson")
