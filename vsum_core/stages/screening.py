"""Show every image to the network: only those whose top-1 answer is their class go on; the others are reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vsum_core.datasets import ImageFile, Skipped, SkipReason, read_image
from vsum_core.masks import filled
from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.stages.run import Run
from vsum_core.store import key_of

STAGE = "screening"
_BATCH = 16
"""Images at a time, filled with copies where there are fewer: an answer does not depend on who shares the batch."""


@dataclass(frozen=True)
class Screening:
    """What a network made of the images.

    Attributes:
        network: its name.
        correct: images whose top-1 answer is their class, in the order of the image set.
        skipped: the others, with the answer the network gave instead.
        seen: images shown.
        answers: image → index of its top-1 category, and that category's probability.
    """

    network: str
    correct: tuple[ImageFile, ...]
    skipped: tuple[Skipped, ...]
    seen: int
    answers: Mapping[str, tuple[int, float]]


def read_batch(images: Sequence[ImageFile], network: Network) -> torch.Tensor:
    """Images at the network's input size: float32 (N, 3, H, W) in [0, 1] on the network's device."""
    size = (network.specification.input_height, network.specification.input_width)
    arrays = np.stack([read_image(image.path, size=size) for image in images])
    return torch.from_numpy(arrays).to(network.device).permute(0, 3, 1, 2).float().div_(255)


def network_key(network: Network) -> dict[str, object]:
    """Everything about a network that can change a result, for cache keys."""
    specification = network.specification
    return {
        "name": specification.name,
        "weights": network.weights_sha256,
        "size": [specification.input_height, specification.input_width],
        "mean": list(specification.mean),
        "std": list(specification.std),
    }


def screening_key(network: Network, image: ImageFile) -> str:
    """Cache key of a network's answer to an image."""
    return key_of(image=image.sha256, network=network_key(network), code=code_digest(__name__))


def screen(run: Run, network: Network) -> Screening:
    """Split the images into those the network gets right and those it does not.

    Raises:
        UnknownClassError: the network has no such class.
    """
    targets = {label.name: network.class_index(label) for label in run.images.classes}
    keys = {image.id: screening_key(network, image) for image in run.images.images}
    answers: dict[str, tuple[int, float]] = {}
    waiting = []
    for image in run.images.images:
        result = run.store.recall(STAGE, keys[image.id])
        if result is None:
            waiting.append(image)
        else:
            answers[image.id] = (result.values["top1"], result.values["probability"])
    stage = f"{network.specification.name}: screening"
    run.progress.start(stage, len(waiting))
    for start in range(0, len(waiting), _BATCH):
        batch = waiting[start : start + _BATCH]
        with torch.inference_mode():
            probabilities = network.logits(filled(read_batch(batch, network), _BATCH)).softmax(dim=1)
            top = probabilities[: len(batch)].max(dim=1)
        for image, answer, probability in zip(batch, top.indices.tolist(), top.values.tolist(), strict=True):
            run.store.remember(STAGE, keys[image.id], values={"top1": answer, "probability": probability})
            answers[image.id] = (answer, probability)
        run.progress.advance(stage, len(batch))
    run.progress.finish(stage)
    correct, skipped = [], []
    for image in run.images.images:
        answer, probability = answers[image.id]
        if answer == targets[image.label.name]:
            correct.append(image)
            continue
        name = network.specification.categories[answer]
        skipped.append(
            Skipped(
                path=image.relative_path,
                class_name=image.label.name,
                network=network.specification.name,
                reason=SkipReason.MISCLASSIFIED,
                detail=f"{network.specification.name} answers {name!r} with probability {probability:.3f}.",
            )
        )
    return Screening(
        network=network.specification.name,
        correct=tuple(correct),
        skipped=tuple(skipped),
        seen=len(run.images.images),
        answers=answers,
    )
