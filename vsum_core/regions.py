"""From a mask to its connected regions, and what each of them alone does to the network.

Source: arXiv 1801.09103 (BMVC 2018), regions of the crisp masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsum_core.config import MaskConfig, RegionConfig
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur


def mask_regions(mask: NDArray[np.floating[Any]], *, config: RegionConfig) -> list[NDArray[np.bool_]]:
    """Connected components of what a mask deletes, the largest first.

    Pixels that touch at a corner are connected. Components smaller than ``config.minimum_area`` of the image are left
    out; of equally large ones the one nearer to the top left comes first.

    Args:
        mask: (H, W) in [0, 1]; below ``config.threshold`` is deleted.
        config: threshold and smallest area.

    Returns:
        One bool (H, W) per component, True where the mask deletes.

    Raises:
        ValueError: the mask is not two-dimensional.
    """
    if mask.ndim != 2:
        raise ValueError(f"mask must have shape (H, W), but it has shape {mask.shape}.")
    deleted = (mask < config.threshold).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(deleted, connectivity=8)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    order = np.argsort(-areas, kind="stable")
    return [labels == index + 1 for index in order if areas[index] >= config.minimum_area * mask.size]


def region_drops(
    network: Network,
    image: Tensor,
    target: int,
    regions: Sequence[NDArray[np.bool_]],
    *,
    config: MaskConfig,
) -> NDArray[np.float64]:
    """Relative score drop ``(p0 - p) / p0`` when each region alone is replaced by the blurred image.

    Args:
        network: scores the images; not changed.
        image: float (3, H, W), RGB in [0, 1], at the network's input size, on its device.
        target: output index of the class.
        regions: R bool arrays (H, W), True where the image is replaced.
        config: blur and batch size.

    Returns:
        float64 (R,), at most 1; negative where the score rises; 0 where ``p0`` underflows to 0.

    Raises:
        ValueError: a region has another shape than the image.
    """
    for region in regions:
        if region.shape != tuple(image.shape[1:]):
            raise ValueError(f"A region must have shape {tuple(image.shape[1:])}, but it has shape {region.shape}.")
    if not regions:
        return np.zeros(0)
    with torch.inference_mode():
        blurred = blur(image[None], kernel_size=config.blur_kernel, sigma=config.blur_sigma)
        untouched = float(network.logits(image[None]).softmax(dim=1)[0, target])
        kept = torch.from_numpy(~np.stack(regions)).to(image)
        probabilities: list[float] = []
        for part in kept.split(config.batch_size):
            expanded = image.expand(len(part), -1, -1, -1)
            perturbed = blend(expanded, blurred.expand_as(expanded), part[:, None])
            probabilities += network.logits(perturbed).softmax(dim=1)[:, target].tolist()
    if untouched == 0:
        return np.zeros(len(regions))
    return (untouched - np.asarray(probabilities, dtype=np.float64)) / untouched
