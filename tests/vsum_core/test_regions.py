import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from torch import nn

from vsum_core.config import MaskConfig, RegionConfig
from vsum_core.networks import Network, NetworkSpecification
from vsum_core.perturbation import blur
from vsum_core.regions import mask_regions, region_drops, top_regions

SIDE = 20


class LeftAndRight(nn.Module):
    """Logit of class 0: three times the mean brightness of the left half plus once that of the right half."""

    def forward(self, images):
        left, right = images[..., : SIDE // 2].mean((1, 2, 3)), images[..., SIDE // 2 :].mean((1, 2, 3))
        return torch.stack([3 * left + right, torch.zeros_like(left)], dim=1)


def network():
    specification = NetworkSpecification(
        name="halves",
        weights="none",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("bright", "dark"),
    )
    return Network(
        specification=specification, module=LeftAndRight(), device=torch.device("cpu"), weights_sha256="0" * 64
    )


def bright_spots():
    image = torch.zeros(3, SIDE, SIDE)
    image[:, 8:12, 4:7] = 1
    image[:, 8:12, 14:17] = 1
    return image


def test_regions_by_hand():
    mask = np.ones((10, 20))
    mask[0:2, 0:2] = 0.0  # 4 pixels
    mask[2:4, 2:4] = 0.49  # touches the first by a corner: 8 together
    mask[6:9, 10:15] = 0.1  # 15 pixels
    mask[0, 19] = 0.0  # half a per cent: too small
    mask[9, 0:5] = 0.5  # at the threshold a pixel is kept
    regions = mask_regions(mask, config=RegionConfig())
    assert [int(region.sum()) for region in regions] == [15, 8]
    assert regions[0].dtype == bool and regions[0][6:9, 10:15].all()


def test_equal_regions_come_in_reading_order():
    mask = np.ones((10, 10))
    mask[0:2, 8:10] = mask[5:7, 0:2] = 0
    first, second = mask_regions(mask, config=RegionConfig())
    assert first[0, 9] and second[5, 0]


def test_nothing_deleted_and_everything_deleted():
    assert mask_regions(np.ones((4, 4)), config=RegionConfig()) == []
    (whole,) = mask_regions(np.zeros((4, 4)), config=RegionConfig())
    assert whole.all()


@settings(deadline=None)
@given(hypothesis_numpy.arrays(np.float32, (9, 11), elements=st.floats(0, 1, width=32)))
def test_regions_are_disjoint_and_with_no_minimum_cover_what_is_deleted(mask):
    regions = mask_regions(mask, config=RegionConfig(minimum_area=0.0))
    np.testing.assert_array_equal(np.sum(regions, axis=0) if regions else np.zeros((9, 11)), mask < 0.5)
    areas = [int(region.sum()) for region in regions]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize(("mask", "message"), [(np.ones((1, 4, 4)), "shape"), (np.full((4, 4), 255.0), r"\[0, 1\]")])
def test_wrong_masks_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        mask_regions(mask, config=RegionConfig())


@pytest.mark.parametrize("batch_size", [16, 2])
def test_each_region_is_blurred_alone(batch_size):
    image, config = bright_spots(), MaskConfig(batch_size=batch_size)
    left, right, everything = (np.zeros((SIDE, SIDE), dtype=bool) for _ in range(3))
    left[6:14, 2:9] = True
    right[6:14, 12:19] = True
    everything[:] = True
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    drops = region_drops(network(), image, 0, [left, right, everything, nothing], config=config)

    def probability(picture):
        return LeftAndRight()(picture.unsqueeze(0)).softmax(1)[0, 0].item()

    blurred = blur(image, kernel_size=11, sigma=10.0)
    p0 = probability(image)
    expected = []
    for region in (left, right, everything):
        expected.append((p0 - probability(torch.where(torch.from_numpy(region), blurred, image))) / p0)
    assert drops[:3] == pytest.approx(expected, abs=1e-5)
    assert drops[3] == pytest.approx(0, abs=1e-6)
    assert drops[0] > drops[1] > 0


def test_no_regions_no_drops():
    assert region_drops(network(), bright_spots(), 0, [], config=MaskConfig()).shape == (0,)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="image of shape"):
        region_drops(network(), torch.rand(3, 8, 8), 0, [], config=MaskConfig())
    with pytest.raises(ValueError, match="regions of shape"):
        region_drops(network(), bright_spots(), 0, [np.ones((8, 8), dtype=bool)], config=MaskConfig())


def test_top_regions_largest_drop_first_ties_by_index():
    config = RegionConfig(top_regions=3)
    assert top_regions(np.array([0.1, 0.5, -0.2, 0.5]), config=config).tolist() == [1, 3, 0]
    assert top_regions(np.zeros(0), config=config).tolist() == []
    assert top_regions(np.array([0.1]), config=dataclasses.replace(config, top_regions=0)).tolist() == []
