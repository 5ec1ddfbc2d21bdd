"""What the inside of a box looks like to a pretrained network: its middle features, pooled over the box.

An alternative to :mod:`vsum_core.descriptors`, used in the same way: the appearance of two boxes is the inner product
of their descriptors, clipped at 0. Sources: features of regions for Proposal Flow as in Ham, Cho, Schmid, Ponce,
"Proposal Flow: Semantic Correspondences from Object Proposals", PAMI 2018; RoI align of He, Gkioxari, Dollár,
Girshick, "Mask R-CNN", ICCV 2017.
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

STRIDES = (8, 16)
"""Input pixels per feature: 8 still knows where an edge is, 16 knows which part it belongs to."""
GRID = 4


class NoFeatureMapError(ValueError):
    """A network has no feature map of a wanted stride."""


def deep_descriptors(
    network: Network,
    image: npt.NDArray[np.uint8],
    boxes: npt.NDArray[Any],
    *,
    strides: Sequence[int] = STRIDES,
    grid: int = GRID,
) -> npt.NDArray[np.float32]:
    """Features of every box on a ``grid`` × ``grid`` of cells, of each stride's last feature map.

    The mean of a feature over the image is taken away, as what all boxes share tells none apart. The part of each
    stride is then scaled to equal length, so that inner products of two descriptors are between −1 and 1.

    Args:
        network: any classifier with feature maps; it is left as it was. Hooks are set for the time of the call, so do
            not use one network in several threads at once.
        image: uint8 (H, W, 3), RGB; resized to the network's input.
        boxes: (P, 4): left, top, right, bottom in pixels of the image, right and bottom exclusive.
        strides: pixels of the network's input per feature.
        grid: cells along each side of a box.

    Returns:
        float32 (P, D), D the number of channels of all strides times grid².

    Raises:
        NoFeatureMapError: the network has no feature map of one of the strides.
        ValueError: the image or the boxes have another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"Expected a uint8 image of shape (H, W, 3), but got {image.dtype} {image.shape}.")
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Expected boxes of shape (P, 4), but got {boxes.shape}.")
    size = (network.specification.input_height, network.specification.input_width)
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(network.device).permute(2, 0, 1)[None].float() / 255
    resized = torch.nn.functional.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
    scale = np.array([size[1] / image.shape[1], size[0] / image.shape[0]] * 2)
    regions = torch.from_numpy((boxes * scale).astype(np.float32)).to(network.device)
    parts = []
    for stride, features in zip(strides, _feature_maps(network, resized, strides), strict=True):
        centred = features - features.mean(dim=(2, 3), keepdim=True)
        pooled = roi_align(centred, [regions], output_size=grid, spatial_scale=1 / stride, aligned=True).flatten(1)
        parts.append(torch.nn.functional.normalize(pooled, dim=1))
    joined = torch.cat(parts, dim=1) / len(parts) ** 0.5
    return np.ascontiguousarray(joined.cpu().numpy(), dtype=np.float32)


def _feature_maps(network: Network, images: Tensor, strides: Sequence[int]) -> list[Tensor]:
    """The output of the last module to work at each stride, (1, C, H, W) each."""
    height, width = images.shape[2:]
    last: dict[int, Tensor] = {}

    def remember(module: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            for stride in strides:
                if output.shape[2:] == (-(-height // stride), -(-width // stride)):
                    last[stride] = output

    handles = [module.register_forward_hook(remember) for module in network.module.modules()]
    try:
        with torch.no_grad():
            network.logits(images)
    finally:
        for handle in handles:
            handle.remove()
    missing = [stride for stride in strides if stride not in last]
    if missing:
        raise NoFeatureMapError(f"{network.specification.name} has no feature map of stride {missing}; choose others.")
    return [last[stride] for stride in strides]
