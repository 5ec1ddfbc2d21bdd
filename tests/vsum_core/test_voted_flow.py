"""Votes by hand, and against a plain version that shifts from every vote."""

from __future__ import annotations

import numpy as np
import pytest

from vsum_core.config import FlowConfig, FlowField
from vsum_core.dense_flow import NoMatchError, dense_flow
from vsum_core.voted_flow import SPACING, enlarged, lattice, strongest_votes, voted_places

VOTED = FlowConfig(field=FlowField.VOTED)
SIDE = 48


def boxes_at(*corners, side=20):
    corners = np.array(corners, dtype=float)
    return np.concatenate([corners, corners + side], axis=1)


def grid(height, width):
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2).astype(np.float32)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, size=(SIDE, SIDE, 3), dtype=np.uint8)


def test_a_single_match_is_the_linear_map_of_its_box():
    """A quarter across and half down a 20 × 20 box that becomes 40 × 10 at (100, 50): (110, 55)."""
    places = voted_places(
        boxes_at((0, 0)), np.array([[100.0, 50, 140, 60]]), np.ones(1), np.array([[5.0, 10.0]]), config=VOTED
    )
    np.testing.assert_allclose(places, [[110, 55]])


def test_a_place_in_no_box_has_no_vote():
    boxes = boxes_at((0, 0))
    places = voted_places(boxes, boxes, np.ones(1), np.array([[20.0, 5.0], [19.9, 5.0]]), config=VOTED)
    assert np.isnan(places[0]).all()  # right and bottom are exclusive
    np.testing.assert_allclose(places[1], [19.9, 5])


def test_many_that_agree_outvote_the_most_confident():
    """One match moves by (90, 0) with confidence 1, three move by about (10, 0) with 0.5 each: 1.5 against 1.

    The mode of the three, whose weights and distances are symmetric around 10, is their middle.
    """
    boxes_a = boxes_at((0, 0), (0, 0), (0, 0), (0, 0))
    boxes_b = boxes_at((90, 0), (9, 0), (10, 0), (11, 0))
    moved = voted_places(boxes_a, boxes_b, np.array([1, 0.5, 0.5, 0.5]), np.array([[10.0, 10.0]]), config=VOTED)
    np.testing.assert_allclose(moved, [[20, 10]], atol=1e-6)
    alone = voted_places(boxes_a, boxes_b, np.array([2, 0.5, 0.5, 0.5]), np.array([[10.0, 10.0]]), config=VOTED)
    np.testing.assert_allclose(alone, [[100, 10]], atol=1e-6)


def test_votes_farther_apart_than_sigma_are_not_averaged():
    boxes_a, boxes_b = boxes_at((0, 0), (0, 0)), boxes_at((0, 0), (30, 0))
    place = np.array([[10.0, 10.0]])
    narrow = FlowConfig(field=FlowField.VOTED, vote_sigma=3.0)
    np.testing.assert_allclose(
        voted_places(boxes_a, boxes_b, np.array([1.0, 0.9]), place, config=narrow), [[10, 10]], atol=1e-6
    )
    wide = FlowConfig(field=FlowField.VOTED, vote_sigma=300.0)  # the mode of a wide kernel is the weighted mean
    mean = voted_places(boxes_a, boxes_b, np.array([1.0, 0.9]), place, config=wide)
    np.testing.assert_allclose(mean, [[10 + 30 * 0.9 / 1.9, 10]], atol=0.05)


