"""Networks for the drawn birds: trained here on first use, in about a minute, then taken from the cache.

The weights lie in ``<cache>/drawn-birds/<architecture>-<key>.pt``, where the key is a digest of the training
configuration and of the code that draws and trains, so a change of either trains again.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from pathlib import Path

import torch
from torch import nn

from vsum_core import config as configuration
from vsum_core.networks.bird_training import (
    ARCHITECTURES,
    BirdTrainingConfig,
    ProgressFunction,
    build_bird_network,
    train_bird_network,
)
from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import (
    NetworkSpecification,
    UnknownNetworkError,
    WeightsUnavailableError,
    file_sha256,
)
from vsum_core.networks.registry import NetworkFamily
from vsum_core.provenance import code_digest
from vsum_core.synthetic import SPECIES

_KEY_LENGTH = 16


def names() -> tuple[str, ...]:
    """Both networks, from small to large."""
    return ARCHITECTURES


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/visual-summaries``, or ``~/.cache/visual-summaries``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "visual-summaries"


def load(
    name: str,
    *,
    cache: Path | None,
    config: BirdTrainingConfig | None = None,
    progress: ProgressFunction | None = None,
) -> LoadedWeights:
    """Take the network from the cache, or train it and put it there.

    Args:
        name: ``bird-small`` or ``bird-large``.
        cache: directory; None for :func:`default_cache`.
        config: None for the usual training of that network.
        progress: told about the training, when there is one.

    Raises:
        UnknownNetworkError: other weights than the trained ones were asked for.
        WeightsUnavailableError: the cache cannot be written, or its file is damaged.
        ValueError: ``config`` is for another network.
    """
    if name not in ARCHITECTURES:
        raise UnknownNetworkError(f"{name!r}: drawn-bird networks have one set of weights; leave out the part from @.")
    config = config or BirdTrainingConfig(architecture=name)
    if config.architecture != name:
        raise ValueError(f"The configuration is for {config.architecture!r}, but the network is {name!r}.")
    path = weights_path(config, cache or default_cache())
    if not path.is_file():
        _save(train_bird_network(config, progress=progress), path)
    module = build_bird_network(name)
    try:
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise WeightsUnavailableError(
            f"{path} is damaged ({type(error).__name__}). Delete it and try again."
        ) from error
    specification = NetworkSpecification(
        name=name,
        weights=path.name,
        input_height=config.side,
        input_width=config.side,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=tuple(SPECIES),
    )
    return LoadedWeights(specification=specification, module=module, weights_sha256=file_sha256(path))


def weights_path(config: BirdTrainingConfig, cache: Path) -> Path:
    """Where the weights of a configuration lie, trained or not."""
    code = code_digest("vsum_core.networks.bird_training")
    key = hashlib.sha256(f"{configuration.digest(config)}:{code}".encode()).hexdigest()[:_KEY_LENGTH]
    return cache / "drawn-birds" / f"{config.architecture}-{key}.pt"


def _save(module: nn.Module, path: Path) -> None:
    """Write atomically, so that an interrupted or a second training leaves no broken file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                torch.save(module.state_dict(), file)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WeightsUnavailableError(
            f"The trained weights cannot be written to {path} ({error.strerror or error}). Choose another cache."
        ) from error


FAMILY = NetworkFamily(name="drawn-birds", names=names, load=load)
