import dataclasses

import numpy as np
import pytest
import torch

from benchmarks.retirement import Moment, retired, stopped_early
from benchmarks.tiny_run import SIDE, stripes_network, tiny_config
from vsum_core.config import preset
from vsum_core.masks import optimise_masks


def moment(steps, *, first, second, p):
    """Two masks of ten pixels, of which so many are deleted."""
    masks = np.ones((2, 1, 10), dtype=np.float32)
    masks[0, 0, :first] = 0
    masks[1, 0, :second] = 0
    return Moment(steps, masks, np.array(p))


def test_an_image_ends_at_the_first_moment_that_changes_less_than_the_tolerance():
    config = dataclasses.replace(
        preset("default").masks,
        smooth=dataclasses.replace(preset("default").masks.smooth, steps=12),
        sharp=dataclasses.replace(preset("default").masks.sharp, steps=12),
    )
    moments = [
        moment(4, first=4, second=2, p=[0.3, 0.5]),
        moment(8, first=4, second=5, p=[0.2, 0.4]),
        moment(12, first=5, second=4, p=[0.1, 0.3]),
    ]
    found = retired(moments, config, tolerance=0.05)
    assert found["steps_spared"] == pytest.approx((4 + 0) / 2 / 24)  # the first image ends after 8 of 12 sharp steps
    assert found["overlap"] == pytest.approx((4 / 5 + 1) / 2)
    assert (found["area"], found["full_area"]) == (pytest.approx(0.4), pytest.approx(0.45))
    assert (found["p"], found["full_p"]) == (pytest.approx(0.25), pytest.approx(0.2))


def test_the_last_moment_is_the_mask_of_the_whole_optimisation():
    network, config = stripes_network(), tiny_config().masks
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    targets = network.logits(images).argmax(1)
    moments = stopped_early(network, images, targets, config, every=4)
    assert [moment.steps for moment in moments] == [4, 8, 10]
    whole = optimise_masks(network, images, targets, config=config)
    np.testing.assert_allclose(moments[-1].masks, whole.sharp, atol=1e-3)
