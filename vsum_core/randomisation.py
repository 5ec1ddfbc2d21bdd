"""Networks with random weights, for the parameter-randomisation check of explanation methods.

Source: J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018 (cascading randomisation, from the top down).
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib

import torch

from vsum_core.networks import Network


def randomised(network: Network, *, share: float = 1.0, seed: int = 0) -> Network:
    """A copy of the network in which the last layers have random weights; the network itself is left as it is.

    Every weight of a randomised layer is drawn from a normal distribution of the mean and standard deviation of that
    weight tensor, so that activations keep their scale.

    Args:
        network: any.
        share: of the layers with parameters, counted from the output, in (0, 1].
        seed: of the draws.

    Raises:
        ValueError: ``share`` is out of range, or the network has no parameters.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], but it is {share}.")
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode(False), torch.no_grad():
        module = copy.deepcopy(network.module)
        layers = [part for part in module.modules() if any(True for _ in part.parameters(recurse=False))]
        if not layers:
            raise ValueError(f"{network.specification.name} has no parameters that could be random.")
        for layer in layers[len(layers) - max(1, round(share * len(layers))) :]:
            for weights in layer.parameters(recurse=False):
                spread = float(weights.std(correction=0)) if weights.numel() > 1 else float(weights.abs().sum())
                drawn = torch.randn(weights.shape, generator=generator) * spread + float(weights.mean())
                weights.copy_(drawn)
    name = f"{network.specification.name} (random {share:g}, seed {seed})"
    return Network(
        specification=dataclasses.replace(network.specification, name=name),
        module=module,
        device=network.device,
        weights_sha256=hashlib.sha256(f"{network.weights_sha256}:{share}:{seed}".encode()).hexdigest(),
    )
