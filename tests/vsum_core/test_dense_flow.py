from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from vsum_core.config import FlowConfig
from vsum_core.dense_flow import NoMatchError, UnsolvedFlowError, _conjugate_gradients, dense_flow, warp

SIDE = 48


def grid(height, width):
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2).astype(np.float32)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, size=(SIDE, SIDE, 3), dtype=np.uint8)


def test_the_same_boxes_give_the_identity(picture):
    boxes = [[0, 0, 30, SIDE], [10, 10, 40, 30]]
    flow = dense_flow(boxes, boxes, np.eye(2), picture, config=FlowConfig())
    np.testing.assert_allclose(flow, grid(SIDE, SIDE), atol=1e-3)


def test_without_smoothing_a_match_is_the_linear_map_of_its_box(picture):
    """A box of 10 × 10 onto one of 20 × 10: the middle of the first pixel, 0.5, goes to 1.0, which is index 0.5."""
    config = FlowConfig(guidance_weight=1e-6)
    flow = dense_flow([[0, 0, 10, 10]], [[20, 5, 40, 15]], [[1.0]], picture, config=config)
    np.testing.assert_allclose(flow[0, :3], [[20.5, 5], [22.5, 5], [24.5, 5]], atol=1e-3)
    np.testing.assert_allclose(flow[9, 9], [38.5, 14], atol=1e-3)


def test_a_translated_image_gives_the_translation_everywhere(picture):
    """Boxes cover the middle only; the rest follows, as far as B reaches."""
    boxes_a = np.array([[5, 5, 25, 25], [15, 15, 35, 40], [20, 8, 40, 28]])
    flow = dense_flow(boxes_a, boxes_a + np.array([4, 3, 4, 3]), np.eye(3), picture, config=FlowConfig())
    np.testing.assert_allclose(flow, np.minimum(grid(SIDE, SIDE) + np.array([4, 3]), SIDE - 1), atol=1e-3)


def test_the_more_confident_match_fills_first(picture):
    boxes_a = [[0, 0, 20, 20], [0, 0, 40, 20]]
    boxes_b = [[10, 20, 30, 40], [0, 0, 40, 20]]
    config = FlowConfig(guidance_weight=1e-6)
    flow = dense_flow(boxes_a, boxes_b, np.diag([2.0, 1.0]), picture, config=config)
    np.testing.assert_allclose(flow[5, 5], [15, 25], atol=1e-3)
    np.testing.assert_allclose(flow[5, 30], [30, 5], atol=1e-3)
    flow = dense_flow(boxes_a, boxes_b, np.diag([1.0, 2.0]), picture, config=config)
    np.testing.assert_allclose(flow[5, 5], [5, 5], atol=1e-3)


def test_two_pixels_cannot_go_to_one_place(picture):
    """Both boxes of A match one box of B; the less confident one stays empty and takes the other's displacement."""
    boxes_a, boxes_b = [[0, 0, 10, 10], [20, 20, 30, 30]], [[5, 5, 15, 15]]
    flow = dense_flow(boxes_a, boxes_b, [[2.0], [1.0]], picture, config=FlowConfig())
    np.testing.assert_allclose(flow[4, 4], [9, 9], atol=1e-3)
    np.testing.assert_allclose(flow[24, 24], [29, 29], atol=1e-3)


def test_holes_take_the_displacement_of_what_has_their_colour():
    """A hole between a black match that stays and a white one that moves down by 10; it is mostly black."""
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    picture[:, 26:] = 255
    boxes_a = np.array([[0, 0, 10, 20], [30, 0, 40, 20]])
    boxes_b = boxes_a + np.array([[0, 0, 0, 0], [0, 10, 0, 10]])
    config = FlowConfig(guidance_sigma=5)
    flow = dense_flow(boxes_a, boxes_b, np.eye(2), picture, config=config, size_b=(30, 40))
    moved = flow[..., 1] - grid(20, 40)[..., 1]
    assert np.abs(moved[:, :26]).max() < 0.2
    assert np.abs(moved[:, 26:] - 10).max() < 0.2


