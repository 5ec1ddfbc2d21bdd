"""What a network truly uses, where the parts of every image are known, and how much of it the summaries tell.

On drawn birds (:mod:`vsum_core.synthetic`) every part has a true mask. Deleting one part at a time says what the
network's confidence rests on, without any explanation method. Against that truth the summaries of a class are judged by
three numbers: *purity* (:func:`vsum_core.metrics.purity`), *recall of used parts* and *share of false summaries*.
Source: this project; ``docs/ground_truth.md`` gives the reasons.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsum_core.config import MaskConfig
from vsum_core.masks import target_probabilities
from vsum_core.networks import Network
from vsum_core.perturbation import blend, blur

_INPAINTING_RADIUS = 5  # pixels around a pixel that its colour is taken from


class Deletion(enum.StrEnum):
    """What takes the place of a part that is deleted."""

    BLURRED = "blurred"  # the image, blurred as the masks blur it
    BACKGROUND = "background"  # what the background around the whole object continues to


@dataclass(frozen=True, kw_only=True)
class UseConfig:
    """When a part counts as used by a network.

    Attributes:
        threshold: mean relative score drop from which a part is used. A tenth: the largest limit that
            still counts every part that clearly matters, and what a mask that must delete nearly all of the
            score cannot leave out.
        margin: pixels of the network's input by which a part is enlarged before it is deleted, so that its outline
            does not stay behind as a silhouette.
        minimum_images: a part that fewer images show is not judged.
    """

    threshold: float = 0.1
    margin: int = 2
    minimum_images: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1, but it is {self.threshold!r}.")
        if self.margin < 0:
            raise ValueError(f"margin must be 0 or more pixels, but it is {self.margin!r}.")
        if self.minimum_images < 1:
            raise ValueError(f"minimum_images must be 1 or more, but it is {self.minimum_images!r}.")


@dataclass(frozen=True)
class PartUse:
    """How much of a class's score rests on one part.

    Attributes:
        part: its name.
        images: how many images show it.
        mean_drop: mean over these images of the relative score drop without it, at most 1.
        used: whether the drop reaches the threshold.
    """

    part: str
    images: int
    mean_drop: float
    used: bool


def background_only(image: NDArray[np.uint8], object_mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The image without its object: the background is continued into the object's place.

    Source of the filling: Telea, "An image inpainting technique based on the fast marching method", Journal of Graphics
    Tools 9(1), 2004.

    Args:
        image: uint8 (H, W, 3).
        object_mask: bool (H, W), True on the object.

    Raises:
        ValueError: the shapes differ.
    """
    if image.dtype != np.uint8 or image.shape != (*object_mask.shape, 3):
        raise ValueError(
            f"Expected a uint8 image (H, W, 3) and a mask (H, W), but got {image.dtype} {image.shape} and "
            f"{object_mask.shape}."
        )
    filled = cv2.inpaint(image, object_mask.astype(np.uint8), _INPAINTING_RADIUS, cv2.INPAINT_TELEA)
    return np.asarray(filled, dtype=np.uint8)


def part_drops(
    network: Network,
    image: NDArray[np.uint8],
    target: int,
    parts: Mapping[str, NDArray[np.bool_]],
    *,
    deletion: Deletion,
    use: UseConfig,
    masks: MaskConfig,
) -> dict[str, float]:
    """Relative drop of the target's probability without each part: (p0 - p) / p0, at most 1.

    Args:
        network: scores the images.
        image: uint8 (H, W, 3) at the network's input size.
        target: output index.
        parts: name → bool (H, W), True on the part; together they are the object.
        deletion: what takes the part's place.
        use: by how much a part is enlarged.
        masks: blur and batch size of the method that is judged.

    Returns:
        By part, for the parts that have any pixel; empty where the probability of the whole image is 0.

    Raises:
        ValueError: a part or the image has another size than the network's input.
    """
    shape = (network.specification.input_height, network.specification.input_width)
    wrong = [np.shape(array)[:2] for array in (image, *parts.values()) if np.shape(array)[:2] != shape]
    if wrong:
        raise ValueError(f"Image and parts must have the network's input size {shape}, but one has {wrong[0]}.")
    shown = {name: part for name, part in parts.items() if part.any()}
    if not shown:
        return {}
    whole = _tensor(image, network)
    if deletion is Deletion.BLURRED:
        instead = blur(whole, kernel_size=masks.blur_kernel, sigma=masks.blur_sigma)
    else:
        everything = _enlarged(np.logical_or.reduce(list(shown.values())), use.margin)
        instead = _tensor(background_only(image, everything), network)
    kept = np.stack([np.ones(shape, dtype=bool), *(~_enlarged(part, use.margin) for part in shown.values())])
    masks_of_parts = torch.from_numpy(kept).to(network.device).float().unsqueeze(1)
    copies = (len(kept), 3, *shape)
    with torch.no_grad():
        perturbed = blend(whole.expand(copies), instead.expand(copies), masks_of_parts)
        targets = torch.full((len(kept),), target, device=network.device)
        scores = [
            target_probabilities(network, *batch)
            for batch in zip(*(torch.split(values, masks.batch_size) for values in (perturbed, targets)), strict=True)
        ]
    p0, *after = torch.cat(scores).double().tolist()
    return {name: (p0 - p) / p0 for name, p in zip(shown, after, strict=True)} if p0 > 0 else {}


