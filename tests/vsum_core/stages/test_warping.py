"""Members laid over their exemplar, also where two images have nothing in common."""

import dataclasses

import cv2
import numpy as np
import pytest

from vsum_core.clustering import Cluster
from vsum_core.config import QualityBar, QualityConfig
from vsum_core.stages.grouping import group
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.proposing import frame_of
from vsum_core.stages.scattering import MaskedRegions
from vsum_core.stages.warping import cluster_patches, null_medians, warp_members

WIDE = np.array([[4, 10, 60, 30], [2, 30, 62, 52]], dtype=np.int32)
TALL = np.array([[10, 4, 30, 60], [34, 2, 52, 62]], dtype=np.int32)


def cluster_of(*members):
    return Cluster(exemplar=members[0], members=members, similarities=(None, *[0.5] * (len(members) - 1)))


@pytest.fixture
def class_of(run, mask_of):
    """A function that makes matcher and regions from the boxes of each image; every box is a region."""

    def class_of(*boxes_of_images):
        images = run.images.images[: len(boxes_of_images)]
        boxes = {image.id: boxes for image, boxes in zip(images, boxes_of_images, strict=True)}
        masks = {"network": {image.id: mask_of(image, (0, 0, 64, 64)) for image in images}}
        matcher = ClassMatcher(run, images, boxes, masks)
        every = np.concatenate(boxes_of_images)
        return matcher, ClassRegions(
            images=images,
            image_of_region=np.repeat(np.arange(len(images)), [len(boxes) for boxes in boxes_of_images]),
            boxes=every,
            proposals=np.concatenate([np.arange(len(boxes)) for boxes in boxes_of_images]),
            similarity=np.eye(len(every), dtype=np.float32),
            key="key",
        )

    return class_of


def grey(run, image):
    return cv2.cvtColor(frame_of(run, image), cv2.COLOR_RGB2GRAY)


def test_an_image_laid_over_itself_and_its_like(run, class_of):
    matcher, regions = class_of(WIDE, WIDE)
    pictures = warp_members(run, matcher, regions, [cluster_of(0, 2)], label="red thing")
    assert set(pictures) == {(0, 0), (1, 1), (0, 1)}
    np.testing.assert_array_equal(pictures[0, 0], grey(run, regions.images[0]))
    first, second = cluster_patches(regions, cluster_of(0, 2), pictures)
    assert first.shape == second.shape == (20, 56)
    np.testing.assert_allclose(first, grey(run, regions.images[0])[10:30, 4:60] / 255, atol=1e-6)
    assert 0 <= second.min() <= second.max() <= 1


def test_images_without_a_match_are_compared_as_they_are(run, class_of):
    """Wide and tall boxes differ in aspect by more than 2, so no pair has any confidence."""
    matcher, regions = class_of(WIDE, TALL)
    pictures = warp_members(run, matcher, regions, [cluster_of(0, 2)], label="red thing")
    assert pictures[0, 1] is None
    _, member = cluster_patches(regions, cluster_of(0, 2), pictures)
    own = grey(run, regions.images[1])[4:60, 10:30]
    np.testing.assert_allclose(member, cv2.resize(own, (56, 20), interpolation=cv2.INTER_AREA) / 255, atol=1e-6)


@pytest.mark.parametrize("bar", list(QualityBar))
def test_a_class_without_any_match_does_not_break_the_run(run, class_of, colour_network, mask_of, bar):
    matcher, regions = class_of(WIDE, TALL, WIDE)
    regions = dataclasses.replace(
        regions, similarity=np.full((6, 6), 0.5, dtype=np.float32) + np.eye(6, dtype=np.float32)
    )
    quality = dataclasses.replace(run.config.quality, bar=bar, minimum_members=2)
    run = dataclasses.replace(run, config=dataclasses.replace(run.config, quality=quality))
    masked = MaskedRegions(regions, {image.id: mask_of(image, (0, 0, 64, 64)) for image in regions.images})
    grouping = group(run, colour_network, matcher, masked, scatterings=[masked], label="red thing, network")
    assert grouping.clusters >= 1
    assert group(run, colour_network, matcher, masked, scatterings=[masked], label="red thing, network") == grouping


def test_a_null_of_equal_pictures_is_one_and_of_noise_is_low(class_of):
    _, regions = class_of(WIDE, WIDE, WIDE)
    generator = np.random.default_rng(0)
    noise = [generator.integers(0, 256, size=(64, 64), dtype=np.uint8) for _ in range(3)]
    clusters = [cluster_of(0, 2, 4), cluster_of(1, 3)]
    equal = {(0, 0): noise[0], (0, 1): noise[0], (0, 2): noise[0]}
    config = QualityConfig(bar=QualityBar.NULL_CALIBRATED, null_draws=4)
    assert null_medians(regions, clusters, equal, config=config, seed=1) == pytest.approx([1.0] * 8)
    unlike = {(0, index): picture for index, picture in enumerate(noise)}
    low = null_medians(regions, clusters, unlike, config=config, seed=1)
    assert len(low) == 8
    assert max(low) < 0.2
    assert low == null_medians(regions, clusters, unlike, config=config, seed=1)
    assert low != null_medians(regions, clusters, unlike, config=config, seed=2)


def test_members_without_a_picture_stay_out_of_the_null(class_of):
    _, regions = class_of(WIDE, WIDE, WIDE)
    picture = np.random.default_rng(0).integers(0, 256, size=(64, 64), dtype=np.uint8)
    config = QualityConfig(bar=QualityBar.NULL_CALIBRATED, null_draws=3)
    pictures = {(0, 0): picture, (0, 1): picture, (0, 2): None}
    assert null_medians(regions, [cluster_of(0, 2, 4)], pictures, config=config, seed=1) == pytest.approx([1.0] * 3)
    nothing = {(0, 0): picture, (0, 1): None}
    assert null_medians(regions, [cluster_of(0, 2)], nothing, config=config, seed=1) == [1.0]
    assert null_medians(regions, [], {}, config=config, seed=1) == [1.0]


def test_flow_is_computed_once_for_all_who_ask_the_matcher(run, class_of):
    matcher, regions = class_of(WIDE, WIDE, WIDE)
    first = warp_members(run, matcher, regions, [cluster_of(0, 2)], label="red thing")
    np.testing.assert_array_equal(matcher.laid_over[regions.images[0].id, regions.images[1].id], first[0, 1])
    marked = np.full_like(first[0, 1], 7)
    matcher.laid_over[regions.images[0].id, regions.images[1].id] = marked
    # Another explainer has fewer images, so that the same ones have other positions.
    fewer = dataclasses.replace(
        regions,
        images=regions.images[:2],
        image_of_region=regions.image_of_region[:4],
        boxes=regions.boxes[:4],
        proposals=regions.proposals[:4],
        similarity=regions.similarity[:4, :4],
    )
    assert warp_members(run, matcher, fewer, [cluster_of(0, 2)], label="red thing")[0, 1] is marked
    assert (0, 2) not in first
