"""Pruning, compared with loops over pixels and pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsum_core.config import PruningConfig
from vsum_core.pruning import masked_proposals, remove_redundant

CONFIG = PruningConfig()
SIDE = 24


@st.composite
def box_lists(draw: st.DrawFn) -> np.ndarray:
    corner = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1), st.integers(1, SIDE), st.integers(1, SIDE))
    corners = draw(st.lists(corner, max_size=25))
    boxes = [[x, y, min(x + w, SIDE), min(y + h, SIDE)] for x, y, w, h in corners]
    return np.array(boxes, dtype=np.int32).reshape(-1, 4)


def slow_masked(boxes: np.ndarray, mask: np.ndarray) -> list[int]:
    kept = []
    for index, (left, top, right, bottom) in enumerate(boxes.tolist()):
        pixels = [mask[y, x] < 0.5 for y in range(top, bottom) for x in range(left, right)]
        if sum(pixels) > 0.75 * len(pixels):
            kept.append(index)
    return kept


def slow_remove(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    def redundant(first: list[int], second: list[int]) -> bool:
        pixels = [{(x, y) for x in range(b[0], b[2]) for y in range(b[1], b[3])} for b in (first, second)]
        small, large = sorted(pixels, key=len)
        return 2 * len(small & large) >= len(small) and len(large) < 2 * len(small)

    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        if not any(redundant(boxes[index].tolist(), boxes[other].tolist()) for other in kept):
            kept.append(index)
    return kept


@settings(max_examples=50, deadline=None)
@given(box_lists(), st.integers(0, 2**32 - 1))
def test_masked_agrees_with_loops(boxes: np.ndarray, seed: int) -> None:
    coarse = np.random.default_rng(seed).random((SIDE // 8, SIDE // 8)) ** 2
    mask = np.kron(coarse, np.ones((8, 8)))
    assert masked_proposals(boxes, mask, config=CONFIG).tolist() == slow_masked(boxes, mask)


@settings(max_examples=50, deadline=None)
@given(box_lists(), st.integers(0, 2**32 - 1))
def test_remove_agrees_with_loops(boxes: np.ndarray, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 6, len(boxes)) / 4  # many equal scores
    assert remove_redundant(boxes, scores, config=CONFIG).tolist() == slow_remove(boxes, scores)


def test_three_quarters_is_not_more_than_three_quarters() -> None:
    mask = np.ones((8, 8), dtype=np.float32)
    mask[:4, :3] = 0
    boxes = np.array([[0, 0, 4, 4], [0, 0, 3, 4]], dtype=np.int32)
    assert masked_proposals(boxes, mask, config=CONFIG).tolist() == [1]


def test_one_half_keeps_the_pixel() -> None:
    box = np.array([[0, 0, 2, 2]], dtype=np.int32)
    assert masked_proposals(box, np.full((4, 4), 0.5), config=CONFIG).tolist() == []
    assert masked_proposals(box, np.full((4, 4), 0.499), config=CONFIG).tolist() == [0]


def test_limits_of_redundancy() -> None:
    # Half of the smaller box shared: redundant. A box twice as large: not.
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [0, 0, 10, 20]], dtype=np.int32)
    assert remove_redundant(boxes, np.array([3.0, 2.0, 1.0]), config=CONFIG).tolist() == [0, 2]
    assert remove_redundant(boxes, np.array([1.0, 2.0, 3.0]), config=CONFIG).tolist() == [2, 1]
    assert remove_redundant(boxes[:2], np.array([1.0, 1.0]), config=CONFIG).tolist() == [0]


def test_nothing_in_nothing_out() -> None:
    nothing = np.zeros((0, 4), dtype=np.int32)
    assert masked_proposals(nothing, np.zeros((8, 8)), config=CONFIG).shape == (0,)
    assert remove_redundant(nothing, np.zeros(0), config=CONFIG).shape == (0,)


@pytest.mark.parametrize("box", [[0, 0, 9, 4], [-1, 0, 4, 4], [2, 2, 2, 4], [0.5, 0, 4, 4]])
def test_boxes_outside_empty_or_between_pixels_are_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="Box 1 is"):
        masked_proposals(np.array([[0, 0, 2, 2], box]), np.zeros((8, 8)), config=CONFIG)


def test_scores_must_be_finite_and_one_per_box() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3]])
    with pytest.raises(ValueError, match="number 1 is not"):
        remove_redundant(boxes, np.array([0.0, np.nan]), config=CONFIG)
    with pytest.raises(ValueError, match=r"boxes \(P, 4\) and scores \(P,\)"):
        remove_redundant(boxes, np.zeros(3), config=CONFIG)
    with pytest.raises(ValueError, match="box 0 is"):
        remove_redundant(boxes[:, [2, 1, 0, 3]], np.zeros(2), config=CONFIG)
