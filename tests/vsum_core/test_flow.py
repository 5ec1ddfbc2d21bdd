"""Expected numbers are worked out by hand from Ham et al. (CVPR 2016), section 3, or come from ``reference_flow``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsum_core.config import DescriptorConfig, FlowConfig, Matcher, ProposalConfig
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors
from vsum_core.flow import MEDIAN_FLOOR, match
from vsum_core.images import read_image
from vsum_core.proposals import region_proposals

_specification = importlib.util.spec_from_file_location("reference_flow", Path(__file__).with_name("reference_flow.py"))
reference_flow = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(reference_flow)

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "caltech101"
TIE = 1e-6


def random_boxes(generator, count, *, side=224):
    sizes = generator.integers(20, 120, size=(count, 2))
    corners = (generator.random((count, 2)) * (side - sizes)).astype(int)
    return np.concatenate([corners, corners + sizes], axis=1)


def random_appearance(generator, rows, columns):
    return np.maximum(generator.normal(size=(rows, columns)), 0).astype(np.float32)


def slow(boxes_a, boxes_b, appearance, config):
    boxes_a, boxes_b = np.asarray(boxes_a, dtype=float), np.asarray(boxes_b, dtype=float)
    weights = reference_flow.filtered_appearance(boxes_a, boxes_b, appearance)
    if config.matcher is Matcher.APPEARANCE:
        return weights
    if config.matcher is Matcher.PROBABILISTIC_HOUGH:
        return reference_flow.probabilistic_hough(
            boxes_a,
            boxes_b,
            weights,
            side=config.hough_bin,
            scale_side=config.hough_scale_bin,
            sigma=config.hough_sigma,
        )
    return reference_flow.local_offset(boxes_a, boxes_b, weights, floor=MEDIAN_FLOOR)


def assert_same_matches(actual, expected):
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-30)
    highest = np.sort(expected, axis=1)
    clear = highest[:, -1] - highest[:, -2] > TIE * highest[:, -1]
    assert clear.any()
    np.testing.assert_array_equal(actual.argmax(axis=1)[clear], expected.argmax(axis=1)[clear])


@pytest.mark.parametrize("matcher", list(Matcher))
@pytest.mark.parametrize(("rows", "columns", "seed"), [(40, 40, 0), (37, 60, 1), (60, 23, 2)])
def test_compiled_matchers_agree_with_the_plain_ones(matcher, rows, columns, seed):
    generator = np.random.default_rng(seed)
    boxes_a, boxes_b = random_boxes(generator, rows), random_boxes(generator, columns)
    appearance = random_appearance(generator, rows, columns)
    config = FlowConfig(matcher=matcher)
    assert_same_matches(match(boxes_a, boxes_b, appearance, config=config), slow(boxes_a, boxes_b, appearance, config))


@pytest.fixture(scope="module")
def photographs():
    """Proposals of two photographs, and their whitened similarity."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("needs ../shared/data")
    whitening = Whitening.load_default(config=DescriptorConfig())
    boxes, features = [], []
    for path in sorted((PHOTOGRAPHS / "dalmatian").iterdir())[:2]:
        image = read_image(path, size=(224, 224))
        boxes.append(region_proposals(image, config=ProposalConfig(maximum=120), seed=0))
        features.append(whitening.decorrelate(hog_descriptors(image, boxes[-1], config=DescriptorConfig())))
    return *boxes, appearance_similarity(*features, whitening=None)


@pytest.mark.parametrize("matcher", list(Matcher))
def test_compiled_matchers_agree_with_the_plain_ones_on_photographs(matcher, photographs):
    config = FlowConfig(matcher=matcher)
    assert_same_matches(match(*photographs, config=config), slow(*photographs, config))


def test_appearance_matcher_keeps_the_appearance():
    boxes = [[0, 0, 20, 20], [30, 30, 50, 50]]
    appearance = np.array([[3, 0.5], [0, 2]], dtype=np.float32)
    result = match(boxes, boxes, appearance, config=FlowConfig(matcher=Matcher.APPEARANCE))
    np.testing.assert_array_equal(result, appearance)


def test_appearance_may_be_raised_to_a_power():
    boxes = [[0, 0, 20, 20], [30, 30, 50, 50]]
    config = FlowConfig(matcher=Matcher.APPEARANCE, appearance_power=2)
    np.testing.assert_allclose(match(boxes, boxes, [[3, 0.5], [0, 2]], config=config), [[9, 0.25], [0, 4]])


