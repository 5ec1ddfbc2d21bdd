"""Mask regions: the connected parts of what a mask deletes, and how much each alone takes from the score.

Source: arXiv 1801.09103 (BMVC 2018), from crisp masks to regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsum_core.config import MaskConfig, RegionConfig
from vsum_core.masks import target_probabilities
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur


def mask_regions(mask: NDArray[np.floating], *, config: RegionConfig) -> list[NDArray[np.bool_]]:
    """Connected components (8 neighbours) of the deleted area.

    Args:
        mask: (H, W) in [0, 1]; below ``config.threshold`` a pixel is deleted.
        config: threshold, and the least share of the image a region must have.

    Returns:
        bool (H, W) each, True = deleted; largest first, equal sizes by their first pixel in reading order. Empty where
        no component is large enough.

    Raises:
        ValueError: ``mask`` is not two-dimensional or leaves [0, 1].
    """
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"Expected a mask of shape (H, W), but got {mask.shape}.")
    if not (mask.min() >= 0 and mask.max() <= 1):
        raise ValueError(f"Expected a mask in [0, 1], but the values reach from {mask.min()} to {mask.max()}.")
    deleted = (mask < config.threshold).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(deleted, connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA]
    kept = [label for label in range(1, len(areas)) if areas[label] >= config.minimum_area * mask.size]
    first_pixel = {label: int(np.argmax(labels.ravel() == label)) for label in kept}
    kept.sort(key=lambda label: (-int(areas[label]), first_pixel[label]))
    return [labels == label for label in kept]


def region_drops(
    network: Network, image: Tensor, target: int, regions: Sequence[NDArray[np.bool_]], *, config: MaskConfig
) -> NDArray[np.float64]:
    """Relative drop of the target's probability when each region alone is blurred.

    Args:
        network: scores the perturbed images.
        image: float (3, H, W), RGB in [0, 1], H × W the network's input size.
        target: output index.
        regions: R arrays, bool (H, W), True = deleted.
        config: blur and batch size.

    Returns:
        float64 (R,): ``(p0 - p) / p0``, at most 1, negative where blurring helps; 0 where ``p0`` underflows to 0.

    Raises:
        ValueError: image or regions have another size than the network's input.
    """
    shape = (network.specification.input_height, network.specification.input_width)
    if tuple(image.shape) != (3, *shape):
        raise ValueError(f"Expected an image of shape (3, {shape[0]}, {shape[1]}), but got {tuple(image.shape)}.")
    wrong = [region.shape for region in regions if region.shape != shape]
    if wrong:
        raise ValueError(f"Expected regions of shape {shape}, but got {wrong[0]}.")
    if not regions:
        return np.zeros(0)
    with torch.no_grad():
        kept = torch.from_numpy(np.stack([np.ones(shape, dtype=bool), *(~region for region in regions)]))
        images = image.to(network.device, torch.float32).unsqueeze(0)
        blurred = blur(images, kernel_size=config.blur_kernel, sigma=config.blur_sigma)
        parts = []
        for masks in torch.split(kept.to(network.device).float().unsqueeze(1), config.batch_size):
            copies = (len(masks), 3, *shape)
            perturbed = blend(images.expand(copies), blurred.expand(copies), masks)
            targets = torch.full((len(masks),), target, device=network.device)
            parts.append(target_probabilities(network, perturbed, targets))
    p0, *after = torch.cat(parts).double().tolist()
    return np.array([(p0 - p) / p0 if p0 > 0 else 0.0 for p in after])


def top_regions(drops: NDArray[np.floating], *, config: RegionConfig) -> NDArray[np.int64]:
    """Indices of the ``config.top_regions`` regions with the largest drops, largest first; ties by index."""
    order = np.argsort(-np.asarray(drops, dtype=np.float64), kind="stable")
    return order[: config.top_regions].astype(np.int64)
