import hashlib
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models

from vsum_core.datasets import ClassLabel, read_image, read_image_folder
from vsum_core.networks import (
    Network,
    NetworkSpecification,
    UnknownClassError,
    UnknownNetworkError,
    WeightsUnavailableError,
    load_network,
    network_names,
)
from vsum_core.networks.efficientnet_lite import pad_in_convolutions
from vsum_core.networks.folding import fold_batch_norms
from vsum_core.networks.imagenet import imagenet_names, imagenet_wnids
from vsum_core.networks.network import compute_in_exact_float32

PHOTOGRAPHS = Path(__file__).resolve().parents[3] / "shared" / "data" / "caltech101"


def label(name, *, wnid=None):
    return ClassLabel(name=name, folder=name.replace(" ", "_"), wnid=wnid)


def randomised(module, seed=0):
    """Random weights and random running statistics, so that folding has something to fold."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                for values in (part.weight, part.running_var):
                    values.copy_(0.5 + torch.rand(values.shape, generator=generator))
                for values in (part.bias, part.running_mean):
                    values.copy_(0.2 * torch.randn(values.shape, generator=generator))
    return module


def put_weights(directory, name, module):
    url = models.get_model_weights(name).DEFAULT.url
    path = directory / "hub" / "checkpoints" / url.rsplit("/", 1)[1]
    path.parent.mkdir(parents=True)
    torch.save(module.state_dict(), path)
    return path


def test_imagenet_classes_are_in_the_usual_order():
    names, wnids = imagenet_names(), imagenet_wnids()
    assert len(set(names)) == len(set(wnids)) == 1000
    # Deng et al. 2009; indices as listed for the classes of arXiv 1801.09103.
    known = {0: ("n01440764", "tench"), 22: ("n01614925", "bald eagle"), 207: ("n02099601", "golden retriever")}
    known |= {251: ("n02110341", "dalmatian"), 776: ("n04141076", "sax"), 906: ("n04591157", "Windsor tie")}
    assert {index: (wnids[index], names[index]) for index in known} == known
    assert list(wnids) == sorted(wnids)


def test_every_family_is_listed_once():
    names = network_names()
    assert len(set(names)) == len(names)
    assert {"efficientnet-lite0", "efficientnet-lite2", "alexnet", "vgg16", "googlenet", "resnet50"} <= set(names)


@pytest.mark.parametrize(("name", "side"), [("efficientnet-lite0", 224), ("efficientnet-lite2", 260)])
def test_efficientnet_lite_folded_equals_unfolded(name, side):
    folded, plain = load_network(name), load_network(name, fold=False)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.module.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in plain.module.modules())
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(folded.logits(images), plain.logits(images), atol=1e-4, rtol=0)
    assert folded.weights_sha256 == plain.weights_sha256


def test_convolutions_that_pad_by_themselves_give_the_same_numbers():
    from efficientnet_lite_pytorch import EfficientNet

    module = randomised(EfficientNet.from_name("efficientnet-lite0").eval())
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = module(images)
        # Twelve blocks have a depthwise convolution of stride 1; strides of 2 need more zeros on one side.
        assert pad_in_convolutions(module) == 12
        torch.testing.assert_close(module(images), before, atol=1e-4, rtol=1e-4)


def test_efficientnet_lite_is_frozen_and_names_its_weights():
    network = load_network("efficientnet-lite0")
    assert not network.module.training
    assert not any(parameter.requires_grad for parameter in network.module.parameters())
    specification = network.specification
    assert (specification.input_height, specification.input_width) == (224, 224)
    assert specification.mean == pytest.approx((127 / 255,) * 3)
    assert specification.std == pytest.approx((128 / 255,) * 3)
    # The file's name holds the first digits of its SHA-256.
    assert f"-{network.weights_sha256[:8]}." in specification.weights


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the development photographs are not here")
def test_efficientnet_lite_recognises_photographs():
    network = load_network("efficientnet-lite0")
    images = read_image_folder(PHOTOGRAPHS, classes=["dalmatian", "grand_piano"], per_class=3).images
    pixels = torch.stack([torch.from_numpy(read_image(image.path, size=(224, 224))) for image in images])
    with torch.no_grad():
        found = network.logits(pixels.permute(0, 3, 1, 2) / 255).argmax(1).tolist()
    assert found == [network.class_index(image.label) for image in images] == [251] * 3 + [579] * 3


def test_logits_normalise_with_the_networks_own_mean_and_std():
    specification = NetworkSpecification(
        name="sum",
        weights="none",
        input_height=1,
        input_width=1,
        mean=(0.1, 0.2, 0.3),
        std=(0.5, 0.25, 0.2),
        categories=("red", "green", "blue"),
    )
    network = Network(
        specification=specification, module=nn.Flatten(), device=torch.device("cpu"), weights_sha256="0" * 64
    )
    logits = network.logits(torch.tensor([0.6, 0.7, 0.1]).view(1, 3, 1, 1))
    torch.testing.assert_close(logits, torch.tensor([[1.0, 2.0, -1.0]]))
    images = torch.rand(1, 3, 1, 1, requires_grad=True)
    network.logits(images).sum().backward()
    torch.testing.assert_close(images.grad.flatten(), torch.tensor([2.0, 4.0, 5.0]))
    for wrong in (torch.rand(1, 3, 1, 2), torch.rand(3, 1, 1), torch.zeros(1, 3, 1, 1, dtype=torch.uint8)):
        with pytest.raises(ValueError, match="Resize"):
            network.logits(wrong)


def test_class_index_by_wnid_then_by_name():
    specification = NetworkSpecification(
        name="three",
        weights="none",
        input_height=1,
        input_width=1,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("grand piano", "crane", "crane"),
        wnids=("n03452741", "n02012849", "n03126707"),
    )
    assert specification.class_index(label("anything", wnid="n03126707")) == 2
    assert specification.class_index(label("Grand_Piano")) == 0
    assert specification.class_index(label("grand piano", wnid="n99999999")) == 0
    with pytest.raises(UnknownClassError, match="several classes"):
        specification.class_index(label("crane"))
    with pytest.raises(UnknownClassError, match="Near names: grand piano"):
        specification.class_index(label("grnd piano"))


def test_unknown_network_lists_near_names():
    with pytest.raises(UnknownNetworkError, match="resnet50"):
        load_network("resnet5")
    with pytest.raises(UnknownNetworkError, match="IMAGENET1K_V1"):
        load_network("resnet50@V9")
    with pytest.raises(UnknownNetworkError, match="one set of weights"):
        load_network("efficientnet-lite0@other")


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1"])
def test_torchvision_network_from_a_cached_file(name, tmp_path):
    original = randomised(models.get_model(name)).eval()
    path = put_weights(tmp_path, name, original)
    weights = models.get_model_weights(name).DEFAULT
    network = load_network(name, cache=tmp_path)
    specification = network.specification
    assert network.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (specification.input_height, specification.weights) == (224, weights.name)
    assert specification.mean == tuple(weights.transforms().mean)
    assert specification.wnids == imagenet_wnids()
    assert specification.published_accuracy == pytest.approx(weights.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100)
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (specification.mean, specification.std))
    expected = original((images - mean) / std)
    torch.testing.assert_close(network.logits(images), expected, atol=1e-4, rtol=1e-4)


def test_torchvision_network_from_torchs_own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    put_weights(tmp_path, "squeezenet1_1", models.get_model("squeezenet1_1"))
    assert load_network("squeezenet1_1@IMAGENET1K_V1").specification.weights == "IMAGENET1K_V1"


@pytest.mark.parametrize("chosen", [None, "elsewhere"])
def test_a_cache_of_ones_own_leaves_torchs_settings_alone(chosen, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", None if chosen is None else str(tmp_path / chosen))
    before = torch.hub.get_dir()
    put_weights(tmp_path / "mine", "squeezenet1_1", models.get_model("squeezenet1_1"))
    load_network("squeezenet1_1", cache=tmp_path / "mine")
    assert torch.hub.get_dir() == before
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "later"))
    assert torch.hub.get_dir() == (str(tmp_path / "later" / "hub") if chosen is None else before)


def test_missing_weights_say_what_to_do(tmp_path, monkeypatch):
    # Port 9 of this machine answers nobody, so the download fails at once wherever the test runs.
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(WeightsUnavailableError) as caught:
        load_network("squeezenet1_1", cache=tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth") in message
    assert "efficientnet-lite0" in message


def test_damaged_weights_are_unavailable(tmp_path):
    path = put_weights(tmp_path, "squeezenet1_1", nn.Linear(1, 1))
    with pytest.raises(WeightsUnavailableError, match=path.name):
        load_network("squeezenet1_1", cache=tmp_path)


class Shared(nn.Module):
    """Pairs that may not be folded: a convolution used twice, and one whose result goes elsewhere too."""

    def __init__(self):
        super().__init__()
        self.twice, self.norm_twice = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.forked, self.norm_forked = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.plain, self.norm_plain = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)

    def forward(self, images):
        images = self.twice(self.norm_twice(self.twice(images)))
        forked = self.forked(images)
        return self.norm_plain(self.plain(self.norm_forked(forked) + forked))


def test_only_exclusive_pairs_are_folded():
    module = randomised(Shared()).eval()
    images = torch.rand(2, 3, 8, 8)
    before = module(images)
    assert fold_batch_norms(module) == 1
    assert isinstance(module.norm_plain, nn.Identity)
    torch.testing.assert_close(module(images), before, atol=1e-5, rtol=1e-5)


class NormWithActivation(nn.BatchNorm2d):
    """As timm has them: a batch norm that holds the activation."""

    def forward(self, images):
        return torch.relu(super().forward(images))


class StandardisedConvolution(nn.Conv2d):
    """Weights are standardised on every call, so no scale of a batch norm survives in them."""

    def forward(self, images):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(images, weight / weight.std((1, 2, 3), keepdim=True), self.bias)


class PaddingConvolution(nn.Conv2d):
    def forward(self, images):
        return super().forward(nn.functional.pad(images, (1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("layers", "folded"),
    [
        ((nn.Conv2d(3, 4, 3), NormWithActivation(4)), 0),
        ((StandardisedConvolution(3, 4, 3), nn.BatchNorm2d(4)), 0),
        ((PaddingConvolution(3, 4, 3), nn.BatchNorm2d(4)), 1),
    ],
)
def test_layers_that_do_more_than_they_are_called(layers, folded):
    module = randomised(nn.Sequential(*layers)).eval()
    images = torch.rand(2, 3, 8, 8)
    before = module(images)
    assert fold_batch_norms(module) == folded
    torch.testing.assert_close(module(images), before, atol=1e-5, rtol=1e-5)


def test_what_cannot_be_traced_stays_as_it_is():
    class Undecided(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))

        def forward(self, images):
            return self.layers(images) if images.sum() > 0 else images

    module = Undecided().eval()
    assert fold_batch_norms(module) == 0
    assert isinstance(module.layers[1], nn.BatchNorm2d)


def test_folding_in_training_mode_is_refused():
    with pytest.raises(ValueError, match="eval"):
        fold_batch_norms(Shared())


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "my_own_network.py").write_text(
        textwrap.dedent(
            """
            import torch
            from vsum_core.networks import NetworkSpecification

            MODULE = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 2), torch.nn.BatchNorm2d(2), torch.nn.Flatten())

            def factory():
                specification = NetworkSpecification(
                    name="mine", weights="none", input_height=2, input_width=2,
                    mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), categories=("cat", "dog"),
                )
                return MODULE, specification

            def wrong():
                return MODULE
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "my_own_network"
    sys.modules.pop("my_own_network", None)


