"""Networks with their own preprocessing, one file per family; see :mod:`vsum_core.networks.registry`."""

from vsum_core.networks.loaded import LoadedWeights
from vsum_core.networks.network import (
    Network,
    NetworkSpecification,
    UnknownClassError,
    UnknownNetworkError,
    WeightsUnavailableError,
)
from vsum_core.networks.registry import NetworkFamily, load_network, network_names, network_of

__all__ = [
    "LoadedWeights",
    "Network",
    "NetworkFamily",
    "NetworkSpecification",
    "UnknownClassError",
    "UnknownNetworkError",
    "WeightsUnavailableError",
    "load_network",
    "network_names",
    "network_of",
]