def test_aspect_ratios_that_differ_by_the_factor_do_not_match():
    square = [[0, 0, 20, 20]]
    others = [[0, 0, 40, 20], [0, 0, 39, 20], [0, 0, 20, 40], [0, 0, 20, 39]]  # ratios 2, 1.95, 1/2, 1/1.95
    config = FlowConfig(matcher=Matcher.APPEARANCE)
    np.testing.assert_array_equal(match(square, others, np.ones((1, 4)), config=config), [[0, 1, 0, 1]])
    np.testing.assert_array_equal(match(others, square, np.ones((4, 1)), config=config), [[0], [1], [0], [1]])


def test_local_offset_of_a_single_pair_by_hand():
    """One neighbour (the box itself): its share is 1. From (1, 1, 1) to its own offset (11, 1, 1) in one step."""
    result = match([[0, 0, 20, 20]], [[11, 1, 31, 21]], [[2.0]], config=FlowConfig())
    assert result[0, 0] == pytest.approx(2.0, rel=1e-6)


def test_local_offset_penalises_distance_and_scale_by_hand():
    """The first column is the best match and its offset (0, 0, 1) the median; the second is (6, 8) pixels away."""
    boxes_a = [[20, 20, 40, 40]]
    boxes_b = [[20, 20, 40, 40], [26, 28, 46, 48], [10, 10, 50, 50]]  # the third has four times the area
    result = match(boxes_a, boxes_b, [[1.0, 0.5, 0.5]], config=FlowConfig())
    np.testing.assert_allclose(result, [[1.0, 0.5 * np.exp(-0.05 * 10), 0.5 * np.exp(-0.3 * 3)]], rtol=1e-6)


def test_later_rows_read_rows_that_are_already_overwritten():
    """Two boxes apart, each its own only neighbour.

    Row 0: share 4 / (4 + 4) = 1/2, so its best falls to 2. Row 1: share 4 / (2 + 4) = 2/3, not 1/2.
    """
    boxes = [[0, 0, 20, 20], [100, 100, 120, 120]]
    result = match(boxes, boxes, [[4.0, 0.0], [0.0, 4.0]], config=FlowConfig())
    np.testing.assert_allclose(result, [[2, 0], [0, 4 * 2 / 3]], rtol=1e-6)


def test_a_row_without_appearance_is_no_neighbour():
    boxes = [[0, 0, 20, 20], [5, 5, 25, 25]]
    result = match(boxes, boxes, [[0.0, 0.0], [0.0, 1.0]], config=FlowConfig())
    np.testing.assert_allclose(result, [[0, 0], [0, 1]], rtol=1e-6)


def test_boxes_that_share_only_an_edge_are_no_neighbours():
    boxes = [[0, 0, 20, 20], [20, 0, 40, 20]]
    result = match(boxes, boxes, [[1.0, 0.0], [0.0, 1.0]], config=FlowConfig())
    assert result[0, 0] == pytest.approx(0.5)


def test_equal_best_matches_take_the_first():
    """Offsets (0, 0) and (10, 0) are equally good; the first becomes the median, so the second is 10 pixels away."""
    result = match([[0, 0, 20, 20]], [[0, 0, 20, 20], [10, 0, 30, 20]], [[1.0, 1.0]], config=FlowConfig())
    np.testing.assert_allclose(result, [[1, np.exp(-0.5)]], rtol=1e-6)


def test_hough_prefers_the_offset_that_more_pairs_share():
    """Three boxes moved by (40, 0) and one equally good pair that moved elsewhere."""
    boxes_a = np.array([[0, 0, 20, 20], [50, 50, 70, 70], [100, 20, 120, 40]])
    boxes_b = np.vstack([boxes_a + np.array([40, 0, 40, 0]), [[0, 120, 20, 140]]])
    appearance = np.column_stack([np.eye(3), [1, 0, 0]])
    config = FlowConfig(matcher=Matcher.PROBABILISTIC_HOUGH)
    result = match(boxes_a, boxes_b, appearance, config=config)
    assert result[0, 0] == pytest.approx(3 * result[0, 3], rel=1e-4)


@pytest.mark.parametrize("matcher", list(Matcher))
def test_identical_images_map_to_themselves(matcher):
    generator = np.random.default_rng(3)
    boxes = np.unique(random_boxes(generator, 50), axis=0)
    features = generator.normal(size=(len(boxes), 64))
    appearance = np.maximum(features @ features.T, 0)
    result = match(boxes, boxes, appearance, config=FlowConfig(matcher=matcher))
    np.testing.assert_array_equal(result.argmax(axis=1), np.arange(len(boxes)))


