from __future__ import annotations

import numpy as np
import pytest

from vsum_core.class_flow import match_class
from vsum_core.config import FlowConfig, Matcher
from vsum_core.flow import match

APPEARANCE = FlowConfig(matcher=Matcher.APPEARANCE)


def random_boxes(generator, count):
    corners = generator.integers(0, 100, size=(count, 2))
    return np.concatenate([corners, corners + generator.integers(20, 60, size=(count, 2))], axis=1)


@pytest.fixture(scope="module")
def images():
    """Boxes and features of four images with different numbers of proposals, and the rows to keep."""
    generator = np.random.default_rng(0)
    counts = (12, 7, 15, 9)
    boxes = [random_boxes(generator, count) for count in counts]
    features = [generator.normal(size=(count, 8)).astype(np.float32) for count in counts]
    rows = [np.array([3, 0, 11]), np.array([2, 5]), np.array([], dtype=int), np.array([8, 1, 4])]
    return boxes, features, rows


def appearance_of(features):
    return lambda i, j: np.maximum(features[i] @ features[j].T, 0)


def test_blocks_are_the_kept_part_of_each_pair(images):
    boxes, features, rows = images
    appearance = appearance_of(features)
    flow = match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig())
    for i in range(4):
        for j in range(i, 4):
            full = match(boxes[i], boxes[j], appearance(i, j), config=FlowConfig())
            expected = full[np.ix_(np.sort(rows[i]), np.sort(rows[j]))]
            np.testing.assert_array_equal(flow.block(i, j), expected)
            if i != j:
                np.testing.assert_array_equal(flow.block(j, i), expected.T)


def test_strongest_means_look_at_all_proposals_of_all_other_images(images):
    boxes, features, rows = images
    appearance = appearance_of(features)
    flow = match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig())
    for i in range(4):
        others = [
            match(boxes[i], boxes[j], appearance(i, j), config=FlowConfig())
            if i < j
            else match(boxes[j], boxes[i], appearance(j, i), config=FlowConfig()).T
            for j in range(4)
            if j != i
        ]
        expected = np.sort(np.hstack(others), axis=1)[:, -5:].mean(axis=1)
        np.testing.assert_allclose(flow.scores(i, rows[i]), expected[rows[i]], rtol=1e-6)


def test_strongest_means_of_a_group_are_those_of_its_images_alone(images):
    boxes, features, rows = images
    appearance = appearance_of(features)
    together = match_class(
        boxes, appearance, rows=rows, strongest=5, config=FlowConfig(), groups=[[0, 1, 2, 3], [3, 1], [2]]
    )
    alone = match_class(
        [boxes[1], boxes[3]],
        lambda i, j: appearance((1, 3)[i], (1, 3)[j]),
        rows=[rows[1], rows[3]],
        strongest=5,
        config=FlowConfig(),
    )
    whole = match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig())
    for image in range(4):
        np.testing.assert_array_equal(together.scores(image, rows[image]), whole.scores(image, rows[image]))
        np.testing.assert_array_equal(together.scores(image, rows[image], group=2), np.zeros(len(rows[image])))
    for place, image in enumerate((1, 3)):
        np.testing.assert_array_equal(together.scores(image, rows[image], group=1), alone.scores(place, rows[image]))
        assert (together.scores(image, rows[image], group=1) != whole.scores(image, rows[image])).any()


def test_strongest_means_average_what_there_is():
    """Two images, two proposals each: similarities 1 and 3, of which the mean is 2, though five were asked for."""
    boxes = [[[0, 0, 20, 20]], [[0, 0, 20, 20], [9, 9, 30, 30]]]
    flow = match_class(
        boxes,
        lambda i, j: np.array([[1.0, 3.0]]) if i != j else np.eye(len(boxes[i])),
        rows=[[0], [0, 1]],
        strongest=5,
        config=APPEARANCE,
    )
    np.testing.assert_allclose(flow.strongest_means[0][0], [2])
    np.testing.assert_allclose(flow.strongest_means[0][1], [1, 3])


def test_one_image_has_no_others():
    flow = match_class([[[0, 0, 20, 20]]], lambda i, j: np.ones((1, 1)), rows=[[0]], strongest=5, config=APPEARANCE)
    np.testing.assert_array_equal(flow.strongest_means[0][0], [0])
    np.testing.assert_array_equal(flow.similarity([[0]]), [[1]])


def test_similarity_joins_the_blocks_in_the_order_asked_for(images):
    boxes, features, rows = images
    appearance = appearance_of(features)
    flow = match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig())
    result = flow.similarity([[11, 3], [], [], [4]])
    first = match(boxes[0], boxes[0], appearance(0, 0), config=FlowConfig())
    across = match(boxes[0], boxes[3], appearance(0, 3), config=FlowConfig())
    last = match(boxes[3], boxes[3], appearance(3, 3), config=FlowConfig())
    expected = np.block(
        [[first[np.ix_([11, 3], [11, 3])], across[[11, 3]][:, [4]]], [across[[11, 3], 4][None], last[[4]][:, [4]]]]
    )
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_change_nothing(images, workers):
    boxes, features, rows = images
    appearance = appearance_of(features)
    one = match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig())
    many = match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig(), workers=workers)
    assert list(one.blocks) == list(many.blocks)
    np.testing.assert_array_equal(one.similarity(rows), many.similarity(rows))
    for mine, theirs in zip(one.strongest_means[0], many.strongest_means[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_error_in_a_pair_reaches_the_caller_and_stops_the_rest(images):
    boxes, _, rows = images
    asked = []

    def appearance(i, j):
        asked.append((i, j))
        raise ArithmeticError("no descriptors")

    with pytest.raises(ArithmeticError, match="no descriptors"):
        match_class(boxes, appearance, rows=rows, strongest=5, config=FlowConfig(), workers=1)
    assert len(asked) <= 3


def test_progress_counts_all_pairs(images):
    boxes, features, rows = images
    seen = []
    match_class(
        boxes,
        appearance_of(features),
        rows=rows,
        strongest=5,
        config=FlowConfig(),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 10) for done in range(1, 11)]


def test_proposals_that_were_not_kept_are_refused(images):
    boxes, features, rows = images
    flow = match_class(boxes, appearance_of(features), rows=rows, strongest=5, config=FlowConfig())
    with pytest.raises(KeyError, match="image 1"):
        flow.scores(1, [2, 3])
    with pytest.raises(ValueError, match="expected 4, got 1"):
        flow.similarity([[0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [[0]]}, "expected 4, got 1"),
        ({"rows": [[12], [], [], []]}, r"rows\[0\] must lie between 0 and 11"),
        ({"rows": [[], [-1], [], []]}, r"rows\[1\]"),
        ({"workers": 0}, "1 or more"),
        ({"strongest": 0}, "1 or more"),
    ],
)
def test_wrong_input_is_refused(images, change, message):
    boxes, features, rows = images
    arguments = {"rows": rows, "strongest": 5, "config": FlowConfig(), "workers": 1} | change
    with pytest.raises(ValueError, match=message):
        match_class(boxes, appearance_of(features), **arguments)
