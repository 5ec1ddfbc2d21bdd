"""Regions of several networks from one matching of the class."""

import dataclasses

import numpy as np
import pytest

from vsum_core.stages.matching import ClassMatcher
from vsum_core.stages.proposing import make_proposals

WHOLE, LEFT, NOWHERE = (0, 0, 64, 64), (0, 0, 40, 64), (0, 0, 1, 1)


class Totals:
    def __init__(self):
        self.totals = {}

    def start(self, stage, total):
        self.totals[stage] = total

    def advance(self, stage, count=1):
        pass

    def finish(self, stage):
        pass


@pytest.fixture
def boxes(run):
    return make_proposals(run, run.images.images)


@pytest.fixture
def masks(run, mask_of):
    """One network has a mask for every image, the other for the last three only."""
    images = run.images.images
    return {
        "all": {image.id: mask_of(image, WHOLE) for image in images},
        "some": {image.id: mask_of(image, LEFT) for image in images[2:]},
    }


def same(one, other):
    assert [image.id for image in one.images] == [image.id for image in other.images]
    for name in ("image_of_region", "boxes", "similarity"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    return one.key == other.key


def matched(run, boxes, masks):
    return ClassMatcher(run, run.images.images, boxes, masks).regions(label="red thing")


def test_regions_of_a_network_do_not_depend_on_the_others(run, boxes, masks, tmp_path):
    together = matched(run, boxes, masks)
    for name in masks:
        fresh = dataclasses.replace(run, store=type(run.store)(tmp_path / name))
        alone = matched(fresh, boxes, {name: masks[name]})
        assert same(alone[name], together[name])
    assert len(together["some"].boxes) > 0
    assert len(together["some"].images) == 3


def test_a_network_that_is_added_is_matched_alone(run, boxes, masks):
    first = matched(run, boxes, {"all": masks["all"]})
    progress = Totals()
    both = matched(dataclasses.replace(run, progress=progress), boxes, masks)
    assert progress.totals == {"red thing: proposal flow": 6}  # pairs of three images, each with itself too
    assert same(first["all"], both["all"])
    progress.totals.clear()
    matched(dataclasses.replace(run, progress=progress), boxes, masks)
    assert progress.totals == {}


def test_regions_are_masked_and_not_redundant(run, boxes, masks):
    for name, allowed in (("all", WHOLE), ("some", LEFT)):
        regions = matched(run, boxes, masks)[name]
        assert regions.similarity.shape == (len(regions.boxes),) * 2
        assert (np.diff(regions.image_of_region) >= 0).all()
        widths = np.minimum(regions.boxes[:, 2], allowed[2]) - regions.boxes[:, 0]
        assert (widths / (regions.boxes[:, 2] - regions.boxes[:, 0]) > 0.75).all()
        for image, found in enumerate(regions.images):
            own = regions.boxes[regions.image_of_region == image]
            assert {tuple(box) for box in own.tolist()} <= {tuple(box) for box in boxes[found.id].tolist()}
            assert len(own) < len(boxes[found.id])


def test_masks_that_delete_no_proposal_leave_no_region(run, boxes, mask_of):
    images = run.images.images
    regions = matched(run, boxes, {"none": {image.id: mask_of(image, NOWHERE) for image in images}})["none"]
    assert regions.boxes.shape == (0, 4)
    assert regions.similarity.shape == (0, 0)
    assert len(regions.images) == 5


def test_a_network_without_a_mask_in_the_class(run, boxes, masks):
    regions = matched(run, boxes, masks | {"blind": {}})
    assert regions["blind"].images == ()
    assert regions["blind"].boxes.shape == (0, 4)
    assert same(regions["some"], matched(run, boxes, masks)["some"])
    nobody = ClassMatcher(run, [], boxes, {"blind": {}}).regions(label="red thing")
    assert nobody["blind"].similarity.shape == (0, 0)


def test_keys_follow_masks_and_constants(run, boxes, masks, mask_of):
    key = matched(run, boxes, masks)["some"].key
    images = run.images.images
    other_mask = masks["some"] | {images[3].id: mask_of(images[3], WHOLE)}
    assert matched(run, boxes, {"some": other_mask})["some"].key != key
    pruning = dataclasses.replace(run.config.pruning, strongest=5)
    changed = dataclasses.replace(run, config=dataclasses.replace(run.config, pruning=pruning))
    assert matched(changed, boxes, masks)["some"].key != key
