"""RISE: many random masks, averaged by the score that the network gives what they leave.

Source: V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018:
grids of random bits, enlarged bilinearly and shifted at random; a pixel's relevance is the expected score given that it
is seen. Bits that are 0 show the blurred image instead of black, so that all methods take evidence away alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vsum_core.masks import target_probabilities
from vsum_core.methods.method import Maps, Method, Question
from vsum_core.perturbation import blend


@dataclass(frozen=True, kw_only=True)
class RiseConstants:
    """Masks per image (the paper: 4000 to 8000), cells per side of the grid, and the share of bits that are 1."""

    masks: int = 500
    cells: int = 7
    kept: float = 0.5


CONSTANTS = RiseConstants()


def relevance(question: Question) -> Maps:
    """Expected probability of the target where a pixel is seen, minus that over all masks; all images share the masks.

    With masks drawn independently of the pixel the expectation over those that show it is ``E[p · m] / E[m]``; the
    masks' own mean at the pixel stands for ``E[m]``, which removes what a finite number of masks adds to it.
    """
    height, width = question.images.shape[-2:]
    generator = np.random.default_rng(question.seed)
    masks = random_masks(height, width, constants=CONSTANTS, generator=generator).to(question.images.device)
    seen = masks.mean(0)
    blurred = question.blurred
    maps = []
    with torch.no_grad():
        for index in range(len(question.images)):
            p = torch.cat(
                [
                    _probabilities(question, index, blurred, part)
                    for part in torch.split(masks, question.config.batch_size)
                ]
            )
            question.advance(1)
            weighted = torch.einsum("n,nhw->hw", p, masks) / len(masks)
            maps.append((weighted / seen - p.mean()).float().cpu().numpy())
    return np.stack(maps)


def random_masks(height: int, width: int, *, constants: RiseConstants, generator: np.random.Generator) -> Tensor:
    """Float32 (masks, height, width) in [0, 1]: bits on a grid one cell larger than the image, enlarged and shifted."""
    cells = constants.cells
    cell_height, cell_width = -(-height // cells), -(-width // cells)
    bits = (generator.random((constants.masks, 1, cells + 1, cells + 1)) < constants.kept).astype(np.float32)
    large = functional.interpolate(
        torch.from_numpy(bits),
        size=((cells + 1) * cell_height, (cells + 1) * cell_width),
        mode="bilinear",
        align_corners=False,
    )[:, 0]
    tops: NDArray[np.int64] = generator.integers(0, cell_height, size=constants.masks)
    lefts: NDArray[np.int64] = generator.integers(0, cell_width, size=constants.masks)
    return torch.stack(
        [
            mask[top : top + height, left : left + width]
            for mask, top, left in zip(large, tops.tolist(), lefts.tolist(), strict=True)
        ]
    )


def _probabilities(question: Question, index: int, blurred: Tensor, masks: Tensor) -> Tensor:
    copies = (len(masks), *question.images.shape[1:])
    shown = blend(question.images[index].expand(copies), blurred[index].expand(copies), masks.unsqueeze(1))
    return target_probabilities(question.network, shown, question.targets[index].expand(len(masks)))


METHOD = Method(
    name="rise",
    source="Petsiuk, Das, Saenko, BMVC 2018",
    constants=CONSTANTS,
    relevance=relevance,
)
