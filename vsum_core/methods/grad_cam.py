"""Grad-CAM: the last feature maps, weighted by how the class score grows with each; computed by Captum.

Source: R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
ICCV 2017. The logit of the class is explained, only what speaks for it counts (ReLU), and the coarse map is enlarged
bilinearly. Where the network's last map is that of a pooling layer, the one after it would be too coarse: the map is
taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torch.nn import functional

from vsum_core.methods.method import Maps, Method, Question, UnsuitableNetworkError
from vsum_core.networks import Network


@dataclass(frozen=True, kw_only=True)
class GradCamConstants:
    """``minimum_side``: features per side of the map that is explained, at least."""

    minimum_side: int = 2


CONSTANTS = GradCamConstants()


def relevance(question: Question) -> Maps:
    """The class activation map of each image, 0 or more.

    Raises:
        UnsuitableNetworkError: the network has no feature maps of shape (N, C, h, w), as a vision transformer has none.
    """
    network = question.network
    layer = last_feature_layer(network, question.images[:1])
    size = question.images.shape[-2:]
    maps = []
    with torch.enable_grad():
        explainer = LayerGradCam(network.logits, layer)
        for start in range(0, len(question.images), question.config.batch_size):
            part = slice(start, start + question.config.batch_size)
            coarse = explainer.attribute(question.images[part], target=question.targets[part], relu_attributions=True)
            fine = functional.interpolate(coarse.detach(), size=size, mode="bilinear", align_corners=False)
            question.advance(len(coarse))
            maps.append(fine[:, 0].float().cpu().numpy())
    return np.concatenate(maps)


def last_feature_layer(network: Network, image: Tensor) -> nn.Module:
    """The last module to give feature maps (N, C, h, w) in a forward pass; the network is left as it was.

    Raises:
        UnsuitableNetworkError: there is none.
    """
    found: list[nn.Module] = []

    def remember(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if (
            isinstance(output, Tensor)
            and output.ndim == 4
            and min(output.shape[2:]) >= CONSTANTS.minimum_side
            and not isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d | nn.Dropout | nn.Identity)
            and _is_square_like(output, image)
        ):
            found.append(module)

    handles = [module.register_forward_hook(remember) for module in network.module.modules()]
    try:
        with torch.no_grad():
            network.logits(image)
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise UnsuitableNetworkError(
            f"grad-cam needs feature maps of shape (N, C, h, w), but {network.specification.name} has none of at least "
            f"{CONSTANTS.minimum_side} features per side. Leave grad-cam out for it."
        )
    return found[-1]


def _is_square_like(output: Tensor, image: Tensor) -> bool:
    """Whether the last two axes have the proportions of the image; maps with channels last have not."""
    height, width = output.shape[2:]
    scale = image.shape[-2] / height
    return abs(image.shape[-1] / width - scale) <= 0.5 * scale and scale >= 1


METHOD = Method(
    name="grad-cam",
    source="Selvaraju et al., ICCV 2017",
    constants=CONSTANTS,
    relevance=relevance,
)
