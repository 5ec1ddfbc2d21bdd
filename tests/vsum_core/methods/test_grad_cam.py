import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from vsum_core.config import MaskConfig
from vsum_core.methods import Question, UnsuitableNetworkError, load_method
from vsum_core.methods.grad_cam import last_feature_layer
from vsum_core.networks import Network, NetworkSpecification


def network_of(module, side=4):
    specification = NetworkSpecification(
        name="by-hand",
        weights="none",
        input_height=side,
        input_width=side,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("one", "two"),
    )
    return Network(
        specification=specification,
        module=module.eval().requires_grad_(False),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(b"by-hand").hexdigest(),
    )


def pooled_colours():
    """Features are red and green themselves; logits weight their means by [[1, -2], [-1, 2]]."""
    module = nn.Sequential(
        nn.Conv2d(3, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2, False)
    )
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]]).view(2, 3, 1, 1))
        module[3].weight.copy_(torch.tensor([[1.0, -2.0], [-1.0, 2.0]]))
    return network_of(module)


def question_of(network, images, targets):
    return Question(
        network=network,
        images=images,
        targets=torch.tensor(targets),
        areas=np.full(len(images), 0.25),
        config=MaskConfig(batch_size=1),
    )


def test_by_hand():
    """The gradient of a mean over 16 places is the weight / 16, so the map is relu(±(red - 2 green)) / 16."""
    network = pooled_colours()
    images = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    relevance = load_method("grad-cam").relevance(question_of(network, images, [0, 1]))
    expected = (images[:, 0] - 2 * images[:, 1]) / 16
    np.testing.assert_allclose(relevance[0], expected[0].relu().numpy(), atol=1e-6)
    np.testing.assert_allclose(relevance[1], (-expected[1]).relu().numpy(), atol=1e-6)


def test_the_last_map_before_the_pooling_is_explained():
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    network = network_of(module, side=8)
    layer = last_feature_layer(network, torch.rand(1, 3, 8, 8))
    assert layer is module[3]
    assert not any(part._forward_hooks for part in module.modules())


def test_a_network_without_feature_maps_is_unsuitable():
    network = network_of(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)))
    with pytest.raises(UnsuitableNetworkError, match="Leave grad-cam out"):
        load_method("grad-cam").relevance(question_of(network, torch.rand(1, 3, 4, 4), [0]))


def test_the_network_is_left_as_it_was():
    network = pooled_colours()
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    load_method("grad-cam").explain(question_of(network, torch.rand(1, 3, 4, 4), [0]))
    assert all(torch.equal(value, before[name]) for name, value in network.module.state_dict().items())
    for part in network.module.modules():
        assert not part.training and not part._forward_hooks and not part._backward_hooks
        assert not any(value.requires_grad or value.grad is not None for value in part.parameters())
