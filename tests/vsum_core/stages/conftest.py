"""A run on a small frame, and masks and boxes made by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from vsum_core.config import preset
from vsum_core.datasets import read_image_folder
from vsum_core.masks import MaskScores
from vsum_core.progress import Silent
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.run import Run
from vsum_core.store import Store

FRAME = 64


@pytest.fixture
def run(thing_folder, tmp_path):
    base = preset("reference", seed=3)
    config = dataclasses.replace(
        base,
        proposals=dataclasses.replace(
            base.proposals, frame_side=FRAME, segmentation_scales=(100,), minimum_side=8, maximum=40
        ),
        descriptors=dataclasses.replace(base.descriptors, whitening=False),
    )
    return Run(
        store=Store(tmp_path / "run"),
        images=read_image_folder(thing_folder, classes=["red_thing"]),
        config=config,
        device=torch.device("cpu"),
        workers=2,
        progress=Silent(),
    )


@pytest.fixture
def mask_of():
    """A function that makes the mask of an image: the given [left, top, right, bottom] of the frame is deleted."""

    def mask_of(image, box):
        sharp = np.ones((FRAME, FRAME), dtype=np.float32)
        left, top, right, bottom = box
        sharp[top:bottom, left:right] = 0
        scores = {field.name: 0.5 for field in dataclasses.fields(MaskScores)}
        return ImageMask(image=image, sharp=sharp, scores=MaskScores(**scores), regions=(), file="")

    return mask_of
