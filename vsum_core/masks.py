"""From an image to a crisp mask of what the network cannot do without.

Source: arXiv 1801.09103 (BMVC 2018), crisp masks; the smooth stage follows R. Fong, A. Vedaldi, ICCV 2017.

Every image has a loss and an Adam state of its own, and every batch has the same size, filled with copies where images
are short: convolutions of another batch size sum in another order, and an optimisation makes much of the last bit. So a
mask does not depend on who shares the batch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vsum_core.compiled_network import compiled_logits, forget_compiled
from vsum_core.config import MaskConfig, MaskStageConfig
from vsum_core.mask_loss import odds_terms, regularisation, wanted_log_odds
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur

Progress = Callable[[int, int], None]

_ADAM_EPSILON = 1e-8
_BLUR_REACH = 4.0  # standard deviations after which the mask's Gaussian is cut off


@dataclass(frozen=True, kw_only=True)
class MaskScores:
    """What a mask does to the probability of its target class.

    Attributes:
        p0: of the image as it is.
        p_blurred: of the wholly blurred image.
        p_smooth, p_sharp: after the smooth and after the sharp mask; no ``p_smooth`` for methods without a smooth mask.
        p_thresholded: after the sharp mask made binary at ``MaskConfig.threshold``.
        drop: ``(p0 - p_sharp) / p0``; 0 where ``p0`` underflows to 0.
        normalised_score: ``(p_sharp - p0) / (p0 - p_blurred)``; None where ``p0 = p_blurred``.
        area: mean of ``1 - mask`` of the sharp mask, the share of the image it deletes.
        area_times_p: ``area * p_sharp``; small and effective is good.
        binarity: mean of ``m (1 - m)`` of the sharp mask, 0 = crisp, at most 0.25.
    """

    p0: float
    p_blurred: float
    p_smooth: float | None
    p_sharp: float
    p_thresholded: float
    drop: float
    normalised_score: float | None
    area: float
    area_times_p: float
    binarity: float

    @classmethod
    def measured(
        cls,
        *,
        p0: float,
        p_blurred: float,
        p_smooth: float | None,
        p_sharp: float,
        p_thresholded: float,
        area: float,
        binarity: float,
    ) -> MaskScores:
        """The scores that follow from what was measured; see the attributes."""
        return cls(
            p0=p0,
            p_blurred=p_blurred,
            p_smooth=p_smooth,
            p_sharp=p_sharp,
            p_thresholded=p_thresholded,
            drop=(p0 - p_sharp) / p0 if p0 > 0 else 0.0,
            normalised_score=None if p0 == p_blurred else (p_sharp - p0) / (p0 - p_blurred),
            area=area,
            area_times_p=area * p_sharp,
            binarity=binarity,
        )


@dataclass(frozen=True, kw_only=True)
class MaskHistory:
    """One row per image, one column per step, smooth stage first; values before the step.

    Attributes:
        loss: float32 (N, steps).
        p: float32 (N, steps), probability of the target class.
        smooth_steps: how many of the columns belong to the smooth stage.
    """

    loss: NDArray[np.float32]
    p: NDArray[np.float32]
    smooth_steps: int


@dataclass(frozen=True, kw_only=True)
class MaskResult:
    """Masks of N images; 1 keeps a pixel, 0 replaces it by the blurred one.

    Attributes:
        smooth: float32 (N, H, W) in [0, 1], as seen by the network at the end of the smooth stage.
        sharp: float32 (N, H, W) in [0, 1].
        scores: one per image.
        history: loss and probability at each step.
    """

    smooth: NDArray[np.float32]
    sharp: NDArray[np.float32]
    scores: tuple[MaskScores, ...]
    history: MaskHistory

    def first(self, count: int) -> MaskResult:
        """The result of the first ``count`` images alone."""
        return MaskResult(
            smooth=self.smooth[:count],
            sharp=self.sharp[:count],
            scores=self.scores[:count],
            history=dataclasses.replace(self.history, loss=self.history.loss[:count], p=self.history.p[:count]),
        )


def optimise_masks(
    network: Network,
    images: Tensor,
    targets: Sequence[int] | Tensor,
    *,
    config: MaskConfig,
    progress: Progress | None = None,
) -> MaskResult:
    """Find, for each image, a small crisp area without which the network no longer sees the target class.

    Args:
        network: scores the perturbed images; not changed.
        images: float (N, 3, H, W), RGB in [0, 1], H × W the network's input size; on any device.
        targets: N output indices, usually each image's top-1 class.
        config: constants of both stages; ``batch_size`` images are optimised at once, whether there are as many or
            not, and fewer where the device's memory does not hold them.
        progress: called with (steps done, steps in all), where one step is one step of one image.

    Raises:
        ValueError: shapes, values or targets do not fit.
        torch.OutOfMemoryError: not even one image fits into the device's memory.
        CompilationError: ``config.compile_network`` is on and the network cannot be compiled.
    """
    indices = _checked_targets(network, images, targets)
    config = config.for_side(min(network.specification.input_height, network.specification.input_width))
    steps_total = (config.smooth.steps + config.sharp.steps) * len(images)
    steps_done = 0

    def count_step(of_images: int) -> None:
        nonlocal steps_done
        steps_done += of_images
        if progress is not None:
            progress(min(steps_done, steps_total), steps_total)

    starts = range(0, len(images), config.batch_size)
    waiting = [(slice(start, min(start + config.batch_size, len(images))), config.batch_size) for start in starts]
    parts: list[MaskResult] = []
    while waiting:
        part, size = waiting.pop(0)
        count = part.stop - part.start
        steps_before = steps_done
        try:
            # Callers may be in inference mode, whose tensors autograd refuses: hence the copies.
            with torch.inference_mode(False), torch.enable_grad():
                batch = _Batch.prepare(network, filled(images[part], size), filled(indices[part], size), config)
                found = _optimise_batch(batch, config, partial(count_step, count))
                parts.append(found.first(count))
            continue
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        # Halved outside the handler, where nothing of the failed batch is held any more.
        if config.compile_network:
            forget_compiled()  # CUDA graphs keep the memory they were recorded with
        steps_done = steps_before
        half = -(-size // 2)
        middle = min(part.start + half, part.stop)
        halves = (slice(part.start, middle), slice(middle, part.stop))
        waiting[:0] = [(each, half) for each in halves if each.stop > each.start]
    return MaskResult(
        smooth=np.concatenate([part.smooth for part in parts]),
        sharp=np.concatenate([part.sharp for part in parts]),
        scores=tuple(scores for part in parts for scores in part.scores),
        history=MaskHistory(
            loss=np.concatenate([part.history.loss for part in parts]),
            p=np.concatenate([part.history.p for part in parts]),
            smooth_steps=config.smooth.steps,
        ),
    )


def filled(values: Tensor, size: int) -> Tensor:
    """A copy of (n, ...) with ``size`` rows: the first ones as they are, the rest copies of the last."""
    return torch.cat([values, values[-1:].expand(size - len(values), *values.shape[1:])])


def target_probabilities(network: Network, images: Tensor, targets: Tensor) -> Tensor:
    """Softmax probability of each image's target class: (N, 3, H, W), (N,) → (N,), without gradient."""
    with torch.no_grad():
        return _gather(network.logits(images).float().softmax(1), targets)