@pytest.mark.parametrize("matcher", [Matcher.PROBABILISTIC_HOUGH, Matcher.LOCAL_OFFSET])
def test_geometry_outvotes_misleading_appearance_in_a_translated_image(matcher):
    """All boxes move by (12, −7); a fifth of them look slightly more like another box than like themselves."""
    generator = np.random.default_rng(4)
    boxes = random_boxes(generator, 80)
    appearance = np.eye(80) + 0.1 * generator.random((80, 80))
    misled = np.arange(0, 80, 5)
    appearance[misled, generator.permutation(80)[: len(misled)]] = 1.2
    expected = np.arange(80)
    assert (appearance.argmax(axis=1) != expected).sum() >= 10
    result = match(boxes, boxes + np.array([12, -7, 12, -7]), appearance, config=FlowConfig(matcher=matcher))
    np.testing.assert_array_equal(result.argmax(axis=1), expected)


@pytest.mark.parametrize("matcher", list(Matcher))
def test_nothing_alike_gives_no_confidence(matcher):
    boxes = random_boxes(np.random.default_rng(5), 6)
    result = match(boxes, boxes[:4], np.zeros((6, 4)), config=FlowConfig(matcher=matcher))
    np.testing.assert_array_equal(result, np.zeros((6, 4), dtype=np.float32))


@pytest.mark.parametrize("matcher", list(Matcher))
@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (3, 0), (0, 0)])
def test_images_without_proposals(matcher, rows, columns):
    boxes = random_boxes(np.random.default_rng(6), 3)
    result = match(boxes[:rows], boxes[:columns], np.zeros((rows, columns)), config=FlowConfig(matcher=matcher))
    assert result.shape == (rows, columns)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([0.25, 2.0, 1024.0]), matcher=st.sampled_from(Matcher))
def test_confidence_is_linear_in_the_appearance(seed, factor, matcher):
    generator = np.random.default_rng(seed)
    rows, columns = generator.integers(1, 12, size=2)
    boxes_a, boxes_b = random_boxes(generator, rows), random_boxes(generator, columns)
    appearance = random_appearance(generator, rows, columns)
    config = FlowConfig(matcher=matcher)
    once = match(boxes_a, boxes_b, appearance, config=config)
    assert (once >= 0).all()
    assert (once[appearance == 0] == 0).all()
    np.testing.assert_allclose(
        match(boxes_a, boxes_b, factor * appearance, config=config), factor * once, rtol=1e-5, atol=1e-30
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.tuples(st.integers(-50, 50), st.integers(-50, 50)))
def test_moving_both_images_alike_changes_nothing(seed, shift):
    generator = np.random.default_rng(seed)
    boxes_a, boxes_b = random_boxes(generator, 10), random_boxes(generator, 12)
    appearance = random_appearance(generator, 10, 12)
    moved = [boxes + np.tile(shift, 2) for boxes in (boxes_a, boxes_b)]
    np.testing.assert_allclose(
        match(*moved, appearance, config=FlowConfig()), match(boxes_a, boxes_b, appearance, config=FlowConfig())
    )


def test_match_leaves_its_input_alone():
    boxes = random_boxes(np.random.default_rng(7), 5)
    appearance = np.ones((5, 5), dtype=np.float32)
    match(boxes, boxes, appearance, config=FlowConfig())
    np.testing.assert_array_equal(appearance, np.ones((5, 5)))


@pytest.mark.parametrize(
    ("boxes_a", "appearance", "message"),
    [
        ([[0, 0, 20, 20]], np.ones((2, 1)), r"shape \(1, 1\)"),
        ([[0, 0, 20, 20]], [[-1.0]], "not negative"),
        ([[0, 0, 20, 20]], [[np.nan]], "finite"),
        ([[0, 0, 0, 20]], [[1.0]], "box 0"),
        ([[0, np.inf, 20, 20]], [[1.0]], "box 0"),
        ([[0, 0, 20]], [[1.0]], r"shape \(P, 4\)"),
    ],
)
def test_wrong_input_is_refused(boxes_a, appearance, message):
    with pytest.raises(ValueError, match=message):
        match(boxes_a, [[0, 0, 20, 20]], appearance, config=FlowConfig())
