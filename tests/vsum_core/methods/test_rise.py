import numpy as np
import pytest
import torch

from vsum_core.methods.rise import RiseConstants, random_masks


def test_masks_are_smooth_random_and_seeded():
    constants = RiseConstants(masks=400, cells=4, kept=0.5)
    masks = random_masks(30, 50, constants=constants, generator=np.random.default_rng(0))
    assert masks.shape == (400, 30, 50)
    assert masks.min() >= 0 and masks.max() <= 1
    assert float(masks.mean()) == pytest.approx(0.5, abs=0.02)
    assert (
        float(masks.diff(dim=1).abs().max()) <= 1 / 8 + 1e-6
    )  # a cell is 8 pixels high, so a bit is crossed in 8 steps
    again = random_masks(30, 50, constants=constants, generator=np.random.default_rng(0))
    assert torch.equal(masks, again)


def test_all_or_no_bits():
    for kept in (0.0, 1.0):
        masks = random_masks(
            8, 8, constants=RiseConstants(masks=3, cells=2, kept=kept), generator=np.random.default_rng(0)
        )
        assert torch.all(masks == kept)