def inscribed_circle(height: int, width: int) -> Tensor:
    """Float (height, width): 0 inside the largest centred circle, 1 outside."""
    rows = torch.arange(height).view(-1, 1) - (height - 1) / 2
    columns = torch.arange(width).view(1, -1) - (width - 1) / 2
    return (rows**2 + columns**2 > (min(height, width) / 2) ** 2).float()


def rendered(masks: Tensor, *, height: int, width: int, stage: MaskStageConfig, contrast: float = 1.0) -> Tensor:
    """The mask the network sees: bilinear to (N, 1, height, width), the stage's Gaussian, then the contrast.

    With ``straight_through_blur`` the value is blurred but its gradient is that of the mask before the Gaussian.
    ``contrast`` multiplies the distance to 0.5, cut off at 0 and 1, so only the borders of blobs stay grey.
    """
    if tuple(masks.shape[-2:]) != (height, width):
        masks = functional.interpolate(masks, size=(height, width), mode="bilinear", align_corners=False)
    if stage.mask_blur_sigma > 0:
        kernel_size = 2 * math.ceil(_BLUR_REACH * stage.mask_blur_sigma) + 1
        if stage.straight_through_blur:
            with torch.no_grad():
                difference = blur(masks, kernel_size=kernel_size, sigma=stage.mask_blur_sigma) - masks
            masks = masks + difference
        else:
            masks = blur(masks, kernel_size=kernel_size, sigma=stage.mask_blur_sigma)
    return masks if contrast == 1 else (0.5 + contrast * (masks - 0.5)).clamp(0, 1)


