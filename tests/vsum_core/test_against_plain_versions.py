"""Whitening, pruning and affinity propagation against plain versions, on random numbers and on photographs.

``reference_method`` holds the plain versions; the matchers are compared in ``test_flow``.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from vsum_core.clustering import _Messages, _pass_messages, affinity_propagation
from vsum_core.config import ClusteringConfig, DescriptorConfig, FlowConfig, ProposalConfig, PruningConfig
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors
from vsum_core.flow import match
from vsum_core.images import read_image
from vsum_core.proposals import region_proposals
from vsum_core.pruning import masked_proposals, remove_redundant

_specification = importlib.util.spec_from_file_location(
    "reference_method", Path(__file__).with_name("reference_method.py")
)
reference_method = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(reference_method)

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "caltech101"
SMALL = DescriptorConfig(cells=4)  # 496 numbers: a plain solve for every row takes no time


def assert_same_similarities(actual, expected):
    """To 1e-5 of the largest, with the same best match wherever the best is clear."""
    scale = expected.max()
    assert scale > 0
    np.testing.assert_allclose(actual, expected, atol=1e-5 * scale)
    highest = np.sort(expected, axis=1)
    clear = highest[:, -1] - highest[:, -2] > 1e-5 * scale
    assert clear.mean() > 0.5
    np.testing.assert_array_equal(actual.argmax(axis=1)[clear], expected.argmax(axis=1)[clear])


def assert_whitening_agrees(a, b):
    whitening = Whitening.load_default(config=SMALL)
    expected = reference_method.whitened_similarity(
        a.astype(float), b.astype(float), mean=whitening.tiled_mean, covariance=whitening.covariance
    )
    assert_same_similarities(appearance_similarity(a, b, whitening=whitening), expected)
    decorrelated = [whitening.decorrelate(descriptors) for descriptors in (a, b)]
    assert_same_similarities(appearance_similarity(*decorrelated, whitening=None), expected)


def assert_pruning_agrees(boxes, mask, scores):
    config = PruningConfig()
    kept = masked_proposals(boxes, mask, config=config)
    assert kept.tolist() == reference_method.masked(boxes, mask, share=0.75)
    assert 0 < len(kept) < len(boxes)
    chosen = remove_redundant(boxes[kept], scores[kept], config=config)
    assert chosen.tolist() == reference_method.without_redundant(
        boxes[kept].astype(np.int64), scores[kept], overlap=0.5, area_ratio=2.0
    )
    assert 0 < len(chosen) < len(kept)


def assert_messages_agree(similarity, *, iterations):
    """Ours keep the availabilities of one iteration before, save those to oneself."""
    count = len(similarity)
    messages = _Messages.none(count)
    _pass_messages(similarity.astype(np.float32), messages, 0.9, iterations, iterations + 1)
    plain = similarity.astype(np.float32).astype(float)
    responsibility, availability = reference_method.affinity_messages(plain, damping=0.9, iterations=iterations)
    _, before = reference_method.affinity_messages(plain, damping=0.9, iterations=iterations - 1)
    off_diagonal = ~np.eye(count, dtype=bool)
    scale = np.abs(plain).max()
    np.testing.assert_allclose(messages.responsibility, responsibility, atol=1e-5 * scale)
    np.testing.assert_allclose(messages.availability[off_diagonal], before[off_diagonal], atol=1e-5 * scale)
    np.testing.assert_allclose(messages.self_availability, availability.diagonal(), atol=1e-5 * scale)


def assert_exemplars_agree(similarity):
    """A region is an exemplar when what it tells itself adds up to more than nothing (equation 3)."""
    result = affinity_propagation(similarity, config=ClusteringConfig(), seed=0, noise=np.zeros_like(similarity))
    assert result.converged
    shifted = similarity.astype(float) - similarity[~np.eye(len(similarity), dtype=bool)].max()
    np.fill_diagonal(shifted, result.preference)
    responsibility, availability = reference_method.affinity_messages(
        shifted, damping=0.9, iterations=result.iterations
    )
    found = np.flatnonzero((responsibility + availability).diagonal() > 0)
    exemplars, labels = reference_method.moved_exemplars(shifted, found)
    np.testing.assert_array_equal(result.exemplars, exemplars)
    np.testing.assert_array_equal(result.labels, labels)


@pytest.fixture(scope="module")
def photographs():
    """Frames, proposals and descriptors of three photographs."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("needs ../shared/data")
    found = []
    for path in sorted((PHOTOGRAPHS / "dalmatian").iterdir())[:3]:
        frame = read_image(path, size=(224, 224))
        boxes = region_proposals(frame, config=ProposalConfig(maximum=60), seed=0)
        found.append((frame, boxes, hog_descriptors(frame, boxes, config=SMALL)))
    return found


def test_whitening_of_random_numbers():
    generator = np.random.default_rng(0)
    a, b = (0.4 * generator.random((count, 496), dtype=np.float32) for count in (9, 14))
    assert_whitening_agrees(a, b)


def test_whitening_of_photographs(photographs):
    assert_whitening_agrees(photographs[0][2][:20], photographs[1][2][:30])


@pytest.mark.parametrize("seed", range(3))
def test_pruning_of_random_boxes(seed):
    generator = np.random.default_rng(seed)
    sizes = generator.integers(4, 30, size=(200, 2))
    corners = (generator.random((200, 2)) * (64 - sizes)).astype(int)
    mask = np.kron(generator.random((4, 4)) > 0.5, np.ones((16, 16)))
    assert_pruning_agrees(np.hstack([corners, corners + sizes]), mask, generator.integers(0, 9, 200) / 4.0)


def test_pruning_of_photographs(photographs):
    """A disc in the middle stands in for what a mask deletes, the highest similarity for the score."""
    _, boxes, descriptors = photographs[0]
    similarity = appearance_similarity(descriptors, photographs[1][2], whitening=Whitening.load_default(config=SMALL))
    rows, columns = np.ogrid[:224, :224]
    mask = ((rows - 112) ** 2 + (columns - 112) ** 2 > 100**2).astype(np.float32)
    assert_pruning_agrees(boxes, mask, similarity.max(axis=1).astype(float))


@pytest.mark.parametrize("seed", range(3))
def test_affinity_messages_of_random_numbers(seed):
    similarity = -np.random.default_rng(seed).random((14, 14))
    np.fill_diagonal(similarity, -0.7)
    for iterations in (1, 2, 25):
        assert_messages_agree(similarity, iterations=iterations)


@pytest.mark.parametrize("seed", range(2))
def test_exemplars_of_random_points(seed):
    generator = np.random.default_rng(seed)
    points = np.repeat(3 * generator.random((3, 2)), 4, axis=0) + 0.2 * generator.normal(size=(12, 2))
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    assert_exemplars_agree(-(squares + 0.01 * generator.random((12, 12))))


def test_affinity_propagation_of_photographs(photographs):
    """Similarities of Proposal Flow between the first regions of three photographs."""
    count = 6
    whitening = Whitening.load_default(config=SMALL)
    blocks = [
        [
            match(
                first[1],
                second[1],
                appearance_similarity(first[2], second[2], whitening=whitening),
                config=FlowConfig(),
            )
            for second in photographs
        ]
        for first in photographs
    ]
    similarity = np.block([[block[:count, :count] for block in row] for row in blocks])
    similarity = np.maximum(similarity, similarity.T)
    shifted = similarity - similarity.max()
    np.fill_diagonal(shifted, np.median(shifted))
    assert_messages_agree(shifted / np.abs(shifted).max(), iterations=15)
    assert_exemplars_agree(similarity / similarity.max())
