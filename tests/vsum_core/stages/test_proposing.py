"""Proposals of a run: found once, kept, and soon given up after Ctrl-C."""

import dataclasses
import threading

import numpy as np
import pytest

from vsum_core.config import DescriptorConfig
from vsum_core.proposals import region_proposals
from vsum_core.stages import proposing
from vsum_core.stages.proposing import describe, frame_of, make_proposals, proposal_key, whitening_digest


class Counting:
    def __init__(self, *, interrupt=False):
        self.totals, self.done, self.interrupt = {}, 0, interrupt

    def start(self, stage, total):
        self.totals[stage] = total

    def advance(self, stage, count=1):
        self.done += count
        if self.interrupt:
            raise KeyboardInterrupt

    def finish(self, stage):
        pass


def test_boxes_are_those_of_the_frame_and_are_kept(run):
    images = run.images.images
    boxes = make_proposals(run, images)
    for image in images:
        expected = region_proposals(frame_of(run, image), config=run.config.proposals, seed=run.config.seed)
        np.testing.assert_array_equal(boxes[image.id], expected)
        assert 0 < len(expected) <= 40
    second = Counting()
    again = make_proposals(dataclasses.replace(run, progress=second), images)
    assert second.totals == {"region proposals": 0}
    assert all((again[image.id] == boxes[image.id]).all() for image in images)


def test_an_interruption_gives_up_the_images_not_begun_and_keeps_the_finished_one(run, monkeypatch):
    begun, lock = [], threading.Lock()

    def counting(*arguments, **options):
        with lock:
            begun.append(1)
        return region_proposals(*arguments, **options)

    monkeypatch.setattr(proposing, "region_proposals", counting)
    images = [
        dataclasses.replace(image, sha256=f"{copy}{image.sha256[1:]}")
        for copy in range(8)
        for image in run.images.images
    ]
    with pytest.raises(KeyboardInterrupt):
        make_proposals(dataclasses.replace(run, workers=1, progress=Counting(interrupt=True)), images)
    assert len(begun) <= 3 < len(images) == 40
    assert run.store.recall(proposing.STAGE, proposal_key(run, images[0])) is not None


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda config: dataclasses.replace(config, seed=4), False),
        (
            lambda config: dataclasses.replace(config, proposals=dataclasses.replace(config.proposals, maximum=39)),
            False,
        ),
        (
            lambda config: dataclasses.replace(config, clustering=dataclasses.replace(config.clustering, damping=0.8)),
            True,
        ),
    ],
)
def test_keys_follow_what_proposals_depend_on(run, change, same):
    image = run.images.images[0]
    changed = dataclasses.replace(run, config=change(run.config))
    assert (proposal_key(changed, image) == proposal_key(run, image)) is same
    moved = dataclasses.replace(image, path=image.path.parent / "elsewhere.png", relative_path="elsewhere.png")
    assert proposal_key(run, moved) == proposal_key(run, image)
    assert proposal_key(run, dataclasses.replace(image, sha256="0" * 64)) != proposal_key(run, image)


@pytest.mark.parametrize("whitening", [True, False])
def test_appearance_of_a_region_is_highest_with_itself(run, whitening):
    config = dataclasses.replace(run.config, descriptors=DescriptorConfig(whitening=whitening))
    run = dataclasses.replace(run, config=config)
    images = run.images.images[:2]
    boxes = make_proposals(run, images)
    descriptors = describe(run, images, boxes)
    own = descriptors.appearance(0, 0)
    assert own.shape == (len(boxes[images[0].id]),) * 2
    assert (own.diagonal() >= own.max(axis=1) - 1e-4 * own.max()).mean() > 0.9
    assert descriptors.appearance(0, 1).shape == (len(own), len(boxes[images[1].id]))
    assert descriptors.appearance(0, 1).min() >= 0


def test_cache_keys_name_the_statistics_only_where_they_are_used():
    assert whitening_digest(DescriptorConfig(whitening=False)) is None
    assert len(whitening_digest(DescriptorConfig())) == 64