class _Adam:
    """Adam (Kingma, Ba, ICLR 2015) on one tensor in place; every element has a state of its own."""

    def __init__(self, values: Tensor, *, stage: MaskStageConfig) -> None:
        self._values = values
        self._stage = stage
        self._first = torch.zeros_like(values)
        self._second = torch.zeros_like(values)
        self._steps = 0

    def step(self, gradient: Tensor, learning_rate: float) -> None:
        first_decay, second_decay = self._stage.first_moment_decay, self._stage.second_moment_decay
        self._steps += 1
        self._first.lerp_(gradient, 1 - first_decay)
        self._second.mul_(second_decay).addcmul_(gradient, gradient, value=1 - second_decay)
        scale = math.sqrt(1 - second_decay**self._steps)
        denominator = self._second.sqrt().div_(scale).add_(_ADAM_EPSILON)
        self._values.addcdiv_(self._first, denominator, value=-learning_rate / (1 - first_decay**self._steps))


def learning_rate_at(stage: MaskStageConfig, step: int) -> float:
    """Learning rate of a step (from 0): falls along half a cosine from the first to the final rate."""
    if stage.final_learning_rate is None or stage.steps < 2:
        return stage.learning_rate
    share = 0.5 * (1 + math.cos(math.pi * step / (stage.steps - 1)))
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * share


def contrast_at(stage: MaskStageConfig, step: int) -> float:
    """Contrast of a step (from 0): grows geometrically from the stage's initial contrast to that of its last step."""
    share: float = min(1.0, step / max(1, stage.steps - 1))
    return float(stage.initial_contrast * (stage.contrast / stage.initial_contrast) ** share)


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """What stays the same while the masks of a batch change."""

    network: Network
    images: Tensor
    blurred: Tensor
    targets: Tensor
    logits0: Tensor
    network_logits: Callable[[Tensor], Tensor]  # of the steps; may be compiled
    bfloat16: bool

    @classmethod
    def prepare(cls, network: Network, images: Tensor, targets: Tensor, config: MaskConfig) -> _Batch:
        images = images.to(network.device, torch.float32).contiguous(memory_format=torch.channels_last)
        blurred = blur(images, kernel_size=config.blur_kernel, sigma=config.blur_sigma)
        with torch.no_grad():
            logits0 = network.logits(images).float()
        return cls(
            network=network,
            images=images,
            blurred=blurred.contiguous(memory_format=torch.channels_last),
            targets=targets.to(network.device),
            logits0=logits0,
            network_logits=compiled_logits(network, batch_size=len(images))
            if config.compile_network
            else network.logits,
            bfloat16=config.bfloat16,
        )

    def size(self) -> tuple[int, int]:
        return self.images.shape[-2], self.images.shape[-1]

    def rendered(self, masks: Tensor, stage: MaskStageConfig, contrast: float) -> Tensor:
        height, width = self.size()
        return rendered(masks, height=height, width=width, stage=stage, contrast=contrast)

    def logits(self, masks: Tensor) -> Tensor:
        perturbed = blend(self.images, self.blurred, masks)
        autocast = (
            torch.autocast(self.images.device.type, torch.bfloat16) if self.bfloat16 else contextlib.nullcontext()
        )
        with autocast:
            return self.network_logits(perturbed).float()

    def probabilities(self, masks: Tensor) -> Tensor:
        return target_probabilities(self.network, blend(self.images, self.blurred, masks), self.targets)