def part_uses(drops: Sequence[Mapping[str, float]], *, use: UseConfig) -> tuple[PartUse, ...]:
    """Which parts one network uses for one class, the largest drop first; equal drops by name.

    Args:
        drops: per image of the class, by part, as :func:`part_drops` gives them; parts that an image does not show are
            left out there.
        use: threshold, and how many images must show a part.
    """
    names = sorted({name for of_image in drops for name in of_image})
    values = {name: [of_image[name] for of_image in drops if name in of_image] for name in names}
    uses = [
        PartUse(
            part=name,
            images=len(found),
            mean_drop=float(np.mean(found)),
            used=float(np.mean(found)) >= use.threshold,
        )
        for name, found in values.items()
        if len(found) >= use.minimum_images
    ]
    return tuple(sorted(uses, key=lambda part_use: (-part_use.mean_drop, part_use.part)))


def recall_of_used_parts(uses: Sequence[PartUse], summary_parts: Sequence[str | None]) -> float | None:
    """Share of the used parts that are the majority part of at least one accepted summary.

    Args:
        uses: of one network and class.
        summary_parts: per accepted summary its majority part (:func:`vsum_core.metrics.purity`), or None.

    Returns:
        In [0, 1]; None where no part is used.
    """
    used = [part_use.part for part_use in uses if part_use.used]
    if not used:
        return None
    found = set(summary_parts)
    return sum(part in found for part in used) / len(used)


def recalled_drop(uses: Sequence[PartUse], summary_parts: Sequence[str | None]) -> float | None:
    """As :func:`recall_of_used_parts`, each used part weighted by its mean drop: missing a little-used part costs less.

    Returns:
        In [0, 1]; None where no part is used.
    """
    used = {part_use.part: part_use.mean_drop for part_use in uses if part_use.used}
    if not used:
        return None
    found = set(summary_parts)
    return sum(drop for part, drop in used.items() if part in found) / sum(used.values())


def false_summary_share(accepted: Sequence[int], clusters: Sequence[int]) -> float | None:
    """Share of all clusters of random regions that were accepted as summaries.

    Args:
        accepted: per clustering, clusters accepted.
        clusters: per clustering, clusters found; as many numbers.

    Returns:
        In [0, 1]; None where there was no cluster.

    Raises:
        ValueError: the numbers do not fit.
    """
    if len(accepted) != len(clusters) or any(few > many for few, many in zip(accepted, clusters, strict=True)):
        raise ValueError(
            f"Of each clustering no more clusters can be accepted than found, but {list(accepted)} of {list(clusters)} "
            "were given."
        )
    total = sum(clusters)
    return sum(accepted) / total if total else None


def _enlarged(part: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    if margin == 0:
        return part
    square = np.ones((2 * margin + 1, 2 * margin + 1), dtype=np.uint8)
    return np.asarray(cv2.dilate(part.astype(np.uint8), square) > 0)


def _tensor(image: NDArray[Any], network: Network) -> Tensor:
    """(1, 3, H, W) in [0, 1] on the network's device."""
    return torch.from_numpy(np.ascontiguousarray(image)).to(network.device).permute(2, 0, 1).float().div(255)[None]
