"""Scattered masks as further explainers, and the evidence for clusters of regions made by hand."""

import dataclasses

import numpy as np
import pytest

from vsum_core.clustering import Cluster
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.run import Explainer
from vsum_core.stages.scattering import (
    MaskedRegions,
    clusters_evidence,
    deleted_pixels,
    region_effects,
    scattered_explainer,
    scattered_masks,
)

EXPLAINER = Explainer("colour-detector", "visual-summaries")
BOXES = np.array([[4, 4, 44, 44], [40, 40, 60, 60]], dtype=np.int32)


@pytest.fixture
def masks(run, mask_of):
    return {image.id: mask_of(image, (0, 0, 48, 48)) for image in run.images.images[:3]}


@pytest.fixture
def matcher(run, masks):
    images = run.images.images[:3]
    return ClassMatcher(run, images, {image.id: BOXES for image in images}, {EXPLAINER: masks})


@pytest.fixture
def masked(run, masks):
    images = run.images.images[:3]
    regions = ClassRegions(
        images=images,
        image_of_region=np.repeat(np.arange(3), 2),
        boxes=np.concatenate([BOXES] * 3),
        proposals=np.tile([0, 1], 3),
        similarity=np.eye(6, dtype=np.float32),
        key="key",
    )
    return MaskedRegions(regions, masks)


def test_every_draw_scatters_every_mask_in_its_own_way(run, masks):
    scattered = scattered_masks(run, {EXPLAINER: masks}, draws=[0, 1])
    assert set(scattered) == {scattered_explainer(EXPLAINER, draw) for draw in (0, 1)}
    first, second = scattered.values()
    for identifier, mask in masks.items():
        for found in (first[identifier], second[identifier]):
            assert found.image == mask.image
            assert found.deleted == mask.deleted == pytest.approx(48 * 48 / 64**2)
    assert any(not np.array_equal(first[identifier].sharp, second[identifier].sharp) for identifier in masks)
    again = scattered_masks(run, {EXPLAINER: masks}, draws=[1])[scattered_explainer(EXPLAINER, 1)]
    for identifier in masks:
        np.testing.assert_array_equal(again[identifier].sharp, second[identifier].sharp)
    other = dataclasses.replace(run, config=dataclasses.replace(run.config, seed=99))
    moved = scattered_masks(other, {EXPLAINER: masks}, draws=[1])[scattered_explainer(EXPLAINER, 1)]
    assert any(not np.array_equal(moved[identifier].sharp, again[identifier].sharp) for identifier in masks)


def test_a_region_shows_what_the_mask_deletes_inside_its_box(masks):
    frame = next(iter(masks.values())).on_frame(64)
    assert deleted_pixels(frame, BOXES[0]).sum() == 40 * 40
    assert deleted_pixels(frame, BOXES[1]).sum() == 8 * 8  # from (40, 40) to (48, 48)


def test_the_region_on_the_thing_has_the_larger_effect(run, colour_network, masked):
    effects = region_effects(run, colour_network, masked, [0, 1, 2, 5])
    assert set(effects) == {0, 1, 2, 5}
    assert effects[0] > effects[1] and effects[2] > effects[5]
    assert max(effects.values()) <= 1


def test_evidence_is_the_mean_over_members(run, colour_network, matcher, masked):
    cluster = Cluster(exemplar=0, members=(0, 2, 4), similarities=(None, 0.5, 0.5))
    (pairs,), (evidence,) = clusters_evidence(run, colour_network, matcher, masked, [cluster])
    effects = region_effects(run, colour_network, masked, [0, 2, 4])
    assert evidence.effect == pytest.approx(np.mean(list(effects.values())))
    assert evidence.likeness == pytest.approx((pairs.sum() - 3) / 6)
    assert 0 < evidence.likeness < 1
