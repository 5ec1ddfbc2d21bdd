"""Likeness, evidence and the bar of chance, with numbers that can be computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from vsum_core.clustering import Cluster
from vsum_core.config import EvidenceKind, QualityBar, QualityConfig
from vsum_core.null_calibration import (
    Evidence,
    Null,
    filter_by_evidence,
    likeness_of_members,
    mean_likeness,
    pairwise_likeness,
)
from vsum_core.quality import RejectionReason

CONFIG = QualityConfig(bar=QualityBar.EVIDENCE, minimum_members=2, null_share=0.05)
# Means 0.2 and 0.1, deviations 0.1 and 0.1; all are from as many images.
NULL = [Evidence(0.1, 0.0, 4), Evidence(0.2, 0.1, 4), Evidence(0.3, 0.2, 4)]


def cluster_of(count, start=0):
    members = tuple(range(start, start + count))
    return Cluster(exemplar=start, members=members, similarities=(None, *[0.5] * (count - 1)))


def test_likeness_is_the_cosine():
    matrix = pairwise_likeness(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]))
    half = 1 / np.sqrt(2)
    expected = [[1, 1, half, 0], [1, 1, half, 0], [half, half, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(matrix, expected, atol=1e-12)
    assert mean_likeness(matrix[:3, :3]) == pytest.approx((1 + half + half) / 3)
    np.testing.assert_allclose(likeness_of_members(matrix[:3, :3]), [(1 + half) / 2, (1 + half) / 2, half])


def test_a_single_member_is_like_nobody():
    alone = pairwise_likeness(np.ones((1, 3)))
    assert mean_likeness(alone) == 0
    np.testing.assert_array_equal(likeness_of_members(alone), [0])


@given(
    hypothesis_numpy.arrays(
        np.float32,
        hypothesis_numpy.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.floats(-5, 5, width=32),
    )
)
def test_likeness_is_symmetric_and_bounded(descriptors):
    matrix = pairwise_likeness(descriptors)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert np.abs(matrix).max() <= 1


@pytest.mark.parametrize("descriptors", [np.ones(3), np.array([[np.nan, 1.0]])])
def test_descriptors_that_cannot_be_compared_are_refused(descriptors):
    with pytest.raises(ValueError, match="finite descriptors"):
        pairwise_likeness(descriptors)


def test_score_and_bar_by_hand():
    null = Null(NULL)
    assert null.score(Evidence(0.2, 0.1, 4)) == pytest.approx(0)
    assert null.score(Evidence(0.4, 0.15, 4)) == pytest.approx(2.5)  # all as broad: breadth says nothing
    # The scores of the three are -2, 0 and 2: deviation 2. A normal variable exceeds 1.6449 deviations in 5 %.
    assert null.bar(0.05) == pytest.approx(2 * 1.6449, abs=1e-3)
    assert null.bar(0.5) == pytest.approx(0, abs=1e-12)
    assert null.middle_likeness == pytest.approx(0.2)
    for share in (0, 1, -0.5):
        with pytest.raises(ValueError, match="share"):
            null.bar(share)


def test_breadth_is_the_logarithm_of_the_number_of_images():
    null = Null([Evidence(0.1, 0.0, 2), Evidence(0.2, 0.1, 4), Evidence(0.3, 0.2, 8)])
    assert null.score(Evidence(0.2, 0.1, 16)) == pytest.approx(2)  # logarithms of mean log 4 and deviation log 2
    # The scores of the three are -3, 0 and 3.
    assert null.bar(0.05) == pytest.approx(3 * 1.6449, abs=1e-3)


def test_only_the_chosen_kinds_are_added_up():
    null = Null(NULL, kinds=[EvidenceKind.EFFECT])
    assert null.score(Evidence(0.9, 0.3, 1)) == pytest.approx(2)
    assert null.middle_likeness == pytest.approx(0.2)  # by which members stay, whatever is added up
    with pytest.raises(ValueError, match="evidence must be one or more kinds"):
        QualityConfig(evidence=())


@given(st.floats(0.01, 0.98))
def test_a_smaller_share_is_a_higher_bar(share):
    assert Null(NULL).bar(share) >= Null(NULL).bar(share + 0.01)


def test_equal_random_clusters_are_passed_by_anything_better():
    null = Null([Evidence(0.2, 0.1, 4)] * 4)
    assert null.score(Evidence(0.21, 0.1, 4)) > null.bar(0.01)


def judge(evidence, *, likeness=None, null=None, config=CONFIG):
    clusters = [cluster_of(3, 10 * number) for number in range(len(evidence))]
    pairs = [np.ones((3, 3)) if likeness is None else likeness for _ in clusters]
    return filter_by_evidence(clusters, pairs, evidence, null=null or Null(NULL), config=config)


def test_only_clusters_above_chance_become_summaries():
    low, high = judge([Evidence(0.4, 0.2, 4), Evidence(0.4, 0.3, 4)])  # scores 3.0 and 4.0, bar 3.29
    assert (low.accepted, low.kept, low.reason) == (False, (), RejectionReason.BELOW_BAR)
    assert (high.accepted, high.kept, high.reason) == (True, (0, 1, 2), None)
    assert high.median_ssim is None


def test_members_unlike_the_others_go_but_the_exemplar_stays():
    likeness = np.array([[1.0, 0.1, 0.1], [0.1, 1.0, 0.9], [0.1, 0.9, 1.0]])  # means 0.1, 0.5, 0.5
    (outcome,) = judge([Evidence(0.9, 0.9, 4)], likeness=likeness)
    assert outcome.kept == (0, 1, 2)
    stranger = likeness[np.ix_([1, 0, 2], [1, 0, 2])]
    (outcome,) = judge([Evidence(0.9, 0.9, 4)], likeness=stranger)
    assert outcome.kept == (0, 2)
    strict = QualityConfig(bar=QualityBar.EVIDENCE, minimum_members=3)
    (outcome,) = judge([Evidence(0.9, 0.9, 4)], likeness=stranger, config=strict)
    assert (outcome.accepted, outcome.reason) == (False, RejectionReason.TOO_FEW_MEMBERS)


def test_where_random_regions_form_no_clusters_every_cluster_is_above_chance():
    (outcome,) = judge([Evidence(0.05, 0.0, 4)], null=Null(NULL[:2]))
    assert outcome.accepted
    single = filter_by_evidence([cluster_of(1)], [np.ones((1, 1))], [Evidence(0, 0, 4)], null=Null([]), config=CONFIG)
    assert single[0].reason is RejectionReason.NO_PAIR


def test_numbers_have_to_fit():
    with pytest.raises(ValueError, match="evidence of 1 clusters"):
        filter_by_evidence([cluster_of(2)], [], [], null=Null(NULL), config=CONFIG)
