"""Numbers in words."""

import pytest

from analysis import wording
from analysis.estimates import Estimate


@pytest.mark.parametrize(
    ("number", "text"), [(-0.004, "0.00"), (-0.5, "−0.50"), (None, "–"), (1.234, "1.23"), (0, "0.00")]
)
def test_decimal(number, text):
    assert wording.decimal(number) == text


def test_estimates():
    estimate = Estimate(value=0.856, n=10, low=0.8, high=0.912)
    assert wording.estimate_text(estimate, share=True) == "86 % [80, 91]"
    assert wording.estimate_text(estimate) == "0.86 [0.80, 0.91]"
    assert wording.points_text(estimate) == "86 points [80, 91]"
    assert wording.estimate_text(Estimate.undefined("nothing")) == "–"
    assert wording.points(None) == "–"


def test_p_values():
    assert [wording.p_text(p) for p in (0.0001, 0.031, None)] == ["p < 0.001", "p = 0.031", "p undefined"]


def test_counts_and_lists():
    assert wording.counted(1, "class", "classes") == "1 class"
    assert wording.counted(12000, "answer") == "12\u202f000 answers"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
    assert wording.listed([]) == ""
