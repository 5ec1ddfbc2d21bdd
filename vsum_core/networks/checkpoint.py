"""A network of your own: code in ``my.module:factory``, weights in a state-dict file.

The factory takes no argument and returns the module without weights and its specification::

    def factory() -> tuple[torch.nn.Module, NetworkSpecification]: ...
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
from pathlib import Path

import torch
from torch import nn

from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import (
    NetworkSpecification,
    UnknownNetworkError,
    WeightsUnavailableError,
    file_sha256,
)


def load(name: str, *, checkpoint: Path | None) -> LoadedWeights:
    """The factory's network with the weights of ``checkpoint``; the factory's own module is not changed.

    The file is read with ``weights_only=True``, so it cannot run code; the factory is code of yours and does run.

    Raises:
        ValueError: no checkpoint was given, or the file does not fit the network.
        UnknownNetworkError: the module or the factory does not exist, or it returns something else.
        WeightsUnavailableError: the file does not exist.
    """
    if checkpoint is None:
        raise ValueError(f"Network {name!r} needs a checkpoint: the file with its state dict.")
    module, specification = _build(name)
    if not checkpoint.is_file():
        raise WeightsUnavailableError(f"The checkpoint {checkpoint} of {name} does not exist.")
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        module.load_state_dict(state)
    except (pickle.UnpicklingError, RuntimeError, TypeError, EOFError) as error:
        raise ValueError(
            f"{checkpoint.name} does not fit {name}; expected a file written by torch.save(module.state_dict(), path): "
            f"{error}"
        ) from error
    specification = dataclasses.replace(specification, name=name, weights=checkpoint.name)
    return LoadedWeights(specification=specification, module=module, weights_sha256=file_sha256(checkpoint))


def _build(name: str) -> tuple[nn.Module, NetworkSpecification]:
    module_name, _, factory_name = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownNetworkError(f"Cannot import {factory_name!r} from {module_name!r}: {error}") from error
    built = factory()
    if not (
        isinstance(built, tuple)
        and len(built) == 2
        and isinstance(built[0], nn.Module)
        and isinstance(built[1], NetworkSpecification)
    ):
        raise UnknownNetworkError(f"{name} must return (module, NetworkSpecification), but returned {type(built)!r}.")
    return copy.deepcopy(built[0]), built[1]
