"""The quality filter with similarities that can be computed by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from vsum_core.clustering import Cluster
from vsum_core.config import QualityBar, QualityConfig
from vsum_core.quality import (
    FilteredCluster,
    RejectionReason,
    filter_clusters,
    median_ssim,
    pairwise_ssim,
    reject_repeats,
)

RELATIVE = QualityConfig()
CALIBRATED = QualityConfig(bar=QualityBar.NULL_CALIBRATED)


def flat(level):
    return np.full((9, 9), level)


def flat_ssim(first, second):
    """SSIM of two constant patches: only the luminance term of Wang et al. (2004), C1 = 0.01², is left."""
    return (2 * first * second + 1e-4) / (first**2 + second**2 + 1e-4)


def cluster_of(levels, start=0):
    """A cluster of constant patches with the given grey levels; regions are numbered from ``start``."""
    members = tuple(range(start, start + len(levels)))
    similarities = (None, *(0.9 - 0.01 * position for position in range(len(levels) - 1)))
    return Cluster(exemplar=start, members=members, similarities=similarities), [flat(level) for level in levels]


def judge(*groups, config=RELATIVE, null=None):
    clusters, patches = zip(*groups, strict=True)
    return filter_clusters(clusters, patches, config=config, null=null)


def test_ssim_of_constant_patches_is_the_luminance_term():
    matrix = pairwise_ssim([flat(0.5), flat(0.5), flat(0.25)])
    expected = flat_ssim(0.5, 0.25)
    assert expected == pytest.approx(0.2501 / 0.3126)
    np.testing.assert_allclose(matrix, [[1, 1, expected], [1, 1, expected], [expected, expected, 1]], atol=1e-12)


def test_ssim_of_a_pattern_and_its_negative_is_negative():
    checks = np.indices((12, 12)).sum(axis=0) % 2 * 1.0
    assert pairwise_ssim([checks, 1 - checks])[0, 1] < -0.9


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 6, 7])
def test_patches_smaller_than_the_window_are_compared_with_a_smaller_one(side):
    ramp = np.tile(np.linspace(0, 1, 8), (side, 1))
    matrix = pairwise_ssim([ramp, ramp, ramp[:, ::-1]])
    assert matrix[0, 1] == pytest.approx(1)
    assert matrix[0, 2] < 0.9


def test_medians_of_no_and_of_one_pair():
    assert median_ssim([]) is None
    assert median_ssim([flat(0.2)]) is None
    assert median_ssim([flat(0.2), flat(0.4)]) == pytest.approx(flat_ssim(0.2, 0.4))


@settings(max_examples=30, deadline=None)
@given(
    hypothesis_numpy.arrays(
        np.float64, hypothesis_numpy.array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.floats(0, 1)
    )
)
def test_ssim_is_symmetric_bounded_and_one_with_itself(patches):
    matrix = pairwise_ssim(list(patches))
    np.testing.assert_array_equal(matrix, matrix.T)
    assert (np.diag(matrix) == 1).all()
    assert (np.abs(matrix) <= 1 + 1e-9).all()


def test_relative_bar_is_nine_tenths_of_the_median_of_the_medians():
    # Medians 1, flat_ssim(0.5, x) for three clusters; each cluster has three members, two pairs of three unlike.
    good = cluster_of([0.5, 0.5, 0.5])
    middling = cluster_of([0.5, 0.4, 0.4], start=10)  # pairs 0.976, 0.976, 1: median 0.976
    poor = cluster_of([0.5, 0.2, 0.2], start=20)  # pairs 0.690, 0.690, 1: median 0.690, below 0.9 · 0.976
    results = judge(good, middling, poor)
    assert [result.median_ssim for result in results] == pytest.approx([1, flat_ssim(0.5, 0.4), flat_ssim(0.5, 0.2)])
    assert [result.accepted for result in results] == [True, True, False]
    assert results[2].reason is RejectionReason.BELOW_BAR
    assert results[2].kept == ()
    assert results[0].members == (0, 1, 2)
    assert results[0].reason is None


def test_a_cluster_exactly_at_the_relative_bar_is_accepted():
    (only,) = judge(cluster_of([0.5, 0.4, 0.3]), config=QualityConfig(cluster_factor=1.0, member_share=1.0))
    assert only.accepted


def test_a_member_unlike_the_others_is_taken_out():
    # Pairs of the last member: 4 of 4 below M; of the others 1 of 4. M = 1, the median of 6 ones and 4 small values.
    (result,) = judge(cluster_of([0.5, 0.5, 0.5, 0.5, 0.1]))
    assert result.accepted
    assert result.kept == (0, 1, 2, 3)
    assert result.similarities == (None, 0.9, 0.89, 0.88)


def test_a_member_with_exactly_the_share_of_poor_pairs_goes():
    # Levels a, a, a, b, b, b: each has 3 of 5 pairs (60 %) below M = 1, set by the other cluster.
    split = cluster_of([0.5, 0.5, 0.5, 0.49, 0.49, 0.49])
    same = cluster_of([0.5] * 3, start=10)
    # M is the median of flat_ssim(0.5, 0.49) and 1, above the pairs across and below those within.
    results = judge(split, same)
    assert results[0].reason is RejectionReason.TOO_FEW_MEMBERS
    assert judge(split, same, config=QualityConfig(member_share=0.61))[0].kept == (0, 1, 2, 3, 4, 5)


def test_the_exemplar_stays_even_where_it_is_the_odd_one_out():
    (result,) = judge(cluster_of([0.1, 0.5, 0.5, 0.5, 0.5]))
    assert result.members == (0, 1, 2, 3, 4)


def test_too_few_members_left():
    result, _ = judge(cluster_of([0.5, 0.5]), cluster_of([0.5, 0.5, 0.5], start=10))
    assert not result.accepted
    assert result.reason is RejectionReason.TOO_FEW_MEMBERS
    assert result.members == ()
    assert result.median_ssim == 1


def test_a_single_member_has_no_pair():
    single, _ = judge(cluster_of([0.5]), cluster_of([0.5, 0.5, 0.5], start=10))
    assert single.reason is RejectionReason.NO_PAIR
    assert single.median_ssim is None


def test_negative_medians_do_not_turn_every_cluster_away():
    checks = np.indices((12, 12)).sum(axis=0) % 2 * 1.0
    cluster = Cluster(exemplar=0, members=(0, 1, 2), similarities=(None, 0.5, 0.4))
    patches = [checks, 1 - checks, 1 - checks]  # two of three pairs near -1
    (result,) = filter_clusters([cluster], [patches], config=QualityConfig(member_share=1.0))
    assert result.median_ssim < -0.9
    assert result.accepted


def test_calibrated_bar_is_absolute_and_strict():
    levels = [0.5, 0.4, 0.4]
    median = flat_ssim(0.5, 0.4)
    null = [median] * 5
    (at_bar,) = judge(cluster_of(levels), config=CALIBRATED, null=null)
    assert at_bar.reason is RejectionReason.BELOW_BAR
    (above,) = judge(cluster_of(levels), config=CALIBRATED, null=[median - 0.01] * 5)
    assert above.accepted


def test_calibrated_bar_is_the_quantile_of_the_null():
    # 0.95 quantile of 0, 0.01 … 1 is 0.95: medians 0.976 and 0.690 lie on its two sides.
    results = judge(
        cluster_of([0.5, 0.4, 0.4]), cluster_of([0.5, 0.2, 0.2], 10), config=CALIBRATED, null=np.linspace(0, 1, 101)
    )
    assert [result.accepted for result in results] == [True, False]


def test_calibrated_bar_can_turn_every_cluster_away_where_the_relative_one_cannot():
    groups = [cluster_of([0.5, 0.2, 0.2], start=10 * index) for index in range(4)]
    assert all(result.accepted for result in judge(*groups, config=QualityConfig(member_share=1.0)))
    assert not any(result.accepted for result in judge(*groups, config=CALIBRATED, null=[0.8, 0.9]))


def test_without_a_bar_only_the_number_of_members_counts():
    large, small = judge(
        cluster_of([0.9, 0.1, 0.5]), cluster_of([0.5, 0.5], start=10), config=QualityConfig(bar=QualityBar.NONE)
    )
    assert large.kept == (0, 1, 2)
    assert small.reason is RejectionReason.TOO_FEW_MEMBERS


def test_no_clusters():
    assert filter_clusters([], [], config=RELATIVE) == []


@pytest.mark.parametrize("null", [None, [], [0.1, np.nan]])
def test_calibrated_bar_needs_a_null(null):
    with pytest.raises(ValueError, match="null"):
        judge(cluster_of([0.5] * 3), config=CALIBRATED, null=null)


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        ([np.zeros((3, 3)), np.zeros((3, 4))], "one shape"),
        ([np.zeros((0, 3)), np.zeros((0, 3))], "one shape"),
        ([np.zeros((3, 3, 3)), np.zeros((3, 3, 3))], "grey"),
        ([np.zeros((3, 3)), np.full((3, 3), 200.0)], r"\[0, 1\]"),
        ([np.zeros((3, 3)), np.full((3, 3), np.nan)], r"\[0, 1\]"),
    ],
)
def test_unusable_patches_are_refused(patches, message):
    with pytest.raises(ValueError, match=message):
        pairwise_ssim(patches)


def test_patches_must_match_the_members():
    cluster, patches = cluster_of([0.5] * 3)
    with pytest.raises(ValueError, match="3 members, but 2 patches"):
        filter_clusters([cluster], [patches[:2]], config=RELATIVE)
    with pytest.raises(ValueError, match="1 clusters"):
        filter_clusters([cluster], [], config=RELATIVE)


# reject_repeats

ONE_PLACE = QualityConfig(repeat_overlap=0.5)


def world(*groups):
    """Accepted clusters from ``(closeness, {image: box})``, and the regions they are made of.

    The exemplar's similarity to itself is 2, so that closeness is not just the similarity of the members.
    """
    boxes, images, filtered = [], [], []
    for _, places in groups:
        members = tuple(range(len(boxes), len(boxes) + len(places)))
        boxes.extend(places.values())
        images.extend(places)
        cluster = Cluster(exemplar=members[0], members=members, similarities=(None, *[0.5] * (len(members) - 1)))
        filtered.append(
            FilteredCluster(
                cluster=cluster, kept=tuple(range(len(members))), median_ssim=0.5, accepted=True, reason=None
            )
        )
    similarity = np.zeros((len(boxes), len(boxes)))
    for outcome, (closeness, _) in zip(filtered, groups, strict=True):
        similarity[list(outcome.members), outcome.members[0]] = 2 * closeness
        similarity[outcome.members[0], outcome.members[0]] = 2
    return filtered, {"boxes": boxes, "image_of_region": images, "similarity": similarity}


def accepted_of(*groups, config=ONE_PLACE):
    filtered, regions = world(*groups)
    results = reject_repeats(filtered, **regions, config=config)
    assert [result.cluster for result in results] == [outcome.cluster for outcome in filtered]
    for result in results:
        assert result.reason is (None if result.accepted else RejectionReason.REPEATS)
        assert (result.kept == ()) is not result.accepted
    return [result.accepted for result in results]


def everywhere(box, images=range(4)):
    return dict.fromkeys(images, box)


HERE, THERE = (0, 0, 10, 10), (50, 50, 60, 60)


def test_of_two_clusters_of_one_place_the_one_with_closer_members_stays():
    assert accepted_of((0.4, everywhere(HERE)), (0.6, everywhere(HERE))) == [False, True]
    assert accepted_of((0.6, everywhere(HERE)), (0.4, everywhere(HERE))) == [True, False]
    assert accepted_of((0.5, everywhere(HERE)), (0.5, everywhere(HERE))) == [True, False]  # a tie: the first


def test_closeness_is_relative_to_the_exemplars_similarity_to_itself():
    filtered, regions = world((0.5, everywhere(HERE)), (0.6, everywhere(HERE)))
    regions["similarity"][4, 4] = 4  # the second exemplar: its members are now at 1.2 / 4
    assert [result.accepted for result in reject_repeats(filtered, **regions, config=ONE_PLACE)] == [True, False]


def test_clusters_of_different_places_stay():
    assert accepted_of((0.4, everywhere(HERE)), (0.6, everywhere(THERE))) == [True, True]


def test_a_box_inside_a_larger_one_is_the_same_place():
    """Intersection over the smaller box is 1, though over the union it is 0.04."""
    assert accepted_of((0.4, everywhere((20, 20, 30, 30))), (0.6, everywhere((0, 0, 50, 50)))) == [False, True]


@pytest.mark.parametrize(("shift", "accepted"), [(5, False), (6, True)])
def test_half_of_the_smaller_box_is_the_limit(shift, accepted):
    """Boxes of 10 pixels a side, moved by 5 share 0.5 of their area, moved by 6 share 0.4."""
    moved = everywhere((shift, 0, shift + 10, 10))
    assert accepted_of((0.6, everywhere(HERE)), (0.4, moved)) == [True, accepted]


@pytest.mark.parametrize(("same", "accepted"), [(2, True), (3, False)])
def test_more_than_half_of_the_shared_images_must_show_one_place(same, accepted):
    places = everywhere(HERE, range(same)) | everywhere(THERE, range(same, 4))
    assert accepted_of((0.6, everywhere(HERE)), (0.4, places)) == [True, accepted]


@pytest.mark.parametrize(("images", "accepted"), [(range(3, 8), True), (range(2, 7), False)])
def test_enough_of_a_clusters_own_images_must_be_shared(images, accepted):
    """Of five images, one (20 %) or two (40 %) are images of the better cluster; the limit is 40 %."""
    assert accepted_of((0.6, everywhere(HERE)), (0.4, everywhere(HERE, images))) == [True, accepted]


def test_without_a_shared_image_nothing_repeats_however_low_the_limit():
    config = QualityConfig(repeat_overlap=0.5, repeat_images=0.0)
    assert accepted_of((0.6, everywhere(HERE)), (0.4, everywhere(HERE, range(9, 13))), config=config) == [True, True]


def test_what_repeats_only_a_repeat_stays():
    """B repeats A and goes; C shares its place with B but not with A."""
    first, second, third = everywhere((0, 0, 10, 10)), everywhere((5, 0, 15, 10)), everywhere((10, 0, 20, 10))
    assert accepted_of((0.9, first), (0.8, second), (0.7, third)) == [True, False, True]


def test_the_reference_rejects_no_repeats():
    assert accepted_of((0.4, everywhere(HERE)), (0.6, everywhere(HERE)), config=RELATIVE) == [True, True]


def test_clusters_rejected_before_neither_change_nor_reject_others():
    filtered, regions = world((0.9, everywhere(HERE)), (0.4, everywhere(HERE)))
    below = FilteredCluster(
        cluster=filtered[0].cluster, kept=(), median_ssim=0.1, accepted=False, reason=RejectionReason.BELOW_BAR
    )
    results = reject_repeats([below, filtered[1]], **regions, config=ONE_PLACE)
    assert results == [below, filtered[1]]


def test_members_that_were_taken_out_do_not_count():
    """Only the images of the members that stay are compared; here no image is left in common."""
    filtered, regions = world((0.9, everywhere(HERE)), (0.4, everywhere(HERE) | everywhere(THERE, [7, 8])))
    second = FilteredCluster(cluster=filtered[1].cluster, kept=(0, 4, 5), median_ssim=0.5, accepted=True, reason=None)
    regions["image_of_region"][second.members[0]] = 6
    results = reject_repeats([filtered[0], second], **regions, config=ONE_PLACE)
    assert [result.accepted for result in results] == [True, True]
