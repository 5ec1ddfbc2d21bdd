"""Architectures by name: preprocessing of their own weights, loading from files, and modules that stay as they were."""

import hashlib

import pytest
import torch
from torch import nn
from torchvision import models

from vsum_core.networks import (
    NetworkSpecification,
    UnknownNetworkError,
    WeightsUnavailableError,
    load_network,
    network_names,
    network_of,
)
from vsum_core.networks.imagenet import imagenet_names, imagenet_wnids
from vsum_core.networks.torchvision_networks import _specification, _weights

IMAGENET_MEAN = (0.485, 0.456, 0.406)
SIDES = {
    "alexnet": 224,
    "vgg16": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "resnet50": 224,
    "mobilenet_v3_large": 224,
    "convnext_tiny": 224,
    "vit_b_16": 224,
    "swin_t": 224,
}


@pytest.mark.parametrize(("name", "side"), SIDES.items())
def test_each_architecture_keeps_the_preprocessing_of_its_weights(name, side):
    """Sides as torchvision's documentation of each weights' transforms gives them."""
    weights = _weights(name, "")
    specification = _specification(name, weights)
    assert name in network_names()
    assert (specification.input_height, specification.input_width) == (side, side)
    assert specification.mean == IMAGENET_MEAN
    assert specification.interpolation == weights.transforms().interpolation.value
    assert specification.wnids == imagenet_wnids()
    assert 0.5 < specification.published_accuracy < 0.9


@pytest.mark.parametrize(
    "name",
    ["googlenet", *(pytest.param(name, marks=pytest.mark.slow) for name in SIDES if name != "googlenet")],
)
def test_random_weights_in_a_file_give_the_network_of_torchvision(name, tmp_path):
    """The weights of GoogLeNet and Inception-v3 hold auxiliary classifiers, too, that nobody asks for."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3", "vgg16") else {}
    original = models.get_model(name, **options).eval()
    path = tmp_path / "hub" / "checkpoints" / _weights(name, "").url.rsplit("/", 1)[1]
    path.parent.mkdir(parents=True)
    torch.save(original.state_dict(), path)
    network = load_network(name, cache=tmp_path)
    if hasattr(original, "transform_input"):
        original.transform_input = True  # the published weights were trained with other means
    side = SIDES[name]
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (network.specification.mean, network.specification.std)
    )
    with torch.no_grad():
        torch.testing.assert_close(network.logits(images), original((images - mean) / std), atol=2e-3, rtol=1e-3)
    assert network.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not any(parameter.requires_grad for parameter in network.module.parameters())


class TestTimm:
    """Networks of timm from files; nothing is fetched."""

    @pytest.fixture(autouse=True)
    def timm(self):
        return pytest.importorskip("timm", reason="timm is not installed")

    @pytest.mark.parametrize("suffix", ["pt", "safetensors"])
    def test_from_a_file(self, timm, tmp_path, suffix):
        original = timm.create_model("mobilenetv3_small_050", pretrained=False).eval()
        path = tmp_path / f"weights.{suffix}"
        if suffix == "pt":
            torch.save(original.state_dict(), path)
        else:
            from safetensors.torch import save_file

            save_file(original.state_dict(), path)
        network = load_network("timm:mobilenetv3_small_050", checkpoint=path)
        specification = network.specification
        preprocessing = timm.data.resolve_data_config({}, model=original)
        assert (specification.name, specification.weights) == ("timm:mobilenetv3_small_050", path.name)
        assert (3, specification.input_height, specification.input_width) == preprocessing["input_size"]
        assert (specification.mean, specification.std) == (preprocessing["mean"], preprocessing["std"])
        assert specification.interpolation == preprocessing["interpolation"]
        assert specification.categories == imagenet_names()
        images = torch.rand(1, 3, specification.input_height, specification.input_width)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (specification.mean, specification.std))
        with torch.no_grad():
            expected = original((images - mean) / std)
        torch.testing.assert_close(network.logits(images), expected, atol=1e-3, rtol=1e-3)

    def test_errors_are_one_line_and_say_what_to_do(self, tmp_path):
        with pytest.raises(UnknownNetworkError, match=r"Near names: timm:resnet18"):
            load_network("timm:resnet17")
        with pytest.raises(WeightsUnavailableError, match="does not exist"):
            load_network("timm:resnet18", checkpoint=tmp_path / "missing.pt")
        torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "other.pt")
        with pytest.raises(ValueError, match="does not fit") as caught:
            load_network("timm:mobilenetv3_small_050", checkpoint=tmp_path / "other.pt")
        assert "\n" not in str(caught.value)

    def test_other_classes_than_imagenets_are_refused(self, timm, tmp_path):
        name = "mobilenetv3_small_050"
        original = timm.create_model(name, pretrained=False, num_classes=10)
        torch.save(original.state_dict(), tmp_path / "ten.pt")
        with pytest.raises(ValueError, match="does not fit"):
            load_network(f"timm:{name}", checkpoint=tmp_path / "ten.pt")


def own_module():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


def test_a_module_in_ones_hands_is_left_as_it_is():
    """Mode, gradients, hooks and layers of the caller's module stay; the network is a copy."""
    module = own_module()
    module.train()
    module[0].requires_grad_(False)
    seen = []
    module[3].register_forward_hook(lambda part, inputs, output: seen.append(output.shape))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    specification = NetworkSpecification(
        name="mine", weights="mine", input_height=8, input_width=8, mean=(0.0,) * 3, std=(1.0,) * 3,
        categories=("cat", "dog"),
    )  # fmt: skip
    network = network_of(module, specification)
    network.logits(torch.rand(2, 3, 8, 8))
    assert module.training and isinstance(module[1], nn.BatchNorm2d)
    assert [parameter.requires_grad for parameter in module.parameters()] == [False, False] + [True] * 4
    assert len(module[3]._forward_hooks) == 1
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not network.module.training and isinstance(network.module[1], nn.Identity)
    assert network_of(module, specification).weights_sha256 == network.weights_sha256
    with torch.no_grad():
        module[5].bias.add_(1)
    assert network_of(module, specification).weights_sha256 != network.weights_sha256
