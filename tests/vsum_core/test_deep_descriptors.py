from __future__ import annotations

import numpy as np
import pytest
import torch

from vsum_core.deep_descriptors import NoFeatureMapError, deep_descriptors
from vsum_core.networks import Network, NetworkSpecification

SIDE = 64


@pytest.fixture
def network():
    """Averages 8 × 8 and then 16 × 16 pixels of each colour, and "classifies" by the mean colour."""
    module = torch.nn.Sequential(
        torch.nn.AvgPool2d(8), torch.nn.AvgPool2d(2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    specification = NetworkSpecification(
        name="averages",
        weights="none",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("red", "green", "blue"),
    )
    return Network(
        specification=specification, module=module.eval(), device=torch.device("cpu"), weights_sha256="0" * 64
    )


def halves():
    """Black on the left, white on the right."""
    image = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    image[:, SIDE // 2 :] = 255
    return image


def test_opposite_contents_have_opposite_descriptors(network):
    """Less the mean of 0.5, the features are −0.5 on the left and 0.5 on the right: unit vectors of opposite sign."""
    boxes = np.array([[0, 0, 24, 32], [40, 0, 64, 32], [40, 32, 64, 64]])
    features = deep_descriptors(network, halves(), boxes)
    assert features.dtype == np.float32
    assert features.shape == (3, 2 * 3 * 16)  # strides × channels × cells
    np.testing.assert_allclose(features @ features.T, [[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], atol=1e-5)


def test_each_stride_weighs_the_same(network):
    features = deep_descriptors(network, halves(), np.array([[40, 8, 64, 32]]), grid=2)
    np.testing.assert_allclose(features, np.full((1, 24), 1 / np.sqrt(24)), atol=1e-6)


def test_boxes_are_in_pixels_of_the_image_not_of_the_network(network):
    image = halves()
    large = image.repeat(2, axis=0).repeat(3, axis=1)
    boxes = np.array([[4, 0, 40, 32], [10, 20, 60, 60]])
    np.testing.assert_allclose(
        deep_descriptors(network, large, boxes * [3, 2, 3, 2]), deep_descriptors(network, image, boxes), atol=0.005
    )


def test_the_network_is_left_as_it_was(network):
    deep_descriptors(network, halves(), np.array([[0, 0, 32, 32]]))
    with pytest.raises(NoFeatureMapError, match=r"\[4\]"):
        deep_descriptors(network, halves(), np.array([[0, 0, 32, 32]]), strides=(4, 8))
    assert all(not module._forward_hooks for module in network.module.modules())


def test_no_boxes_give_no_descriptors(network):
    assert deep_descriptors(network, halves(), np.empty((0, 4), dtype=np.int32)).shape == (0, 96)


def test_wrong_input_is_refused(network):
    with pytest.raises(ValueError, match="uint8"):
        deep_descriptors(network, halves() / 255, np.array([[0, 0, 32, 32]]))
    with pytest.raises(ValueError, match=r"\(P, 4\)"):
        deep_descriptors(network, halves(), np.array([0, 0, 32, 32]))
