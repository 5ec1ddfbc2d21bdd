"""A mask does not depend on its batch, with a real network; ``benchmarks.batch_independence`` measures more of them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from vsum_core.config import preset
from vsum_core.images import read_image
from vsum_core.masks import optimise_masks
from vsum_core.networks import load_network

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "caltech101"


def short(config, *, smooth, sharp):
    return dataclasses.replace(
        config,
        smooth=dataclasses.replace(config.smooth, steps=smooth),
        sharp=dataclasses.replace(config.sharp, steps=sharp),
    )


@pytest.mark.parametrize("name", ["reference", "default"])
def test_alone_or_in_company_a_photograph_has_the_same_mask(name):
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("needs ../shared/data")
    paths = [sorted((PHOTOGRAPHS / folder).iterdir())[0] for folder in ("dalmatian", "schooner", "flamingo")]
    pixels = np.stack([read_image(path, size=(224, 224)) for path in paths])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    network = load_network("efficientnet-lite0")
    with torch.no_grad():
        targets = network.logits(images).argmax(1)
    config = short(preset(name).masks, smooth=6, sharp=3)
    together = optimise_masks(network, images, targets, config=config)
    alone = optimise_masks(network, images[1:2], targets[1:2], config=config)
    assert 0.02 < (alone.sharp[0] < 0.5).mean() < 0.9
    np.testing.assert_array_equal(together.sharp[1], alone.sharp[0])
    np.testing.assert_array_equal(together.history.p[1], alone.history.p[0])
