from __future__ import annotations

import numpy as np
import pytest
import torch

from vsum_core.deep_descriptors import NoFeatureMapError, deep_descriptors, default_layers
from vsum_core.networks import Network, NetworkSpecification, load_network

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


OPTIONS = {"layers": ("0", "1"), "side": SIDE, "grid": 4}


def test_opposite_contents_have_opposite_descriptors(network):
    """Less the mean of 0.5, the features are −0.5 on the left and 0.5 on the right: unit vectors of opposite sign."""
    boxes = np.array([[0, 0, 24, 32], [40, 0, 64, 32], [40, 32, 64, 64]])
    features = deep_descriptors(network, halves(), boxes, **OPTIONS)
    assert features.dtype == np.float32
    assert features.shape == (3, 2 * 3 * 16)  # layers × channels × cells
    np.testing.assert_allclose(features @ features.T, [[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], atol=1e-5)


def test_each_layer_weighs_the_same(network):
    features = deep_descriptors(network, halves(), np.array([[40, 8, 64, 32]]), **OPTIONS | {"grid": 2})
    np.testing.assert_allclose(features, np.full((1, 24), 1 / np.sqrt(24)), atol=1e-6)


def test_boxes_are_in_pixels_of_the_image_not_of_what_the_network_sees(network):
    """Twice as many pixels, and twice as many seen: 64 × 64 either way."""
    image = halves()
    large = image.repeat(2, axis=0).repeat(2, axis=1)
    boxes = np.array([[4, 0, 40, 32], [10, 20, 60, 60]])
    np.testing.assert_allclose(
        deep_descriptors(network, large, boxes * 2, **OPTIONS),
        deep_descriptors(network, image, boxes, **OPTIONS),
        atol=0.005,
    )


def test_the_aspect_ratio_is_kept_up_to_multiples_of_32(network):
    """100 × 300 pixels with a longer side of 128: 42.7 by 128, so 32 by 128, and 4 × 16 and 2 × 8 features."""
    seen = []
    handles = [
        network.module[layer].register_forward_hook(lambda module, inputs, output: seen.append(output.shape[2:]))
        for layer in (0, 1)
    ]
    deep_descriptors(
        network, np.zeros((100, 300, 3), dtype=np.uint8), np.array([[0, 0, 50, 50]]), **OPTIONS | {"side": 128}
    )
    for handle in handles:
        handle.remove()
    assert seen == [(4, 16), (2, 8)]


def test_the_network_is_left_as_it_was(network):
    deep_descriptors(network, halves(), np.array([[0, 0, 32, 32]]), **OPTIONS)
    for layers, message in ((("0", "9"), "no layer 9"), (("0", "3"), "3 of averages put out no feature map")):
        with pytest.raises(NoFeatureMapError, match=message):
            deep_descriptors(network, halves(), np.array([[0, 0, 32, 32]]), layers=layers, side=SIDE)
    assert all(not module._forward_hooks for module in network.module.modules())


def test_layers_must_be_said_for_a_network_we_do_not_know(network):
    with pytest.raises(NoFeatureMapError, match="No layers are known for averages; give `layers`"):
        deep_descriptors(network, halves(), np.array([[0, 0, 32, 32]]))


def test_default_layers_of_a_real_network_have_16_and_32_pixels_per_feature():
    network = load_network("efficientnet-lite0")
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    features = deep_descriptors(network, image, np.array([[0, 0, 30, 30], [10, 8, 60, 40]]), side=128, grid=2)
    assert default_layers(network) == ("_blocks.10", "_blocks.14")
    assert features.shape == (2, (112 + 192) * 4)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)


def test_no_boxes_give_no_descriptors(network):
    assert deep_descriptors(network, halves(), np.empty((0, 4), dtype=np.int32), **OPTIONS).shape == (0, 96)


def test_wrong_input_is_refused(network):
    with pytest.raises(ValueError, match="uint8"):
        deep_descriptors(network, halves() / 255, np.array([[0, 0, 32, 32]]), **OPTIONS)
    with pytest.raises(ValueError, match=r"\(P, 4\)"):
        deep_descriptors(network, halves(), np.array([0, 0, 32, 32]), **OPTIONS)
