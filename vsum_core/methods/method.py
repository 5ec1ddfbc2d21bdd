"""What an explanation method is asked, and what it answers.

Every method answers with masks of one kind, so that regions, clusters, pictures and figures are made alike. A method
that ranks pixels instead (a relevance map) gets its mask by one rule for all: of every image as many pixels are deleted
as the crisp mask of that image deletes, or a fixed share (``MethodsConfig.area``), the most relevant first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsum_core.config import MaskConfig, as_dictionary
from vsum_core.masks import MaskScores, target_probabilities
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur

Maps = NDArray[np.float32]
"""(N, H, W): one value per pixel of N images at the network's input size."""


def _silent(images: float) -> None:
    """Tell nobody."""


class UnsuitableNetworkError(ValueError):
    """A method needs something that this network does not have; the message says what."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What a method is asked: which pixels make the network say ``targets``?

    Attributes:
        network: scores images; a method leaves it as it was.
        images: float32 (N, 3, H, W), RGB in [0, 1], H × W the network's input size, on the network's device.
        targets: int64 (N,) output indices.
        areas: float64 (N,) in [0, 1], the share of each image that its mask shall delete; methods that find an area by
            themselves do not read it.
        config: blur and batch size. All methods that take evidence away replace it by the same blurred image.
        seed: of whatever a method draws at random.
        advance: told, now and then, how many more images are done; parts of an image count, too.
    """

    network: Network
    images: Tensor
    targets: Tensor
    areas: NDArray[np.float64]
    config: MaskConfig
    seed: int = 0
    advance: Callable[[float], None] = _silent

    def __post_init__(self) -> None:
        specification = self.network.specification
        expected = (3, specification.input_height, specification.input_width)
        if self.images.ndim != 4 or tuple(self.images.shape[1:]) != expected or not self.images.is_floating_point():
            raise ValueError(
                f"Expected float images of shape (N, {', '.join(map(str, expected))}), but got {self.images.dtype} "
                f"{tuple(self.images.shape)}. Resize them first."
            )
        count = len(self.images)
        if tuple(self.targets.shape) != (count,) or self.areas.shape != (count,):
            raise ValueError(
                f"{count} images need as many targets and areas, but got {tuple(self.targets.shape)} targets and "
                f"{self.areas.shape} areas."
            )
        if not bool(np.all((self.areas >= 0) & (self.areas <= 1))):
            raise ValueError(f"Areas must lie in [0, 1], but they are {self.areas.tolist()}.")

    @property
    def blurred(self) -> Tensor:
        """What stands where evidence is taken away, float32 (N, 3, H, W)."""
        return blur(self.images, kernel_size=self.config.blur_kernel, sigma=self.config.blur_sigma)

    def of_image(self, index: int) -> Question:
        """The same question about one of the images."""
        one = slice(index, index + 1)
        return dataclasses.replace(self, images=self.images[one], targets=self.targets[one], areas=self.areas[one])


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """Masks of N images and what they do to the network.

    Attributes:
        masks: float32 (N, H, W) in [0, 1]; 1 keeps a pixel, 0 replaces it by the blurred one.
        scores: one per image.
        smooth: as ``masks``, from the stage before them; None for methods without such a stage.
    """

    masks: Maps
    scores: tuple[MaskScores, ...]
    smooth: Maps | None = None


@dataclass(frozen=True, kw_only=True)
class Method:
    """One explanation method.

    Attributes:
        name: what people type.
        source: authors, title, place, year.
        constants: frozen dataclass with every constant of the method; part of cache keys.
        relevance: question → (N, H, W), larger = more relevant, finite; its scale is the method's own.
        masks: for methods whose result is a mask; None: the mask is made from the relevance.
        groups_segments: whether the method groups superpixels by itself instead of matching proposals; see
            :mod:`vsum_core.stages.concepts`.
        finds_area: whether the method decides how much to delete, so that the question's ``areas`` are not read.
    """

    name: str
    source: str
    constants: Any
    relevance: Callable[[Question], Maps]
    masks: Callable[[Question], Explanation] | None = None
    finds_area: bool = False
    groups_segments: bool = False

    @property
    def module(self) -> str:
        """Dotted name of the file that defines the method, for code digests."""
        return self.relevance.__module__

    def key(self) -> dict[str, Any]:
        """Name and constants, for cache keys."""
        return {"name": self.name, "constants": as_dictionary(self.constants)}

    def explain(self, question: Question) -> Explanation:
        """Masks of all images of the question.

        Raises:
            UnsuitableNetworkError: the method cannot explain this network.
        """
        # Callers may be in inference mode, whose tensors autograd refuses: hence the copies.
        with torch.inference_mode(False):
            asked = dataclasses.replace(question, images=question.images.clone(), targets=question.targets.clone())
            if self.masks is not None:
                return self.masks(asked)
            relevance = self.relevance(asked)
            masks = np.stack(
                [delete_most_relevant(one, area=float(area)) for one, area in zip(relevance, asked.areas, strict=True)]
            )
            return Explanation(masks=masks, scores=mask_scores(asked, masks))


def delete_most_relevant(relevance: NDArray[np.floating[Any]], *, area: float) -> NDArray[np.float32]:
    """The mask that deletes the most relevant pixels: float32 (H, W), 0 on ``round(area * H * W)`` pixels, 1 elsewhere.

    Of equally relevant pixels those come first that come first in reading order.

    Raises:
        ValueError: ``relevance`` is not (H, W) or not finite, or ``area`` leaves [0, 1].
    """
    values = np.asarray(relevance, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"Expected a finite relevance of shape (H, W), but got {values.shape} or values not finite.")
    if not 0 <= area <= 1:
        raise ValueError(f"area must lie in [0, 1], but it is {area}.")
    count = round(area * values.size)
    mask = np.ones(values.size, dtype=np.float32)
    mask[np.argsort(-values.ravel(), kind="stable")[:count]] = 0
    return mask.reshape(values.shape)


def mask_scores(
    question: Question, masks: Maps, *, p_smooth: NDArray[np.floating[Any]] | None = None
) -> tuple[MaskScores, ...]:
    """What masks (N, H, W) do to the network; the same figures for every method.

    Args:
        question: images and targets.
        masks: in [0, 1].
        p_smooth: (N,) where the method has a smooth mask, too.
    """
    network, images, targets = question.network, question.images, question.targets
    blurred = question.blurred
    kept = torch.from_numpy(masks).to(images.device).unsqueeze(1)
    binary = (kept >= question.config.threshold).float()
    p0, p_blurred, p_sharp, p_thresholded = (
        target_probabilities(network, shown, targets).double().cpu().numpy()
        for shown in (images, blurred, blend(images, blurred, kept), blend(images, blurred, binary))
    )
    exact = masks.astype(np.float64)
    return tuple(
        MaskScores.measured(
            p0=float(p0[index]),
            p_blurred=float(p_blurred[index]),
            p_smooth=None if p_smooth is None else float(p_smooth[index]),
            p_sharp=float(p_sharp[index]),
            p_thresholded=float(p_thresholded[index]),
            area=float((1 - exact[index]).mean()),
            binarity=float((exact[index] * (1 - exact[index])).mean()),
        )
        for index in range(len(masks))
    )
