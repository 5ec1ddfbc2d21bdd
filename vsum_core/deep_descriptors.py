"""What the inside of a box looks like to a pretrained network: features of two depths, pooled over the box.

An alternative to :mod:`vsum_core.descriptors`, used in the same way: the appearance of two boxes is the inner product
of their descriptors, clipped at 0. Sources: features of regions for Proposal Flow as in Ham, Cho, Schmid, Ponce,
"Proposal Flow: Semantic Correspondences from Object Proposals", PAMI 2018; features of several depths side by side as
in Min, Lee, Ponce, Cho, "Hyperpixel Flow", ICCV 2019; RoI align of He, Gkioxari, Dollár, Girshick, "Mask R-CNN", ICCV
2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchvision.ops import roi_align

from vsum_core.networks import Network

SIDE = 448
"""Longer side of the picture the network sees: twice what it was trained with, for features as fine as parts."""
GRID = 7
"""Cells along each side of a box."""
MULTIPLE = 32
"""Both sides of the picture are rounded to this, so that every halving of the resolution is exact."""

_LAYERS = {
    "efficientnet-lite0": ("_blocks.10", "_blocks.14"),
    "efficientnet-lite1": ("_blocks.14", "_blocks.19"),
    "efficientnet-lite2": ("_blocks.14", "_blocks.19"),
    "resnet": ("layer3", "layer4"),
    "wide_resnet": ("layer3", "layer4"),
    "resnext": ("layer3", "layer4"),
    "regnet": ("trunk_output.block3", "trunk_output.block4"),
    "mobilenet_v2": ("features.13", "features.17"),
    "vgg16": ("features.22", "features.29"),
}


class NoFeatureMapError(ValueError):
    """A network has no feature map of a wanted name, or nobody said which of its layers to use."""


def default_layers(network: Network) -> tuple[str, ...]:
    """The last layer of 16 and the last but the head of 32 input pixels per feature, for networks we know.

    The first still knows which part a feature belongs to, the second what the part looks like.

    Raises:
        NoFeatureMapError: we do not know the network; say which layers to use.
    """
    name = network.specification.name
    for start, layers in _LAYERS.items():
        if name.startswith(start):
            return layers
    raise NoFeatureMapError(
        f"No layers are known for {name}; give `layers`, names of modules that put out feature maps, "
        f"as `named_modules()` lists them. Known are: {', '.join(_LAYERS)}."
    )


def deep_descriptors(
    network: Network,
    image: npt.NDArray[np.uint8],
    boxes: npt.NDArray[Any],
    *,
    layers: Sequence[str] | None = None,
    side: int = SIDE,
    grid: int = GRID,
) -> npt.NDArray[np.float32]:
    """Features of every box on a ``grid`` × ``grid`` of cells, of several layers side by side.

    The mean of a feature over the image is taken away, as what all boxes share tells none apart. The part of each
    layer is then scaled to equal length, so that inner products of two descriptors are between −1 and 1.

    Args:
        network: a convolutional classifier; it is left as it was. Hooks are set for the time of the call, so do not use
            one network in several threads at once.
        image: uint8 (H, W, 3), RGB; resized so that its longer side is ``side``, and both are multiples of 32. Give the
            picture in its own resolution: a smaller copy has lost what the network could see.
        boxes: (P, 4): left, top, right, bottom in pixels of the image, right and bottom exclusive.
        layers: names of modules, as ``named_modules()`` lists them; :func:`default_layers` when left out.
        side: pixels.
        grid: cells along each side of a box.

    Returns:
        float32 (P, D), D the number of channels of all layers times grid².

    Raises:
        NoFeatureMapError: the network has no such layer, or the layer puts out no feature map.
        ValueError: the image or the boxes have another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"Expected a uint8 image of shape (H, W, 3), but got {image.dtype} {image.shape}.")
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Expected boxes of shape (P, 4), but got {boxes.shape}.")
    height, width = _seen_size(image.shape[0], image.shape[1], side)
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(network.device).permute(2, 0, 1)[None].float() / 255
    resized = torch.nn.functional.interpolate(
        pixels, size=(height, width), mode="bilinear", antialias=True, align_corners=False
    )
    scale = np.array([width / image.shape[1], height / image.shape[0]] * 2)
    regions = torch.from_numpy((boxes * scale).astype(np.float32)).to(network.device)
    parts = []
    for features in _feature_maps(network, resized, default_layers(network) if layers is None else layers):
        centred = features - features.mean(dim=(2, 3), keepdim=True)
        pooled = roi_align(
            centred, [regions], output_size=grid, spatial_scale=features.shape[3] / width, aligned=True
        ).flatten(1)
        parts.append(torch.nn.functional.normalize(pooled, dim=1))
    joined = torch.cat(parts, dim=1) / len(parts) ** 0.5
    return np.ascontiguousarray(joined.cpu().numpy(), dtype=np.float32)


def _seen_size(height: int, width: int, side: int) -> tuple[int, int]:
    scale = side / max(height, width) / MULTIPLE
    return max(1, round(height * scale)) * MULTIPLE, max(1, round(width * scale)) * MULTIPLE


def _feature_maps(network: Network, images: Tensor, layers: Sequence[str]) -> list[Tensor]:
    """What the layers put out for one picture in [0, 1], (1, C, h, w) each."""
    modules = dict(network.module.named_modules())
    unknown = [name for name in layers if name not in modules]
    if unknown:
        raise NoFeatureMapError(f"{network.specification.name} has no layer {', '.join(unknown)}.")
    found: dict[str, Tensor] = {}

    def remember(name: str) -> Any:
        def hook(module: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[0] == 1:
                found[name] = output

        return hook

    specification = network.specification
    mean, std = (
        torch.tensor(values, device=images.device).view(1, 3, 1, 1)
        for values in (specification.mean, specification.std)
    )
    handles = [modules[name].register_forward_hook(remember(name)) for name in layers]
    try:
        with torch.no_grad():
            network.module((images - mean) / std)
    finally:
        for handle in handles:
            handle.remove()
    missing = [name for name in layers if name not in found]
    if missing:
        raise NoFeatureMapError(
            f"{', '.join(missing)} of {specification.name} put out no feature map of shape (1, C, h, w); choose others."
        )
    return [found[name] for name in layers]
