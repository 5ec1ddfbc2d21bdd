"""Deletion and insertion curves: how the score falls and rises as pixels go or come in order of their relevance.

Source: V. Petsiuk, A. Das, K. Saenko, "RISE: randomized input sampling for explanation of black-box models", BMVC 2018.
Deleted pixels are replaced by the blurred image, as everywhere in this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vsum_core.config import MaskConfig
from vsum_core.masks import target_probabilities
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur

DEFAULT_SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Score against the share of the image that is touched.

    Attributes:
        shares: float64 (K,), ascending from 0 to 1.
        p: float64 (K,), probability of the target class in [0, 1] at each share.
    """

    shares: NDArray[np.float64]
    p: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under the curve, in [0, 1]: small is good for deletion, large for insertion."""
        return area_under_curve(self.shares, self.p)


def deletion_curve(
    network: Network,
    image: Tensor,
    target: int,
    relevance: ArrayLike,
    *,
    config: MaskConfig,
    shares: Sequence[float] = DEFAULT_SHARES,
) -> Curve:
    """Probability as ever more of the image is blurred, the most relevant pixels first.

    Args:
        network: scores the images; not changed.
        image: float (3, H, W), RGB in [0, 1], H × W the network's input size.
        target: output index.
        relevance: (H, W), larger = more relevant; ties go in reading order.
        config: blur, and the batch size.
        shares: ascending from 0 to 1.

    Raises:
        ValueError: shapes, shares or relevance do not fit.
    """
    kept = 1 - relevance_masks(relevance, shares=shares)
    return _curve(network, image, target, kept, config=config, shares=shares)


def insertion_curve(
    network: Network,
    image: Tensor,
    target: int,
    relevance: ArrayLike,
    *,
    config: MaskConfig,
    shares: Sequence[float] = DEFAULT_SHARES,
) -> Curve:
    """Probability as ever more of the wholly blurred image becomes sharp, the most relevant pixels first.

    Arguments and errors are those of :func:`deletion_curve`.
    """
    kept = relevance_masks(relevance, shares=shares)
    return _curve(network, image, target, kept, config=config, shares=shares)


def relevance_masks(relevance: ArrayLike, *, shares: Sequence[float] = DEFAULT_SHARES) -> NDArray[np.float32]:
    """For each share, 1 on that share of the pixels, the most relevant ones: (H, W) → float32 (K, H, W).

    The number of pixels is ``round(share * H * W)``; of equally relevant pixels the first in reading order comes first.

    Raises:
        ValueError: ``relevance`` is not (H, W) or not finite; ``shares`` do not ascend from 0 to 1.
    """
    values = np.asarray(relevance, dtype=np.float64)
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(
            f"Expected finite relevance of shape (H, W), but got shape {values.shape} or values not finite."
        )
    steps = _checked_shares(shares)
    rank = np.empty(values.size, dtype=np.int64)
    rank[np.argsort(-values.ravel(), kind="stable")] = np.arange(values.size)
    counts = np.rint(steps * values.size)
    return (rank[None] < counts[:, None]).astype(np.float32).reshape(len(steps), *values.shape)


def area_under_curve(shares: ArrayLike, values: ArrayLike) -> float:
    """Area under a curve by the trapezoidal rule, divided by the width of the curve: the mean value.

    Raises:
        ValueError: fewer than two points, unequal shapes, or shares that do not ascend.
    """
    x, y = np.asarray(shares, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2 or not (np.diff(x) > 0).all():
        raise ValueError(
            f"Expected ascending shares (K,) and as many values with K at least 2, but got {x.shape} and {y.shape}."
        )
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))


def _checked_shares(shares: Sequence[float]) -> NDArray[np.float64]:
    steps = np.asarray(shares, dtype=np.float64)
    if steps.ndim != 1 or len(steps) < 2 or steps[0] != 0 or steps[-1] != 1 or not (np.diff(steps) > 0).all():
        raise ValueError(f"shares must ascend from 0 to 1, but they are {list(shares)}.")
    return steps


def _curve(
    network: Network,
    image: Tensor,
    target: int,
    kept: NDArray[np.float32],
    *,
    config: MaskConfig,
    shares: Sequence[float],
) -> Curve:
    size = (network.specification.input_height, network.specification.input_width)
    if tuple(image.shape) != (3, *size) or kept.shape[1:] != size:
        raise ValueError(
            f"Expected an image (3, {size[0]}, {size[1]}) and relevance {size}, "
            f"but got {tuple(image.shape)} and {kept.shape[1:]}."
        )
    with torch.no_grad():
        pixels = image.to(network.device, torch.float32).unsqueeze(0)
        blurred = blur(pixels, kernel_size=config.blur_kernel, sigma=config.blur_sigma)
        parts = []
        for masks in torch.split(torch.from_numpy(kept).unsqueeze(1).to(network.device), config.batch_size):
            copies = (len(masks), 3, *size)
            targets = torch.full((len(masks),), target, device=network.device)
            shown = blend(pixels.expand(copies), blurred.expand(copies), masks)
            parts.append(target_probabilities(network, shown, targets))
    return Curve(shares=np.asarray(shares, dtype=np.float64), p=torch.cat(parts).double().cpu().numpy())