def test_values_stay_in_the_other_image(picture):
    generator = np.random.default_rng(1)
    corners = generator.integers(0, 28, size=(2, 9, 2))
    boxes_a, boxes_b = np.concatenate([corners, corners + 20], axis=2)
    flow = dense_flow(boxes_a, boxes_b, generator.random((9, 9)), picture, config=FlowConfig())
    assert flow.shape == (SIDE, SIDE, 2)
    assert flow.dtype == np.float32
    assert flow.min() >= 0
    assert flow.max() <= SIDE - 1


def test_images_need_not_be_square_nor_alike():
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    flow = dense_flow(
        [[0, 0, 40, 20]], [[0, 0, 30, 60]], [[1.0]], picture, config=FlowConfig(guidance_weight=0.1), size_b=(60, 30)
    )
    assert flow.shape == (20, 40, 2)
    np.testing.assert_allclose(flow[10, 20], [14.875, 31], atol=0.1)  # (20.5 · 30/40, 10.5 · 60/20) less a half


def test_the_solver_agrees_with_a_direct_one():
    generator = np.random.default_rng(2)
    height, width = 13, 17
    links_x, links_y = 20 * generator.random((height, width - 1)), 20 * generator.random((height - 1, width))
    known = generator.random((height, width)) < 0.3
    target = np.where(known, 100 * generator.random((height, width)), 0)
    index = np.arange(height * width).reshape(height, width)
    first = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    second = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    links = scipy.sparse.coo_array((np.concatenate([links_x.ravel(), links_y.ravel()]), (first, second)), (221, 221))
    links = (links + links.T).tocsr()
    matrix = scipy.sparse.diags_array(known.ravel() + links.sum(axis=1)) - links
    expected = scipy.sparse.linalg.spsolve(matrix.tocsc(), target.ravel()).reshape(height, width)
    solution = np.full((height, width), 50.0)
    steps = _conjugate_gradients(links_x, links_y, known, target, solution, 1e-9, 500)
    assert 0 < steps < 60
    np.testing.assert_allclose(solution, expected, atol=1e-5)


def test_a_system_that_does_not_converge_is_reported(picture, monkeypatch):
    monkeypatch.setattr("vsum_core.dense_flow.MAXIMUM_STEPS", 1)
    with pytest.raises(UnsolvedFlowError, match="1 steps"):
        dense_flow([[0, 0, 10, 10]], [[20, 5, 40, 15]], [[1.0]], picture, config=FlowConfig())


@pytest.mark.parametrize("confidence", [np.zeros((2, 1)), np.zeros((2, 0)), np.zeros((0, 1))])
def test_no_match_at_all_is_an_error_of_its_own(confidence, picture):
    rows, columns = confidence.shape
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30]])
    with pytest.raises(NoMatchError, match="at least one match"):
        dense_flow(boxes[:rows], boxes[:columns], confidence, picture, config=FlowConfig())


def test_wrong_shapes_are_refused(picture):
    with pytest.raises(ValueError, match=r"shape \(1, 1\)"):
        dense_flow([[0, 0, 10, 10]], [[0, 0, 10, 10]], np.ones((1, 2)), picture, config=FlowConfig())
    with pytest.raises(ValueError, match="uint8"):
        dense_flow([[0, 0, 10, 10]], [[0, 0, 10, 10]], [[1.0]], picture / 255, config=FlowConfig())


def test_warp_pulls_back():
    image_b = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    flow = np.clip(grid(4, 4) + np.array([1, 0]), 0, 3).astype(np.float32)
    expected = image_b[:, [1, 2, 3, 3]]
    np.testing.assert_array_equal(warp(image_b, flow), expected)


def test_warp_of_a_smooth_image_undoes_the_motion():
    columns = np.tile(np.arange(0, 96, 2, dtype=np.uint8), (SIDE, 1))
    image_a = np.dstack([columns] * 3)
    image_b = np.roll(image_a, 6, axis=1)
    boxes = np.array([[0, 0, 42, SIDE]])
    flow = dense_flow(boxes, boxes + np.array([6, 0, 6, 0]), [[1.0]], image_a, config=FlowConfig(guidance_weight=0.1))
    difference = warp(image_b, flow)[:, 4:38].astype(int) - image_a[:, 4:38]
    assert np.abs(difference).max() <= 1
