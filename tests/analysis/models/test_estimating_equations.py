"""Estimating equations: oracle N of the statistics design."""

import numpy as np
import pytest

from analysis.models import logistic_gee

# Ohio children, wheeze at four ages (Fitzmaurice and Laird 1993): counts of the patterns 0000 to 1111.
PATTERNS = {
    0: "237 10 15 4 16 2 7 3 24 3 3 2 6 2 5 11",
    1: "118 6 8 2 11 1 6 4 7 3 3 1 4 2 4 7",
}


def ohio():
    wheeze, age, smoke, child = [], [], [], []
    children = 0
    for smoking, words in PATTERNS.items():
        for pattern, count in enumerate(words.split()):
            for _ in range(int(count)):
                wheeze += [int(bit) for bit in format(pattern, "04b")]
                age += [-2, -1, 0, 1]
                smoke += [smoking] * 4
                child += [children] * 4
                children += 1
    age, smoke = np.array(age), np.array(smoke)
    return wheeze, np.column_stack([np.ones(len(age)), age, smoke, age * smoke]), child


def test_ohio():
    wheeze, design, child = ohio()
    names = ["(Intercept)", "age", "smoke", "age:smoke"]
    robust = logistic_gee(wheeze, design, cluster=child, names=names, bias_reduced=False)
    assert [round(number, 5) for number in robust.coefficients] == [-1.90084, -0.14125, 0.31395, 0.07084]
    assert [round(number, 5) for number in robust.standard_errors] == [0.11908, 0.05821, 0.18784, 0.08829]
    reduced = logistic_gee(wheeze, design, cluster=child, names=names)
    assert [round(number, 5) for number in reduced.standard_errors] == [0.11942, 0.05838, 0.18866, 0.08867]
    assert reduced.freedom == 536
    assert reduced.checks.fine
    assert reduced.coefficient("age").estimate.method == "t(536)"


def test_few_clusters_are_said():
    source = np.random.default_rng(0)
    model = logistic_gee(source.random(40) < 0.5, np.ones((40, 1)), cluster=np.repeat(np.arange(4), 10))
    assert model.checks.few_levels == ("cluster",)
    assert model.freedom == 3


@pytest.mark.parametrize(("successes", "cluster"), [([0, 1], ["a", "a"]), ([0, 2], ["a", "b"]), ([0, 1], ["a", None])])
def test_impossible_input_is_refused(successes, cluster):
    with pytest.raises(ValueError, match="Expected"):
        logistic_gee(successes, np.ones((2, 1)), cluster=cluster)
