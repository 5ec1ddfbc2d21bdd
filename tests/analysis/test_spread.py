"""The vectorised spread and coefficients give the same numbers as the plain definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis import agreement, diversity, spread
from analysis.agreement import Level
from analysis.resampling import CrossedBootstrap


def bootstrap_of(names_of_summaries, draws=4):
    """Every summary is named by its own list; participant k gives the k-th name of each."""
    rows = [(p, s, name) for s, names in enumerate(names_of_summaries) for p, name in enumerate(names)]
    participants, summaries, names = (np.array(column) for column in zip(*rows, strict=True))
    made = CrossedBootstrap(participants, summaries, draws=draws, generator=np.random.default_rng(5))
    return made, names


def same(value, estimate):
    return np.isnan(value) if estimate.value is None else value == pytest.approx(estimate.value)


NAMES = st.lists(st.lists(st.integers(-1, 4), min_size=1, max_size=7), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(NAMES)
def test_the_data_row_equals_the_definitions(names_of_summaries):
    bootstrap, names = bootstrap_of(names_of_summaries)
    found = spread.name_spread(bootstrap, names)
    for position, own in enumerate(names_of_summaries):
        counts = np.bincount([name for name in own if name >= 0], minlength=1)
        assert same(found["entropy"].data[position], diversity.entropy(counts))
        assert same(found["entropy_miller_madow"].data[position], diversity.miller_madow(counts))
        assert same(found["entropy_chao_shen"].data[position], diversity.chao_shen(counts))
        assert same(found["pairwise_agreement"].data[position], diversity.pairwise_agreement(counts))
        assert same(found["modal_share"].data[position], diversity.modal_share(counts))


def test_draws_equal_the_definitions_on_copied_people():
    bootstrap, names = bootstrap_of([[0, 0, 1, 2], [1, 1, 1, 0]], draws=50)
    found = spread.name_spread(bootstrap, names)
    weights = np.concatenate([chunk for _, chunk in bootstrap.weight_chunks()]).astype(int)
    for draw in range(50):
        counts = np.bincount(np.repeat([0, 0, 1, 2], weights[draw]), minlength=3)
        assert found["entropy"].replicates[draw, 0] == pytest.approx(diversity.entropy(counts).value)
        assert found["modal_share"].replicates[draw, 0] == pytest.approx(counts.max() / 4)


def test_copies_of_one_person_are_no_agreement():
    # Everybody says something else: however people are drawn, no two different people agree.
    bootstrap, names = bootstrap_of([[0, 1, 2, 3]], draws=100)
    replicates = spread.name_spread(bootstrap, names)["pairwise_agreement"].replicates
    assert np.nanmax(replicates) == 0


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.int64, (5, 3), elements=st.integers(0, 4)), hnp.arrays(np.int64, 5, elements=st.integers(0, 3)))
def test_coefficients_equal_the_definitions_on_repeated_units(counts, times):
    used = counts[:, counts.sum(axis=0) > 0]
    repeated = np.repeat(used, times, axis=0)
    found = spread.coefficient_replicates(used, times[None, :].astype(float))
    alpha = agreement.krippendorff_alpha(repeated, level=Level.NOMINAL)
    kappa = agreement.fleiss_kappa(repeated)
    for name, estimate in (("krippendorff_alpha", alpha), ("fleiss_kappa", kappa)):
        if estimate.value is not None:
            assert found[name][0] == pytest.approx(estimate.value)
        else:
            assert np.isnan(found[name][0])
    ac = agreement.gwet_ac(repeated)
    if ac.value is not None and used.shape[1] > 1:
        assert found["gwet_ac1"][0] == pytest.approx(ac.value)
