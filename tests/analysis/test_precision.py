"""The stopping rule: oracle numbers that the monitor of a study must meet as well."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import wilson
from analysis.precision import PrecisionRule, answers_needed, half_width, precise_enough


@pytest.mark.parametrize(
    ("named", "answers", "width"),
    [
        # Oracle P of the statistics design: 14 of 20 has (.481027, .854523), 0 of 10 has (0, .277533).
        (14, 20, 0.186748),
        (0, 10, 0.1387665),
        (10, 10, 0.1387665),
        (0, 0, 0.5),
    ],
)
def test_half_width(named, answers, width):
    assert half_width(named, answers) == pytest.approx(width, abs=1e-6)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_half_width_is_that_of_wilsons_interval(counts):
    interval = wilson(*counts)
    assert half_width(*counts) == pytest.approx((interval.high - interval.low) / 2, abs=1e-12)


def test_answers_needed_in_closed_form():
    # For one half, z / (2·√(n + z²)) ≤ 0.1 from n = z²·(25 − 1) = 92.2 on.
    assert answers_needed(rule=PrecisionRule(target=0.1)) == 93
    assert answers_needed(rule=PrecisionRule(target=0.1), share=0) == 16  # z²/(2·(n + z²)) ≤ 0.1 from n = 4·z² on
    assert answers_needed(rule=PrecisionRule(target=0.4, minimum=10)) == 10


def test_the_first_few_alike_do_not_stop_a_summary():
    rule = PrecisionRule(target=0.15, minimum=12)
    assert half_width(10, 10) < 0.15
    assert not precise_enough(10, 10, rule=rule)
    assert precise_enough(12, 12, rule=rule)
    assert not precise_enough(10, 20, rule=rule)


def test_stopping_pushes_shares_outward_a_little():
    source = np.random.default_rng(0)
    rule = PrecisionRule(target=0.15)
    shares = []
    for _ in range(400):
        named = answers = 0
        while not precise_enough(named, answers, rule=rule):
            named, answers = named + int(source.random() < 0.7), answers + 1
        shares.append(named / answers)
    assert np.mean(shares) == pytest.approx(0.72, abs=0.015)


@pytest.mark.parametrize("wrong", [{"target": 0}, {"minimum": 0}, {"level": 95}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        PrecisionRule(**wrong)
