"""Metrics against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsum_core.metrics import (
    area_times_probability,
    coverage,
    jaccard,
    normalised_score,
    part_of_region,
    purity,
    region_pixels,
    relative_drop,
)

probabilities = st.floats(0, 1)


def test_relative_drop():
    assert relative_drop(0.8, 0.2) == pytest.approx(0.75)
    assert relative_drop(0.5, 0.75) == pytest.approx(-0.5)
    assert relative_drop(0.9, 0.0) == 1
    assert relative_drop(0.0, 0.3) is None


def test_normalised_score():
    # The dalmatians of the design notes: 0.907 untouched, 0.347 blurred, 0.00027 masked: -0.90673 / 0.56.
    assert normalised_score(0.907, 0.00027, 0.347) == pytest.approx(-1.61916, abs=1e-5)
    assert normalised_score(0.9, 0.4, 0.4) == pytest.approx(-1)
    assert normalised_score(0.9, 0.9, 0.4) == 0
    assert normalised_score(0.6, 0.1, 0.6) is None


def test_area_times_probability():
    assert area_times_probability(0.163, 0.5) == pytest.approx(0.0815)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_probabilities_outside_their_range_are_refused(value):
    with pytest.raises(ValueError, match="p0 must lie"):
        relative_drop(value, 0.5)
    with pytest.raises(ValueError, match="p_blurred must lie"):
        normalised_score(0.5, 0.5, value)
    with pytest.raises(ValueError, match="area must lie"):
        area_times_probability(value, 0.5)


def test_coverage_of_one_image():
    assert coverage(0.9, 0.5, 0.1) == pytest.approx(0.5)


def test_coverage_is_clipped_per_image():
    assert coverage(0.9, 0.05, 0.1) == 1
    assert coverage(0.9, 0.95, 0.1) == 0


def test_coverage_pools_the_drops_of_all_images():
    # Explained 0.4 of 0.8, 0 of 0.2 (the score rose); the third mask does not lower the score and is left out.
    assert coverage([0.9, 0.5, 0.3], [0.5, 0.6, 0.1], [0.1, 0.3, 0.4]) == pytest.approx(0.4 / 1.0)


def test_coverage_is_undefined_without_a_drop():
    assert coverage(0.5, 0.2, 0.5) is None
    assert coverage([], [], []) is None


def test_coverage_needs_equal_shapes():
    with pytest.raises(ValueError, match="equal shapes"):
        coverage([0.5, 0.5], [0.5], [0.5, 0.5])


@given(p0=probabilities, p_union=probabilities, p_mask=probabilities)
def test_coverage_is_a_share(p0, p_union, p_mask):
    value = coverage(p0, p_union, p_mask)
    assert (value is None) == (p_mask >= p0)
    assert value is None or 0 <= value <= 1


@pytest.fixture
def bird():
    """A 6 × 8 picture: beak in columns 0–1, head in columns 2–5, nothing in columns 6–7."""
    beak, head = np.zeros((6, 8), dtype=bool), np.zeros((6, 8), dtype=bool)
    beak[:, :2] = True
    head[:, 2:6] = True
    return {"beak": beak, "head": head}


def test_part_with_most_pixels_of_a_box(bird):
    assert part_of_region((0, 0, 3, 6), bird) == "beak"
    assert part_of_region((0, 0, 8, 6), bird) == "head"


def test_only_masked_pixels_count(bird):
    masked = np.zeros((6, 8), dtype=bool)
    masked[0, :3] = True
    assert part_of_region((0, 0, 8, 6), bird, masked=masked) == "beak"


def test_a_part_must_cover_its_share_of_the_region(bird):
    assert part_of_region((5, 0, 8, 6), bird) == "head"  # 6 pixels of head, 12 of nothing
    assert part_of_region((5, 0, 8, 6), bird, minimum_share=0.34) is None
    assert part_of_region((5, 0, 8, 6), bird, minimum_share=0.33) == "head"


def test_region_as_mask_and_equal_parts(bird):
    region = np.zeros((6, 8), dtype=bool)
    region[2, 1:3] = True
    assert part_of_region(region, bird) == "beak"
    assert part_of_region(region, dict(reversed(bird.items()))) == "head"


def test_empty_region_and_no_parts_show_no_part(bird):
    assert part_of_region(np.zeros((6, 8), dtype=bool), bird) is None
    assert part_of_region((0, 0, 3, 3), {}) is None


def test_parts_must_have_one_shape(bird):
    with pytest.raises(ValueError, match="one shape"):
        part_of_region((0, 0, 3, 3), bird, masked=np.zeros((5, 8), dtype=bool))


def test_purity():
    assert purity(["beak", "beak", "tail", None]) == ("beak", 0.5)
    assert purity(["tail", "beak"]) == ("beak", 0.5)
    assert purity([None, None]) == (None, 0.0)
    assert purity([]) == (None, None)


def test_jaccard_of_boxes():
    # Two 4 × 4 boxes that share 2 × 4 pixels: 8 of 24.
    assert jaccard((0, 0, 4, 4), (2, 0, 6, 4)) == pytest.approx(1 / 3)
    assert jaccard((0, 0, 4, 4), (4, 0, 8, 4)) == 0
    assert jaccard((0, 0, 4, 4), (5, 5, 8, 8)) == 0
    assert jaccard((1, 1, 1, 1), (2, 2, 2, 2)) is None


def test_jaccard_of_masks():
    first = np.array([[True, True], [False, False]])
    second = np.array([[True, False], [True, False]])
    assert jaccard(first, second) == pytest.approx(1 / 3)
    assert jaccard(first & False, second & False) is None


def test_jaccard_of_unlike_regions_is_refused():
    with pytest.raises(ValueError, match="two boxes"):
        jaccard((0, 0, 4, 4), np.ones((4, 4), dtype=bool))
    with pytest.raises(ValueError, match="left, top"):
        jaccard((4, 0, 0, 4), (0, 0, 4, 4))


whole_boxes = st.tuples(*[st.integers(0, 9)] * 4).map(
    lambda sides: (min(sides[0], sides[1]), min(sides[2], sides[3]), max(sides[0], sides[1]), max(sides[2], sides[3]))
)


@given(first=whole_boxes, second=whole_boxes)
def test_jaccard_of_boxes_is_that_of_their_pixels(first, second):
    expected = jaccard(region_pixels(first, (9, 9)), region_pixels(second, (9, 9)))
    assert jaccard(first, second) == (None if expected is None else pytest.approx(expected))


def test_region_pixels_takes_the_pixels_whose_centre_is_inside():
    np.testing.assert_array_equal(region_pixels((0.5, 0, 2.4, 1), (1, 4)), [[True, True, False, False]])
    with pytest.raises(ValueError, match="Expected a box"):
        region_pixels(np.zeros((2, 2)), (2, 2))