def own_layers():
    return nn.Sequential(nn.Conv2d(3, 2, 2), nn.BatchNorm2d(2), nn.Flatten())


def test_checkpoint_and_the_factorys_module_is_left_alone(own_module, tmp_path):
    original = randomised(own_layers()).eval()
    path = tmp_path / "weights.pt"
    torch.save(original.state_dict(), path)
    network = load_network(f"{own_module}:factory", checkpoint=path)
    images = torch.rand(3, 3, 2, 2)
    torch.testing.assert_close(network.logits(images), original((images - 0.5) / 0.5), atol=1e-5, rtol=1e-5)
    assert (network.specification.name, network.specification.weights) == ("my_own_network:factory", "weights.pt")
    theirs = sys.modules[own_module].MODULE
    assert theirs.training and isinstance(theirs[1], nn.BatchNorm2d)
    assert all(parameter.requires_grad for parameter in theirs.parameters())


def test_checkpoints_that_do_not_work(own_module, tmp_path):
    name = f"{own_module}:factory"
    with pytest.raises(ValueError, match="needs a checkpoint"):
        load_network(name)
    with pytest.raises(ValueError, match=r"my\.module:factory"):
        load_network("efficientnet-lite0", checkpoint=tmp_path / "weights.pt")
    with pytest.raises(WeightsUnavailableError, match="does not exist"):
        load_network(name, checkpoint=tmp_path / "missing.pt")
    torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="does not fit"):
        load_network(name, checkpoint=tmp_path / "other.pt")
    torch.save(own_layers(), tmp_path / "pickled.pt")  # a whole module, which could run code when read
    with pytest.raises(ValueError, match="does not fit"):
        load_network(name, checkpoint=tmp_path / "pickled.pt")
    with pytest.raises(UnknownNetworkError, match="Cannot import"):
        load_network("my_own_network:missing", checkpoint=tmp_path / "other.pt")
    with pytest.raises(UnknownNetworkError, match="must return"):
        load_network("my_own_network:wrong", checkpoint=tmp_path / "other.pt")


def test_impossible_specifications_are_refused():
    good = {
        "name": "x",
        "weights": "x",
        "input_height": 1,
        "input_width": 1,
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "categories": ("one",),
    }
    for change in ({"input_width": 0}, {"std": (1.0, 0.0, 1.0)}, {"categories": ()}, {"wnids": ("n1", "n2")}):
        with pytest.raises(ValueError):
            NetworkSpecification(**(good | change))


def test_convolutions_on_cuda_are_kept_from_tf32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    compute_in_exact_float32()
    assert not torch.backends.cudnn.allow_tf32
