"""Pictures whose evidence lies in a known place, and networks that see it."""

import numpy as np
import pytest
import torch

from vsum_core.config import MaskConfig, MaskStageConfig
from vsum_core.methods import Question

SIDE = 64
PLACE = (slice(8, 32), slice(16, 40))  # rows and columns of the stripes


@pytest.fixture
def mask_config():
    stage = {"learning_rate": 0.2, "area_weight": 0.3, "total_variation_weight": 0.01}
    return MaskConfig(
        batch_size=3,
        smooth=MaskStageConfig(steps=15, resolution_divisor=4, mask_blur_sigma=1.0, **stage),
        sharp=MaskStageConfig(steps=15, **stage),
    )


@pytest.fixture
def striped_images():
    """Two pictures of red stripes on grey at ``PLACE``: float32 (2, 3, 64, 64)."""
    images = torch.full((2, 3, SIDE, SIDE), 0.5)
    rows, columns = PLACE
    for index in range(2):
        images[index, 0, rows, columns.start : columns.stop : 4] = 1.0
        images[index, 0, rows, columns.start + 1 : columns.stop : 4] = 1.0
        images[index, 2, rows, columns] = 0.1 + 0.1 * index
    return images


@pytest.fixture
def question(colour_network, striped_images, mask_config):
    return Question(
        network=colour_network,
        images=striped_images,
        targets=torch.tensor([0, 0]),
        areas=np.array([24 * 24 / SIDE**2] * 2),
        config=mask_config,
        seed=1,
    )


def share_at_place(mask):
    """Share of the deleted pixels that lie on the stripes or within four pixels of them."""
    rows, columns = PLACE
    deleted = mask < 0.5
    near = deleted[rows.start - 4 : rows.stop + 4, columns.start - 4 : columns.stop + 4]
    return near.sum() / max(1, deleted.sum())
