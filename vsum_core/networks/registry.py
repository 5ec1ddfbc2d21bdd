"""Which network families there are.

A family is one file of this package that defines ``FAMILY``::

    FAMILY = NetworkFamily(name="my-family", names=names, load=load)

where ``names()`` returns every network name of the family (cheaply, without touching weights) and
``load(name, cache=)`` returns :class:`LoadedWeights`: a specification, a module that nobody else holds, and the SHA-256
of its weights. Add the module's dotted name to ``_FAMILY_MODULES``; it is imported when a name is looked up.
Eval mode, frozen parameters, memory layout, device and batch-norm folding are done here, for all families alike. A
module whose first layers already do all preprocessing says mean ``(0, 0, 0)`` and std ``(1, 1, 1)``.

Names with a colon, ``my.module:factory``, are checkpoints; see :mod:`vsum_core.networks.checkpoint`. A family with a
``prefix``, such as ``timm:``, is asked for names that begin with it only, and may be given a checkpoint, too.
A module that you have in your hands becomes a network by :func:`network_of`.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from vsum_core.networks import checkpoint as checkpoints
from vsum_core.networks.folding import fold_batch_norms
from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import (
    Network,
    NetworkSpecification,
    UnknownNetworkError,
    near_names,
    state_sha256,
)

_FAMILY_MODULES = (
    "vsum_core.networks.efficientnet_lite",
    "vsum_core.networks.drawn_birds",
    "vsum_core.networks.torchvision_networks",
    "vsum_core.networks.timm_networks",
)


@dataclass(frozen=True, kw_only=True)
class NetworkFamily:
    """One file of networks.

    Attributes:
        name: such as ``torchvision``.
        names: every network name of the family.
        load: builds the network of such a name, optionally followed by ``@`` and the name of other weights; ``cache``
            is the directory for downloaded weights, None for the family's own place. It raises
            ``WeightsUnavailableError`` where the weights cannot be had.
        prefix: with which all its names begin; empty for most families.
    """

    name: str
    names: Callable[[], tuple[str, ...]]
    load: Callable[..., LoadedWeights]
    prefix: str = ""


def _families() -> Iterator[NetworkFamily]:
    for module_name in _FAMILY_MODULES:
        family: NetworkFamily = importlib.import_module(module_name).FAMILY
        yield family


def network_names() -> tuple[str, ...]:
    """Every name that :func:`load_network` knows, checkpoints and families with a prefix aside."""
    return tuple(name for family in _families() if not family.prefix for name in family.names())


def load_network(
    name: str,
    *,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    cache: Path | None = None,
    fold: bool | None = None,
) -> Network:
    """The named network, ready for use.

    Args:
        name: one of :func:`network_names`, optionally with the name of its weights (``resnet50@IMAGENET1K_V1``), or
            ``my.module:factory`` together with ``checkpoint``, or ``timm:NAME`` with or without one.
        device: where it shall run.
        checkpoint: file with a state dict; only for names with a colon.
        cache: directory for downloaded weights; None for the usual one.
        fold: fold batch normalisation into convolutions (exact up to rounding); None = on a CPU only.

    Raises:
        UnknownNetworkError: no such network; the message lists near names.
        WeightsUnavailableError: its weights are not here and cannot be fetched.
        ValueError: a checkpoint without a colon in the name, or the other way round.
    """
    device = torch.device(device)
    # Parameters made in a caller's inference mode could not take part in a gradient later.
    with torch.inference_mode(False):
        return _ready(_load(name, checkpoint=checkpoint, cache=cache), device=device, fold=fold)


def network_of(
    module: nn.Module,
    specification: NetworkSpecification,
    *,
    device: torch.device | str = "cpu",
    fold: bool | None = None,
) -> Network:
    """A network of a module that you hold, for notebooks; a copy is taken, your module is left as it is.

    Args:
        module: normalised images (N, 3, H, W) to logits (N, classes).
        specification: its preprocessing and classes.
        device: where the copy shall run.
        fold: as in :func:`load_network`.
    """
    with torch.inference_mode(False):
        loaded = LoadedWeights(
            specification=specification, module=copy.deepcopy(module), weights_sha256=state_sha256(module)
        )
        return _ready(loaded, device=torch.device(device), fold=fold)


def _ready(loaded: LoadedWeights, *, device: torch.device, fold: bool | None) -> Network:
    """Eval mode, frozen, folded, on the device."""
    module = loaded.module.eval()
    if fold if fold is not None else device.type == "cpu":
        fold_batch_norms(module)
    module = module.requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Network(
        specification=loaded.specification, module=module, device=device, weights_sha256=loaded.weights_sha256
    )


def _load(name: str, *, checkpoint: Path | None, cache: Path | None) -> LoadedWeights:
    for family in _families():
        if family.prefix and name.startswith(family.prefix):
            return family.load(name, cache=cache, checkpoint=checkpoint)
    if ":" in name:
        return checkpoints.load(name, checkpoint=checkpoint)
    if checkpoint is not None:
        raise ValueError(f"A checkpoint needs a name such as my.module:factory, but the name is {name!r}.")
    known: list[str] = []
    for family in _families():
        if family.prefix:
            continue
        names = family.names()
        if name.partition("@")[0] in names:
            return family.load(name, cache=cache)
        known.extend(names)
    raise UnknownNetworkError(
        f"Unknown network {name!r}. Near names: {near_names(name, known)}. "
        "A network of your own is named my.module:factory and needs a checkpoint."
    )
