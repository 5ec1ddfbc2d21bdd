"""Exact binomial tests: oracle P of the statistics design."""

import math
from fractions import Fraction

import numpy as np
import pytest

from analysis import binomial


def test_fourteen_of_twenty_against_one_fifth():
    """The design prints 1.845001e-6, which is off in the sixth digit: the sum in exact fractions is 1.8450057e-6."""
    fifth = Fraction(1, 5)
    exact = float(sum(math.comb(20, k) * fifth**k * (1 - fifth) ** (20 - k) for k in range(14, 21)))
    assert exact == pytest.approx(1.845001e-6, rel=5e-6)
    assert binomial.exact_binomial_p(14, 20, chance=0.2) == pytest.approx(exact, rel=1e-12)
    assert binomial.poisson_binomial_p(14, np.full(20, 0.2)) == pytest.approx(exact, rel=1e-12)


def test_power_of_thirty_answers():
    power = binomial.binomial_power(30, chance=1 / 6, truth=0.4)
    assert (power.critical, round(power.size, 6), round(power.power, 6)) == (10, 0.019706, 0.823714)


def test_each_answer_at_its_own_chance():
    # 1/2 and 1/4: both right 1/8, at least one right 1 − 1/2 · 3/4 = 5/8.
    assert binomial.poisson_binomial_p(2, [0.5, 0.25]) == pytest.approx(1 / 8)
    assert binomial.poisson_binomial_p(1, [0.5, 0.25]) == pytest.approx(5 / 8)
    assert binomial.poisson_binomial_p(0, [0.5, 0.25]) == 1


def test_too_few_answers_never_reject():
    power = binomial.binomial_power(1, chance=0.5, truth=0.9)
    assert (power.critical, power.size, power.power) == (2, 0, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: binomial.exact_binomial_p(3, 2, chance=0.5),
        lambda: binomial.exact_binomial_p(1, 2, chance=6),
        lambda: binomial.poisson_binomial_p(3, [0.5]),
        lambda: binomial.binomial_power(10, chance=0.5, truth=0.6, alpha=5),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(ValueError, match="Expected"):
        call()
