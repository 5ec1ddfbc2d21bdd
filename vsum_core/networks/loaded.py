"""What a network family hands over."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from vsum_core.networks.network import NetworkSpecification


@dataclass(frozen=True, kw_only=True)
class LoadedWeights:
    """A module with its weights loaded, before it is frozen and moved to a device.

    Attributes:
        specification: preprocessing and classes.
        module: normalised images (N, 3, H, W) to logits (N, classes); held by nobody else, since it will be changed.
        weights_sha256: hash of the published weights, 64 hexadecimal characters.
    """

    specification: NetworkSpecification
    module: nn.Module
    weights_sha256: str
