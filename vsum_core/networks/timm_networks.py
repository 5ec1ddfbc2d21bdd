"""Classification networks of timm (R. Wightman, PyTorch Image Models), named ``timm:NAME``, where timm is installed.

With a checkpoint the weights are read from that file; without one timm fetches its own on first use. Preprocessing is
that of the weights' own configuration (``pretrained_cfg``).
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vsum_core.networks.imagenet import imagenet_names, imagenet_wnids
from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import (
    NetworkSpecification,
    UnknownNetworkError,
    WeightsUnavailableError,
    file_sha256,
    near_names,
    state_sha256,
)
from vsum_core.networks.registry import NetworkFamily

PREFIX = "timm:"


def names() -> tuple[str, ...]:
    """Every network of timm with weights, such as ``timm:resnet18.a1_in1k``; none where timm is not installed."""
    try:
        timm = _timm()
    except WeightsUnavailableError:
        return ()
    return tuple(PREFIX + name for name in timm.list_models(pretrained=True))


def load(name: str, *, cache: Path | None, checkpoint: Path | None = None) -> LoadedWeights:
    """Build a network of timm.

    Args:
        name: such as ``timm:convnext_tiny.fb_in1k``; the part before the point alone takes timm's usual weights.
        cache: directory for downloaded weights; None: timm's own place.
        checkpoint: file with a state dict (``.safetensors``, or one that ``torch.load`` reads with ``weights_only``).

    Raises:
        UnknownNetworkError: timm has no such network, or its classes are not the thousand of ImageNet.
        WeightsUnavailableError: timm is not installed, or the weights are not here and cannot be fetched.
        ValueError: the checkpoint does not fit the network.
    """
    timm = _timm()
    wanted = name.removeprefix(PREFIX)
    if not timm.is_model(wanted):
        known = [PREFIX + one for one in timm.list_models()]
        raise UnknownNetworkError(f"timm has no network {wanted!r}. Near names: {near_names(name, known)}.")
    if checkpoint is None:
        module, weights, digest = _downloaded(timm, wanted, cache)
    else:
        module, weights, digest = _from_file(timm, wanted, checkpoint)
    return LoadedWeights(
        specification=_specification(timm, name, weights, module), module=module, weights_sha256=digest
    )


def _timm() -> Any:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise WeightsUnavailableError(
            "Networks named timm:NAME need the package timm, which is not installed. Install it with: pip install timm"
        ) from error
    return timm


def _downloaded(timm: Any, wanted: str, cache: Path | None) -> tuple[nn.Module, str, str]:
    place = None if cache is None else cache / "timm"
    try:
        module: nn.Module = timm.create_model(wanted, pretrained=True, cache_dir=place)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsUnavailableError(
            f"The weights of {PREFIX}{wanted} could not be read or downloaded ({reason}). Give their file with "
            "--checkpoint, or use a network that needs no download, such as efficientnet-lite0."
        ) from error
    configuration: Any = module.pretrained_cfg
    return module, str(configuration.get("tag") or "default"), state_sha256(module)


def _from_file(timm: Any, wanted: str, checkpoint: Path) -> tuple[nn.Module, str, str]:
    if not checkpoint.is_file():
        raise WeightsUnavailableError(f"The checkpoint {checkpoint} of {PREFIX}{wanted} does not exist.")
    module: nn.Module = timm.create_model(wanted, pretrained=False)
    try:
        if checkpoint.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(checkpoint)
        else:
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        module.load_state_dict(state)
    except (pickle.UnpicklingError, RuntimeError, TypeError, EOFError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{checkpoint.name} does not fit {PREFIX}{wanted}: {reason}") from error
    return module, checkpoint.name, file_sha256(checkpoint)


def _specification(timm: Any, name: str, weights: str, module: nn.Module) -> NetworkSpecification:
    preprocessing = timm.data.resolve_data_config({}, model=module)
    classes = int(getattr(module, "num_classes", 0))
    if classes != len(imagenet_names()):
        raise UnknownNetworkError(
            f"{name} has {classes} classes, which are not the {len(imagenet_names())} of ImageNet, so their names are "
            "unknown. Write a factory of your own with its categories (my.module:factory)."
        )
    _, height, width = preprocessing["input_size"]
    return NetworkSpecification(
        name=name,
        weights=weights,
        input_height=int(height),
        input_width=int(width),
        mean=_three(preprocessing["mean"]),
        std=_three(preprocessing["std"]),
        categories=imagenet_names(),
        wnids=imagenet_wnids(),
        interpolation=str(preprocessing["interpolation"]),
    )


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


FAMILY = NetworkFamily(name="timm", names=names, load=load, prefix=PREFIX)
