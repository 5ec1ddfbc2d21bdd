"""Dawid and Skene (1979): oracle J of the statistics design, and recovery of known error rates."""

import numpy as np
import pytest

from analysis.latent_classes import dawid_skene

PATIENTS = (  # the first observer's three ratings, then those of four others
    "111 1 1 1 1;333 4 3 3 4;112 2 1 2 2;222 3 1 2 1;222 3 2 2 2;222 3 3 2 2;122 2 1 1 1;333 3 4 3 3;222 2 2 2 3;"
    "232 2 2 2 3;444 4 4 4 4;222 3 3 4 3;111 1 1 1 1;222 3 2 1 2;121 1 1 1 1;111 2 1 1 1;111 1 1 1 1;111 1 1 1 1;"
    "222 2 2 2 1;222 1 3 2 2;222 2 2 2 2;222 2 2 2 1;222 3 2 2 2;221 2 2 2 2;111 1 1 1 1;111 1 1 1 1;232 2 2 2 2;"
    "111 1 1 1 1;111 1 1 1 1;112 1 1 2 1;111 1 1 1 1;333 3 2 3 3;111 1 1 1 1;222 2 2 2 2;222 3 2 3 2;433 4 3 4 3;"
    "221 2 2 3 2;232 3 2 3 3;333 3 4 3 2;111 1 1 1 1;111 1 1 1 1;121 2 1 1 1;232 2 2 2 2;121 1 1 1 1;222 2 2 2 2"
)
RATINGS = np.array([[int(digit) for digit in patient.replace(" ", "")] for patient in PATIENTS.split(";")]).T


def test_dawid_and_skene_1979():
    model = dawid_skene(RATINGS, raters=[1, 1, 1, 2, 3, 4, 5])
    assert RATINGS.shape == (7, 45)
    assert [round(share, 3) for share in model.marginals] == [0.400, 0.422, 0.112, 0.067]
    assert round(model.log_likelihood, 4) == -192.8909
    assert model.converged
    assert model.error_rates.shape == (5, 4, 4)
    assert model.error_rates.sum(axis=2) == pytest.approx(np.ones((5, 4)))
    assert model.labels[10] == 4


def test_error_rates_are_recovered():
    source = np.random.default_rng(4)
    truth = source.integers(0, 2, 8000)
    accuracy = np.array([0.95, 0.8, 0.65])
    wrong = source.random((3, 8000)) > accuracy[:, None]
    model = dawid_skene(np.where(wrong, 1 - truth, truth))
    assert model.error_rates[:, 0, 0] == pytest.approx(accuracy, abs=0.05)
    assert (np.array(model.labels) == truth).mean() > 0.9


def test_iterations_end_and_say_so():
    assert not dawid_skene(RATINGS, raters=[1, 1, 1, 2, 3, 4, 5], maximum_iterations=3).converged


@pytest.mark.parametrize(
    ("ratings", "raters", "message"),
    [([[np.nan]], None, "none"), ([[1, np.nan]], None, "unit 1"), ([[1]], [1, 2], "one rater per row")],
)
def test_impossible_input_is_refused(ratings, raters, message):
    with pytest.raises(ValueError, match=message):
        dawid_skene(ratings, raters=raters)
