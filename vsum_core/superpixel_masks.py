"""Crisp masks made of superpixels: one value for all pixels of a small patch of like colour.

The third variant of the masks of arXiv 1801.09103, optional there and here: after the smooth stage of
:mod:`vsum_core.masks`, a stage of superpixels stands in for the sharp one. Its outlines are those of the picture.
Superpixels: Achanta, Shaji, Smith, Lucchi, Fua, Süsstrunk, "SLIC Superpixels Compared to State-of-the-Art Superpixel
Methods", PAMI 2012.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.segmentation import slic
from torch import Tensor

from vsum_core.config import MaskConfig, SuperpixelConfig
from vsum_core.mask_loss import regularisation
from vsum_core.masks import Progress, filled, learning_rate_at, optimise_masks
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur


@dataclass(frozen=True, kw_only=True)
class SuperpixelResult:
    """Masks of N images; 1 keeps a pixel, 0 replaces it by the blurred one.

    Attributes:
        smooth: float32 (N, H, W) in [0, 1], of the smooth stage.
        sharp: float32 (N, H, W) in [0, 1], one value per superpixel.
        p_smooth: float64 (N,), probability of the target class after the smooth mask.
    """

    smooth: NDArray[np.float32]
    sharp: NDArray[np.float32]
    p_smooth: NDArray[np.float64]


def superpixels(image: NDArray[np.floating], *, config: SuperpixelConfig) -> NDArray[np.int64]:
    """Number of the superpixel of every pixel, from 0 without gaps.

    Args:
        image: float (H, W, 3), RGB in [0, 1].
        config: ``segments`` is how many are aimed at; there may be somewhat fewer.

    Returns:
        int64 (H, W).
    """
    labels = slic(
        image,
        n_segments=config.segments,
        compactness=config.compactness,
        sigma=config.sigma,
        start_label=0,
        channel_axis=2,
    )
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int64)


def optimise_superpixel_masks(
    network: Network,
    images: Tensor,
    targets: Sequence[int] | Tensor,
    *,
    config: MaskConfig,
    progress: Progress | None = None,
) -> SuperpixelResult:
    """Find, for each image, which superpixels the network cannot do without.

    Loss, blur and optimiser are those of :func:`vsum_core.masks.optimise_masks`; the regularisers see the mask at the
    input's resolution. A superpixel starts at the mean of the smooth mask over it.

    Args:
        network: scores the perturbed images; not changed.
        images: float (N, 3, H, W), RGB in [0, 1], H × W the network's input size.
        targets: N output indices.
        config: all but ``sharp``.
        progress: called with (steps done, steps in all), where one step is one step of one image.

    Raises:
        ValueError: shapes, values or targets do not fit.
    """
    smooth_steps, steps = config.smooth.steps, config.superpixels.stage.steps
    starts = range(0, len(images), config.batch_size)
    total = (smooth_steps + steps) * len(images)

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total)

    smooth_only = dataclasses.replace(config, sharp=dataclasses.replace(config.sharp, steps=0))
    smooth = optimise_masks(network, images, targets, config=smooth_only, progress=lambda done, _: tell(done))
    indices = torch.as_tensor(targets, dtype=torch.long)
    masks = []
    done = smooth_steps * len(images)
    for start in starts:
        part = slice(start, start + config.batch_size)
        # Callers may be in inference mode, whose tensors autograd refuses: hence the copies.
        with torch.inference_mode(False), torch.enable_grad():
            begin = torch.from_numpy(smooth.smooth[part])
            size, count = config.batch_size, len(begin)
            optimisation = _Optimisation(
                network, filled(images[part], size), filled(indices[part], size), filled(begin, size), config
            )
            for step in range(steps):
                optimisation.step(step)
                done += count
                tell(done)
            masks.append(optimisation.masks()[:count, 0].detach().cpu().numpy())
    return SuperpixelResult(
        smooth=smooth.smooth,
        sharp=np.concatenate(masks),
        p_smooth=np.array([scores.p_smooth for scores in smooth.scores], dtype=np.float64),
    )


class _Optimisation:
    """One value per superpixel and image, changed by Adam; every value has a state of its own."""

    def __init__(self, network: Network, images: Tensor, targets: Tensor, start: Tensor, config: MaskConfig) -> None:
        self._network, self._stage = network, config.superpixels.stage
        self._targets = targets.to(network.device)
        self._images = images.to(network.device, torch.float32)
        self._blurred = blur(self._images, kernel_size=config.blur_kernel, sigma=config.blur_sigma)
        labels = [
            superpixels(picture.permute(1, 2, 0).cpu().double().numpy(), config=config.superpixels)
            for picture in images
        ]
        self._labels = torch.from_numpy(np.stack(labels)).to(network.device).flatten(1)
        # Images have different numbers of superpixels; the values that are too many touch no pixel and never change.
        self._values = self._means(start.to(network.device)).requires_grad_()
        self._adam = torch.optim.Adam(
            [self._values],
            lr=self._stage.learning_rate,
            betas=(self._stage.first_moment_decay, self._stage.second_moment_decay),
        )

    def _means(self, fields: Tensor) -> Tensor:
        """Mean of each image's field (N, H, W) over each of its superpixels, (N, superpixels)."""
        shape = (len(self._labels), int(self._labels.max()) + 1)
        totals, sizes = (torch.zeros(shape, device=fields.device) for _ in range(2))
        totals.scatter_add_(1, self._labels, fields.flatten(1))
        sizes.scatter_add_(1, self._labels, torch.ones_like(self._labels, dtype=torch.float32))
        return totals / sizes.clamp(min=1)

    def masks(self) -> Tensor:
        """(N, 1, H, W), differentiable in the values."""
        height, width = self._images.shape[-2:]
        return self._values.gather(1, self._labels).view(-1, 1, height, width)

    def step(self, number: int) -> None:
        masks = self.masks()
        probabilities = self._network.logits(blend(self._images, self._blurred, masks)).float().softmax(1)
        p = probabilities.gather(1, self._targets.view(-1, 1)).squeeze(1)
        loss = p + regularisation(masks, stage=self._stage)
        self._adam.param_groups[0]["lr"] = learning_rate_at(self._stage, number)
        self._adam.zero_grad()
        # The sum of the losses has, for each value, the gradient of its own image's loss.
        (self._values.grad,) = torch.autograd.grad(loss.sum(), self._values)
        self._adam.step()
        with torch.no_grad():
            self._values.clamp_(0, 1)