def _optimise_batch(batch: _Batch, config: MaskConfig, count_step: Callable[[], None]) -> MaskResult:
    height, width = batch.size()
    divisor = config.smooth.resolution_divisor
    circle = inscribed_circle(max(2, height // divisor), max(2, width // divisor)).to(batch.images.device)
    masks = circle.repeat(len(batch.images), 1, 1, 1)
    smooth_history = _optimise(batch, masks, config.smooth, count_step)
    smooth = batch.rendered(masks, config.smooth, config.smooth.contrast).detach().clamp_(0, 1)
    if config.sharp.resolution_divisor != divisor:
        divisor = config.sharp.resolution_divisor
        size = (max(2, height // divisor), max(2, width // divisor))
        masks = functional.interpolate(smooth, size=size, mode="area")
    sharp_history = _optimise(batch, masks, config.sharp, count_step)
    sharp = batch.rendered(masks, config.sharp, config.sharp.contrast).detach().clamp_(0, 1)
    history = [torch.cat(pair, dim=1) for pair in zip(smooth_history, sharp_history, strict=True)]
    return MaskResult(
        smooth=smooth[:, 0].cpu().numpy(),
        sharp=sharp[:, 0].cpu().numpy(),
        scores=_scores(batch, smooth, sharp, config),
        history=MaskHistory(
            loss=history[0].cpu().numpy(), p=history[1].cpu().numpy(), smooth_steps=config.smooth.steps
        ),
    )


def _optimise(
    batch: _Batch, masks: Tensor, stage: MaskStageConfig, count_step: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    """Change ``masks`` (N, 1, h, w) in place; losses and probabilities (N, steps) stay on the device."""
    losses, probabilities = (torch.empty(len(masks), stage.steps, device=masks.device) for _ in range(2))
    optimiser = _Adam(masks, stage=stage)
    wanted = wanted_log_odds(batch.logits0, batch.targets, share=stage.odds_target)
    for step in range(stage.steps):
        variable = masks.detach().requires_grad_()
        logits = batch.logits(batch.rendered(variable, stage, contrast_at(stage, step)))
        p = _gather(logits.softmax(1), batch.targets)
        loss = p + regularisation(variable, stage=stage)
        loss = loss + odds_terms(logits, batch.targets, wanted, variable, stage=stage)
        if stage.rise_weight:
            loss = loss + stage.rise_weight * (logits - batch.logits0).relu().mean(1)
        # The sum of the losses has, for each mask, the gradient of its own loss.
        (gradient,) = torch.autograd.grad(loss.sum(), variable)
        optimiser.step(gradient, learning_rate_at(stage, step))
        masks.clamp_(0, 1)
        losses[:, step] = loss.detach()
        probabilities[:, step] = p.detach()
        count_step()
    return losses, probabilities


def _scores(batch: _Batch, smooth: Tensor, sharp: Tensor, config: MaskConfig) -> tuple[MaskScores, ...]:
    binary = (sharp >= config.threshold).float()
    columns = torch.stack(
        [
            _gather(batch.logits0.softmax(1), batch.targets),
            target_probabilities(batch.network, batch.blurred, batch.targets),
            batch.probabilities(smooth),
            batch.probabilities(sharp),
            batch.probabilities(binary),
            (1 - sharp).mean((1, 2, 3)),
            (sharp * (1 - sharp)).mean((1, 2, 3)),
        ],
        dim=1,
    )
    names = ("p0", "p_blurred", "p_smooth", "p_sharp", "p_thresholded", "area", "binarity")
    rows = columns.cpu().double().numpy()
    return tuple(MaskScores.measured(**dict(zip(names, map(float, row), strict=True))) for row in rows)


def _gather(probabilities: Tensor, targets: Tensor) -> Tensor:
    return probabilities.gather(1, targets.view(-1, 1)).squeeze(1)


def _checked_targets(network: Network, images: Tensor, targets: Sequence[int] | Tensor) -> Tensor:
    specification = network.specification
    expected = (3, specification.input_height, specification.input_width)
    if images.ndim != 4 or tuple(images.shape[1:]) != expected or not images.is_floating_point() or len(images) == 0:
        raise ValueError(
            f"Expected float images of shape (N, {', '.join(map(str, expected))}) with N at least 1, "
            f"but got {images.dtype} of shape {tuple(images.shape)}. Resize them first."
        )
    lowest, highest = float(images.min()), float(images.max())
    if not (lowest >= 0 and highest <= 1):
        raise ValueError(f"Expected images in [0, 1], but the values reach from {lowest} to {highest}.")
    indices = torch.as_tensor(targets, dtype=torch.long).cpu()
    classes = len(specification.categories)
    if indices.shape != (len(images),) or int(indices.min()) < 0 or int(indices.max()) >= classes:
        raise ValueError(f"Expected {len(images)} targets from 0 to {classes - 1}, but got {indices.tolist()}.")
    return indices
