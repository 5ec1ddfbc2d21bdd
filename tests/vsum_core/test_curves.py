import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vsum_core.config import MaskConfig
from vsum_core.curves import area_under_curve, deletion_curve, insertion_curve, relevance_masks
from vsum_core.networks import Network, NetworkSpecification

SIDE = 4


class FirstPixel(nn.Module):
    """Class 0 says how bright the pixel in the upper left corner is; class 1 is always 0."""

    def forward(self, images):
        brightness = images[:, 0, 0, 0]
        return torch.stack([10 * brightness - 5, torch.zeros_like(brightness)], dim=1)


def network():
    specification = NetworkSpecification(
        name="first pixel",
        weights="none",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("bright", "other"),
    )
    return Network(
        specification=specification, module=FirstPixel().eval(), device=torch.device("cpu"), weights_sha256="0" * 64
    )


def image_with_a_bright_corner():
    image = torch.zeros(3, SIDE, SIDE)
    image[:, 0, 0] = 1
    return image


def corner_first():
    relevance = np.zeros((SIDE, SIDE))
    relevance[0, 0] = 1
    return relevance


SHARES = (0.0, 1 / 16, 0.5, 1.0)


def test_masks_take_the_most_relevant_pixels_and_break_ties_in_reading_order():
    masks = relevance_masks([[0.1, 0.9], [0.9, 0.2]], shares=[0, 0.25, 0.5, 0.75, 1])
    expected = [[[0, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 1], [1, 0]], [[0, 1], [1, 1]], [[1, 1], [1, 1]]]
    np.testing.assert_array_equal(masks, expected)


def test_deletion_falls_when_the_pixel_that_counts_goes_and_insertion_rises_when_it_comes():
    bright, dim = 1 / (1 + np.exp(-5)), 1 / (1 + np.exp(5))
    options = {"config": MaskConfig(blur_kernel=11, batch_size=3), "shares": SHARES}
    arguments = (network(), image_with_a_bright_corner(), 0, corner_first())
    deletion, insertion = deletion_curve(*arguments, **options), insertion_curve(*arguments, **options)
    np.testing.assert_allclose(deletion.p[0], bright, rtol=1e-5)
    # Blurring spreads the corner over its neighbours, so a little light stays.
    assert (deletion.p[1:] < 5 * dim).all()
    np.testing.assert_allclose(insertion.p[1:], bright, rtol=1e-5)
    np.testing.assert_allclose(insertion.p[0], deletion.p[-1], rtol=1e-5)
    assert deletion.area < 0.1 < 0.9 < insertion.area


def test_a_wrong_order_costs_area():
    arguments = (network(), image_with_a_bright_corner(), 0)
    options = {"config": MaskConfig(), "shares": SHARES}
    good = deletion_curve(*arguments, corner_first(), **options)
    bad = deletion_curve(*arguments, -corner_first(), **options)
    assert bad.area > good.area + 0.5
    np.testing.assert_allclose(bad.p[[0, -1]], good.p[[0, -1]])


def test_area_under_curve_by_hand():
    # Trapezoids: 0.5 * (1 + 0.5) / 2 + 0.5 * (0.5 + 0) / 2.
    assert area_under_curve([0, 0.5, 1], [1, 0.5, 0]) == pytest.approx(0.5)
    # The same curve on a wider axis has the same mean.
    assert area_under_curve([0, 1, 2], [1, 0.5, 0]) == pytest.approx(0.5)
    assert area_under_curve([0, 0.25, 1], [1, 0, 0]) == pytest.approx(0.125)


@given(st.lists(st.floats(0, 1, width=32), min_size=9, max_size=9))
def test_masks_are_nested_and_have_their_share(values):
    shares = (0.0, 0.2, 0.55, 1.0)
    masks = relevance_masks(np.reshape(values, (3, 3)), shares=shares)
    assert [int(mask.sum()) for mask in masks] == [0, 2, 5, 9]
    assert (np.diff(masks, axis=0) >= 0).all()


@pytest.mark.parametrize("shares", [(0.0, 0.5), (0.1, 1.0), (0.0, 0.6, 0.4, 1.0), (0.0,)])
def test_shares_must_ascend_from_0_to_1(shares):
    with pytest.raises(ValueError, match="ascend"):
        relevance_masks(corner_first(), shares=shares)


@pytest.mark.parametrize("relevance", [np.zeros(4), np.full((SIDE, SIDE), np.nan)])
def test_relevance_must_be_a_finite_map(relevance):
    with pytest.raises(ValueError, match="finite"):
        relevance_masks(relevance)


def test_relevance_must_fit_the_network():
    with pytest.raises(ValueError, match="Expected an image"):
        deletion_curve(network(), image_with_a_bright_corner(), 0, np.zeros((2, 2)), config=MaskConfig())


@pytest.mark.parametrize(("shares", "values"), [([0], [1]), ([0, 1], [1]), ([0, 0], [1, 1])])
def test_a_curve_needs_two_ascending_points(shares, values):
    with pytest.raises(ValueError, match="ascending"):
        area_under_curve(shares, values)
