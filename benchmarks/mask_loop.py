"""Masks as one writes them down first: one image at a time, the network as published, PyTorch's own Adam.

The yardstick of ``benchmarks.masks``. It knows the constants of ``reference`` only (no contrast, no schedules, the
probability as score), batch normalisation is not folded, tensors keep the usual layout of PyTorch, and the loss is
fetched at every step, as loops that print their progress do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vsum_core.config import MaskConfig, MaskStageConfig
from vsum_core.masks import inscribed_circle
from vsum_core.networks import Network
from vsum_core.perturbation import blur


def loop_masks(network: Network, images: Tensor, targets: Sequence[int], *, config: MaskConfig) -> Tensor:
    """Sharp masks (N, 1, H, W) of images (N, 3, H, W), on the network's device.

    Raises:
        ValueError: the constants ask for what the loop does not know.
    """
    for stage in (config.smooth, config.sharp):
        if (
            stage.odds_weight
            or stage.reached_area_weight
            or stage.contrast != 1
            or stage.final_learning_rate is not None
        ):
            raise ValueError("The loop knows the constants of the preset 'reference' only.")
    masks = [
        _one_mask(network, image.unsqueeze(0).to(network.device), target, config)
        for image, target in zip(images, targets, strict=True)
    ]
    return torch.cat(masks)


def _one_mask(network: Network, image: Tensor, target: int, config: MaskConfig) -> Tensor:
    blurred = blur(image, kernel_size=config.blur_kernel, sigma=config.blur_sigma)
    height, width = image.shape[-2:]
    divisor = config.smooth.resolution_divisor
    start = inscribed_circle(height // divisor, width // divisor)[None, None].to(image.device)
    smooth = _stage(network, image, blurred, target, start, config.smooth)
    return _stage(network, image, blurred, target, _shown(smooth, image, config.smooth), config.sharp)


def _stage(
    network: Network, image: Tensor, blurred: Tensor, target: int, start: Tensor, stage: MaskStageConfig
) -> Tensor:
    mask = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([mask], lr=stage.learning_rate)
    losses = []
    for _ in range(stage.steps):
        shown = _shown(mask, image, stage)
        perturbed = image * shown + blurred * (1 - shown)
        p = network.module((perturbed - network._mean) / network._std).softmax(1)[0, target]
        rows, columns = mask[:, :, 1:] - mask[:, :, :-1], mask[..., 1:] - mask[..., :-1]
        power = stage.total_variation_power
        variation = rows.abs().pow(power).mean() + columns.abs().pow(power).mean()
        loss = p + stage.area_weight * (1 - mask).abs().mean() + stage.total_variation_weight * variation
        if stage.binary_weight:
            loss = loss + stage.binary_weight * (mask * (1 - mask)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            mask.clamp_(0, 1)
        losses.append(loss.item())
    return mask.detach()


def _shown(mask: Tensor, image: Tensor, stage: MaskStageConfig) -> Tensor:
    if mask.shape[-2:] != image.shape[-2:]:
        mask = functional.interpolate(mask, size=image.shape[-2:], mode="bilinear", align_corners=False)
    if stage.mask_blur_sigma:
        with torch.no_grad():
            kernel_size = 2 * int(4 * stage.mask_blur_sigma) + 1
            difference = blur(mask, kernel_size=kernel_size, sigma=stage.mask_blur_sigma) - mask
        mask = mask + difference
    return mask
