"""Every classification network of torchvision, by its torchvision name, with the preprocessing of its own weights."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torchvision import models

from vsum_core.networks.imagenet import imagenet_names, imagenet_wnids
from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import NetworkSpecification, UnknownNetworkError, WeightsUnavailableError, file_sha256
from vsum_core.networks.registry import NetworkFamily


def names() -> tuple[str, ...]:
    """Names as ``torchvision.models.list_models`` gives them, such as ``resnet50``."""
    return tuple(models.list_models(module=models))


def load(name: str, *, cache: Path | None) -> LoadedWeights:
    """Build a network, fetching its weights on first use.

    Args:
        name: such as ``resnet50`` (torchvision's recommended weights) or ``resnet50@IMAGENET1K_V1``.
        cache: stands in for ``TORCH_HOME``: the file lies in its folder ``hub/checkpoints``. None: torch's own place.

    Raises:
        UnknownNetworkError: no weights of that name; the message lists those there are.
        WeightsUnavailableError: the file is not here and cannot be fetched, or what came is damaged.
    """
    architecture, _, weights_name = name.partition("@")
    weights = _weights(architecture, weights_name)
    with _torch_home(cache):
        path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urllib.parse.urlparse(weights.url).path).name
        try:
            module = models.get_model(architecture, weights=weights, progress=False)
        except (urllib.error.URLError, OSError, RuntimeError) as error:
            raise WeightsUnavailableError(
                f"{path.name} of {name} could not be read or downloaded ({_short(error)}). Download {weights.url} and "
                f"put it at {path}, or use a network that needs no download, such as efficientnet-lite0."
            ) from error
    return LoadedWeights(specification=_specification(name, weights), module=module, weights_sha256=file_sha256(path))


def _weights(architecture: str, weights_name: str) -> Any:
    choices = models.get_model_weights(architecture)
    if not weights_name:
        return choices.DEFAULT
    if weights_name not in choices.__members__:
        raise UnknownNetworkError(
            f"{architecture} has no weights {weights_name!r}; it has {', '.join(choices.__members__)}."
        )
    return choices[weights_name]


def _specification(name: str, weights: Any) -> NetworkSpecification:
    preprocessing = weights.transforms()
    side = int(preprocessing.crop_size[0])
    categories = tuple(weights.meta["categories"])
    accuracy = weights.meta["_metrics"].get("ImageNet-1K", {}).get("acc@1")
    return NetworkSpecification(
        name=name,
        weights=weights.name,
        input_height=side,
        input_width=side,
        mean=_three(preprocessing.mean),
        std=_three(preprocessing.std),
        categories=categories,
        wnids=imagenet_wnids() if categories == imagenet_names() else None,
        published_accuracy=None if accuracy is None else round(accuracy / 100, 6),
        interpolation=preprocessing.interpolation.value,
    )


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(reason).strip().splitlines()[0] if str(reason).strip() else type(error).__name__


@contextmanager
def _torch_home(cache: Path | None) -> Iterator[None]:
    """Make ``cache`` torch's home for a while; torchvision's builders offer no other way to say where files lie."""
    if cache is None:
        yield
        return
    before_directory, before_home = torch.hub.get_dir(), os.environ.get("TORCH_HOME")
    os.environ["TORCH_HOME"] = str(cache)
    # A directory set by torch.hub.set_dir goes before the environment, and only such a one can be set back.
    was_set = Path(torch.hub.get_dir()) != cache / "hub"
    if was_set:
        torch.hub.set_dir(str(cache / "hub"))
    try:
        yield
    finally:
        if was_set:
            torch.hub.set_dir(before_directory)
        if before_home is None:
            del os.environ["TORCH_HOME"]
        else:
            os.environ["TORCH_HOME"] = before_home


FAMILY = NetworkFamily(name="torchvision", names=names, load=load)
