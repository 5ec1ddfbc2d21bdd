"""Control arms keep sizes, images and areas, and nothing else."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsum_core.baselines import (
    Region,
    random_regions,
    scattered_mask,
    shift_mask,
    shuffled_clusters,
    whole_images,
)

SIDE = 224


def size(region):
    left, top, right, bottom = region.box
    return right - left, bottom - top


@st.composite
def summaries_of_a_class(draw):
    """Up to six summaries over up to nine images, no image twice in one."""
    images = st.lists(st.integers(0, 8), min_size=1, max_size=9, unique=True)
    summaries = []
    for members in draw(st.lists(images, min_size=1, max_size=6)):
        summary = []
        for image in members:
            left, top = draw(st.integers(0, 200)), draw(st.integers(0, 200))
            box = (left, top, left + draw(st.integers(1, 24)), top + draw(st.integers(1, 24)))
            summary.append(Region(image=image, box=box, drop=0.1, similarity=0.5))
        summaries.append(summary)
    return summaries


def check_groups(groups, summaries):
    assert [len(group) for group in groups] == [len(summary) for summary in summaries]
    for group in groups:
        assert len({region.image for region in group}) == len(group)
    before = Counter(region.image for summary in summaries for region in summary)
    assert Counter(region.image for group in groups for region in group) == before


@settings(max_examples=60, deadline=None)
@given(summaries=summaries_of_a_class(), seed=st.integers(0, 1000))
def test_random_regions_keep_sizes_and_images_and_stay_in_the_frame(summaries, seed):
    groups = random_regions(summaries, frame_side=SIDE, generator=np.random.default_rng(seed))
    check_groups(groups, summaries)
    before = Counter((region.image, size(region)) for summary in summaries for region in summary)
    assert Counter((region.image, size(region)) for group in groups for region in group) == before
    for group in groups:
        for region in group:
            left, top, right, bottom = region.box
            assert 0 <= left < right <= SIDE
            assert 0 <= top < bottom <= SIDE
            assert region.drop is None
            assert region.similarity is None


def test_random_places_are_uniform():
    # A box of 222 has 3 × 3 places in a frame of 224: 900 draws give each about 100 (standard deviation 9.4).
    generator = np.random.default_rng(0)
    summary = [Region(image=0, box=(1, 0, 223, 222))]
    places = Counter(random_regions([summary], frame_side=SIDE, generator=generator)[0][0].box[:2] for _ in range(900))
    assert set(places) == {(left, top) for left in range(3) for top in range(3)}
    assert all(60 < count < 140 for count in places.values())


def test_offset_moves_the_mask_with_the_box():
    mask = np.ones((SIDE, SIDE), dtype=np.float32)
    mask[12:18, 31:37] = 0
    (group,) = random_regions(
        [[Region(image=0, box=(30, 10, 50, 40))]], frame_side=SIDE, generator=np.random.default_rng(4)
    )
    left, top, right, bottom = map(int, group[0].box)
    moved = shift_mask(mask, group[0].offset)
    np.testing.assert_array_equal(moved[top:bottom, left:right], mask[10:40, 30:50])
    assert (moved == 0).sum() == 36


def test_shift_mask_by_hand():
    mask = np.array([[0.0, 0.1], [0.2, 0.3]])
    np.testing.assert_array_equal(shift_mask(mask, (1, 0)), [[1, 0.0], [1, 0.2]])
    np.testing.assert_array_equal(shift_mask(mask, (0, -1)), [[0.2, 0.3], [1, 1]])
    np.testing.assert_array_equal(shift_mask(mask, (-1, 1)), [[1, 1], [0.1, 1]])
    np.testing.assert_array_equal(shift_mask(mask, (5, 0)), [[1, 1], [1, 1]])
    np.testing.assert_array_equal(shift_mask(mask, (0, 0)), mask)


@settings(max_examples=40, deadline=None)
@given(summaries=summaries_of_a_class(), seed=st.integers(0, 1000))
def test_shuffled_clusters_deal_the_same_regions_anew(summaries, seed):
    groups = shuffled_clusters(summaries, generator=np.random.default_rng(seed))
    if len(summaries) == 1:
        assert groups == []
        return
    check_groups(groups, summaries)
    before = Counter((region.image, region.box) for summary in summaries for region in summary)
    assert Counter((region.image, region.box) for group in groups for region in group) == before
    assert all(region.drop == 0.1 and region.similarity is None for group in groups for region in group)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_clusters_mix_the_members_of_several_summaries(seed):
    # Four summaries of the same eight images: mixed as well as possible, a group holds two members of each summary.
    summaries = [[Region(image=image, box=(source, 0, source + 10, 10)) for image in range(8)] for source in range(4)]
    groups = shuffled_clusters(summaries, generator=np.random.default_rng(seed))
    for group in groups:
        assert max(Counter(region.box[0] for region in group).values()) <= 5
        assert len({region.box[0] for region in group}) >= 3


def test_images_are_dealt_anew_too():
    # Two summaries over different images: after the shuffle some image is in the other one.
    summaries = [[Region(image=image, box=(0, 0, 9, 9)) for image in range(start, start + 4)] for start in (0, 4)]
    groups = shuffled_clusters(summaries, generator=np.random.default_rng(0))
    assert 1 <= len({region.image for region in groups[0]} & {0, 1, 2, 3}) <= 3


def test_whole_images_show_the_images_of_each_summary():
    summaries = [[Region(image=image, box=(3, 3, 9, 9)) for image in images] for images in ([4, 2, 7], [2, 5])]
    groups = whole_images(summaries, frame_side=SIDE, generator=np.random.default_rng(0))
    assert [sorted(region.image for region in group) for group in groups] == [[2, 4, 7], [2, 5]]
    assert {region.box for group in groups for region in group} == {(0, 0, SIDE, SIDE)}


def test_the_seed_decides():
    summaries = [[Region(image=image, box=(0, 0, 20, 30)) for image in range(6)] for _ in range(3)]
    arms = [
        lambda generator: random_regions(summaries, frame_side=SIDE, generator=generator),
        lambda generator: shuffled_clusters(summaries, generator=generator),
        lambda generator: whole_images(summaries, frame_side=SIDE, generator=generator),
    ]
    for arm in arms:
        assert arm(np.random.default_rng(3)) == arm(np.random.default_rng(3))
        assert arm(np.random.default_rng(3)) != arm(np.random.default_rng(4))


def test_no_summaries_give_no_groups():
    generator = np.random.default_rng(0)
    assert random_regions([], frame_side=SIDE, generator=generator) == []
    assert shuffled_clusters([], generator=generator) == []
    assert whole_images([], frame_side=SIDE, generator=generator) == []


@pytest.mark.parametrize("box", [(0, 0, 225, 10), (-1, 0, 10, 10), (10, 0, 10, 10), (0, 9, 5, 3)])
def test_boxes_outside_the_frame_are_refused(box):
    with pytest.raises(ValueError, match="frame of 224"):
        random_regions([[Region(image=0, box=box)]], frame_side=SIDE, generator=np.random.default_rng(0))


def test_an_image_twice_in_a_summary_is_refused():
    summary = [Region(image=1, box=(0, 0, 9, 9)), Region(image=1, box=(9, 9, 20, 20))]
    with pytest.raises(ValueError, match="image 1 2 times"):
        shuffled_clusters([summary, summary], generator=np.random.default_rng(0))


def test_a_scattered_mask_keeps_its_blobs_and_loses_their_places():
    mask = np.ones((40, 40))
    mask[2:8, 3:13] = 0.2  # 60 pixels
    mask[20:24, 30:35] = 0.0  # 20 pixels
    places = set()
    for seed in range(20):
        moved = scattered_mask(mask, generator=np.random.default_rng(seed))
        assert moved.shape == (40, 40) and moved.dtype == np.float32 and set(np.unique(moved)) == {0, 1}
        deleted = int((moved == 0).sum())
        assert 60 <= deleted <= 80  # less than 80 where the two meet
        places.add(np.flatnonzero(moved == 0)[0])
        np.testing.assert_array_equal(moved, scattered_mask(mask, generator=np.random.default_rng(seed)))
    assert len(places) > 10


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.integers(0, 8), st.integers(0, 8))
def test_a_single_blob_moves_whole_inside_the_frame(seed, height, width, top, left):
    mask = np.ones((20, 20))
    mask[top : top + height, left : left + width] = 0
    moved = scattered_mask(mask, generator=np.random.default_rng(seed))
    rows, columns = np.nonzero(moved == 0)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1, len(rows)) == (height, width, height * width)


def test_nothing_to_scatter():
    assert (scattered_mask(np.ones((9, 9)), generator=np.random.default_rng(0)) == 1).all()