def plain_mode(votes, weights, sigma):
    """The densest point that mean shift reaches from any vote."""
    best, highest = None, -1.0
    for start in votes:
        point = start.copy()
        for _ in range(200):
            kernel = weights * np.exp(-((votes - point) ** 2).sum(axis=1) / (2 * sigma**2))
            point = (kernel[:, None] * votes).sum(axis=0) / kernel.sum()
        density = (weights * np.exp(-((votes - point) ** 2).sum(axis=1) / (2 * sigma**2))).sum()
        if density > highest:
            best, highest = point, density
    return best


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_mean_shift_from_every_vote(seed):
    """Sixty matches: two thirds move by (15, −4) give or take 3 pixels, the others anywhere."""
    generator = np.random.default_rng(seed)
    corners = generator.integers(0, 30, size=(60, 2)).astype(float)
    moves = np.where(
        (np.arange(60) % 3 > 0)[:, None], generator.normal([15, -4], 3, (60, 2)), generator.uniform(-60, 60, (60, 2))
    )
    boxes_a = boxes_at(*corners, side=60)
    boxes_b = boxes_a + np.tile(moves, 2)
    weights = np.sort(generator.random(60))[::-1]
    places = np.array([[45.0, 45.0], [32.0, 50.0]])
    found = voted_places(boxes_a, boxes_b, weights, places, config=VOTED)
    assert np.isfinite(found).all()
    for place, result in zip(places, found, strict=True):
        holds = ((boxes_a[:, :2] <= place) & (place < boxes_a[:, 2:])).all(axis=1)
        expected = plain_mode(place + moves[holds], weights[holds], VOTED.vote_sigma)
        np.testing.assert_allclose(result, expected, atol=0.1)


def test_votes_by_hand():
    """Of row 0: 4 is the best of its column, 2 is half of what row 1 has there: 2 · 2/4. In shares of 4: 1 and 1/4.

    Row 1: its 4 is the best of its column; its 1 is a third of the 3 of row 2, which the others have more of.
    """
    confidence = np.array([[4.0, 2.0, 0.0], [0.0, 4.0, 1.0], [0.0, 0.0, 3.0]])
    first, second, weights = strongest_votes(confidence, count=2)
    assert first.tolist() == [0, 1, 2, 0, 1]
    assert second.tolist() == [0, 1, 2, 1, 2]
    np.testing.assert_allclose(weights, [1, 1, 3 / 4, 1 / 4, (1 / 3) / 4])
    first, second, _ = strongest_votes(confidence, count=1)
    assert (first.tolist(), second.tolist()) == ([0, 1, 2], [0, 1, 2])


def test_only_ratios_of_confidences_count():
    confidence = np.random.default_rng(1).random((7, 9))
    usual, tiny = (strongest_votes(confidence * factor, count=3) for factor in (1, 1e-200))
    for a, b in zip(usual, tiny, strict=True):
        np.testing.assert_allclose(a, b)


def test_nothing_alike_gives_no_votes():
    for confidence in (np.zeros((2, 3)), np.zeros((0, 3)), np.zeros((2, 0))):
        assert [len(part) for part in strongest_votes(confidence, count=3)] == [0, 0, 0]


@pytest.mark.parametrize(("height", "width"), [(48, 48), (20, 41), (3, 2)])
def test_a_linear_field_is_exact_on_the_lattice_and_between(height, width):
    rows, columns, places = lattice(height, width)
    assert (rows, columns) == (-(-height // SPACING), -(-width // SPACING))
    assert places.min() > 0
    assert (places < [width, height]).all()
    field = enlarged(places.reshape(rows, columns, 2), height, width)
    inside = field[SPACING : height - SPACING, SPACING : width - SPACING]
    expected = grid(height, width)[SPACING : height - SPACING, SPACING : width - SPACING] + 0.5
    np.testing.assert_allclose(inside, expected, atol=1e-4)


def test_a_translated_image_gives_the_translation_everywhere(picture):
    boxes_a = np.array([[5, 5, 25, 25], [15, 15, 35, 40], [20, 8, 40, 28]])
    flow = dense_flow(boxes_a, boxes_a + np.array([4, 3, 4, 3]), np.eye(3), picture, config=VOTED)
    np.testing.assert_allclose(flow, np.minimum(grid(SIDE, SIDE) + np.array([4, 3]), SIDE - 1), atol=1e-3)


def test_images_need_not_be_square_nor_alike():
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    flow = dense_flow([[0, 0, 40, 20]], [[0, 0, 30, 60]], [[1.0]], picture, config=VOTED, size_b=(60, 30))
    assert flow.shape == (20, 40, 2)
    np.testing.assert_allclose(flow[10, 20], [14.875, 31], atol=1e-3)  # (20.5 · 30/40, 10.5 · 60/20) less a half


def test_boxes_between_the_places_are_an_error(picture):
    with pytest.raises(NoMatchError, match="4 pixels apart"):
        dense_flow([[3, 3, 5, 5]], [[3, 3, 5, 5]], [[1.0]], picture, config=VOTED)
