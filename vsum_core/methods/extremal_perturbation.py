"""Extremal perturbation: of all smooth masks of a given area the one that takes most of the class score away.

Source: R. Fong, M. Patrick, A. Vedaldi, "Understanding Deep Networks via Extremal Perturbations and Smooth Masks",
ICCV 2019: the area constraint by the sorted mask, its weight growing from step to step, and the smooth maximum with a
radial kernel that keeps masks smooth yet able to reach 0 and 1. This is the deletion variant.

Differences: evidence is replaced by the project's blurred image instead of the paper's pyramid of blurs, as for every
other method here; the kernel is Gaussian and works on the coarse grid, enlarged bilinearly; Adam takes the place of
gradient descent with momentum, so that fewer steps are enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vsum_core.methods.method import Maps, Method, Question
from vsum_core.perturbation import blend


@dataclass(frozen=True, kw_only=True)
class ExtremalPerturbationConstants:
    """Steps and rate of Adam; the mask's grid and smoothness; the weight of the area.

    Attributes:
        cell: grid step as a share of the input's side (the paper: 7 of 224 pixels).
        sigma: of the kernel as a share of the input's side (the paper: 21 of 224 pixels).
        sharpness: of the smooth maximum; the larger, the closer to the maximum.
        area_weight: of the mean squared distance between the sorted mask and the sorted ideal one, at the first step.
        area_growth: by which the weight has grown at the last step (the paper: 1.0035 a step, 800 steps).
    """

    steps: int = 100
    learning_rate: float = 0.05
    cell: float = 7 / 224
    sigma: float = 21 / 224
    sharpness: float = 20.0
    area_weight: float = 3.0
    area_growth: float = 300.0


CONSTANTS = ExtremalPerturbationConstants()


def relevance(question: Question) -> Maps:
    """The extremal mask of each image for the question's area, in [0, 1]; 1 = deleted."""
    size = question.config.batch_size
    return np.concatenate(
        [_optimise(question, slice(start, start + size)) for start in range(0, len(question.images), size)]
    )


def _optimise(question: Question, part: slice) -> Maps:
    images, blurred = question.images[part], question.blurred[part]
    targets = question.targets[part].view(-1, 1)
    height, width = images.shape[-2:]
    side = min(height, width)
    rows, columns = (max(2, round(extent / (CONSTANTS.cell * side))) for extent in (height, width))
    grid = torch.full((len(images), 1, rows, columns), 0.5, device=images.device).requires_grad_()
    ideal = _sorted_ideal(question.areas[part], height * width).to(images.device)
    optimiser = torch.optim.Adam([grid], lr=CONSTANTS.learning_rate)
    with torch.enable_grad():
        for step in range(CONSTANTS.steps):
            deleted = _enlarged(grid, height, width)
            logits = question.network.logits(blend(images, blurred, 1 - deleted)).float()
            score = logits.log_softmax(1).gather(1, targets)[:, 0]
            distance = (deleted.flatten(1).sort(1).values - ideal).square().mean(1)
            weight = CONSTANTS.area_weight * CONSTANTS.area_growth ** (step / max(1, CONSTANTS.steps - 1))
            # The sum of the losses has, for each mask, the gradient of its own loss.
            (grid.grad,) = torch.autograd.grad((score + weight * distance).sum(), grid)
            optimiser.step()
            question.advance(len(images) / CONSTANTS.steps)
            with torch.no_grad():
                grid.clamp_(0, 1)
    with torch.no_grad():
        return np.asarray(_enlarged(grid, height, width)[:, 0].cpu().numpy(), dtype=np.float32)


def _sorted_ideal(areas: np.ndarray, pixels: int) -> Tensor:
    """Per image the sorted values of a crisp mask of its area: (N, pixels), first zeros, then ones."""
    places = (torch.arange(pixels) + 0.5) / pixels
    return (places >= 1 - torch.from_numpy(areas).float().view(-1, 1)).float()


def _enlarged(grid: Tensor, height: int, width: int) -> Tensor:
    """The mask of a grid (N, 1, h, w): smooth maximum on the grid, then bilinear to (N, 1, height, width)."""
    return functional.interpolate(smooth_maximum(grid), size=(height, width), mode="bilinear", align_corners=False)


def smooth_maximum(grid: Tensor) -> Tensor:
    """Per cell the smooth maximum of its neighbours' values times a Gaussian of their distance; (N, 1, h, w) in [0, 1].

    ``sum v exp(t v) / sum exp(t v)`` with sharpness t. Beyond the border the values of
    the border go on, so that it is neither favoured nor avoided.
    """
    sigma = CONSTANTS.sigma / CONSTANTS.cell
    reach = int(np.ceil(2 * sigma))
    offsets = torch.arange(-reach, reach + 1, device=grid.device, dtype=grid.dtype)
    kernel = torch.exp(-(offsets.view(-1, 1).square() + offsets.square()) / (2 * sigma**2)).flatten()
    padded = functional.pad(grid, (reach, reach, reach, reach), mode="replicate")
    neighbours = functional.unfold(padded, kernel_size=2 * reach + 1) * kernel.view(1, -1, 1)
    shares = (CONSTANTS.sharpness * neighbours).softmax(1)
    return (neighbours * shares).sum(1).view(grid.shape)


METHOD = Method(
    name="extremal-perturbation",
    source="Fong, Patrick, Vedaldi, ICCV 2019",
    constants=CONSTANTS,
    relevance=relevance,
)
