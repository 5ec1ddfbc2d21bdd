"""Images kept for people to predict a network's answer: which ones, what the networks say, and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from vsum_core.datasets import ImageFile, read_image
from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.rendering import encode_webp
from vsum_core.stages.run import Run
from vsum_core.stages.screening import Screening
from vsum_core.store import key_of

STAGE = "predicting"
LONGER_SIDE = 480
"""Pixels of the pictures' longer side; smaller images stay as they are."""


def held_out_images(images: Sequence[ImageFile], *, per_class: int) -> frozenset[str]:
    """Identifiers of the last ``per_class`` images of every class; no mask and no summary is made of them.

    Raises:
        ValueError: ``per_class`` is negative, or a class would keep no image for its summaries.
    """
    if per_class < 0:
        raise ValueError(f"Images held out per class must be 0 or more, but there are {per_class}.")
    if per_class == 0:
        return frozenset()
    by_class: dict[str, list[str]] = {}
    for image in images:
        by_class.setdefault(image.label.name, []).append(image.id)
    for name, identifiers in by_class.items():
        if len(identifiers) <= per_class:
            raise ValueError(
                f"Class {name!r} has {len(identifiers)} images, of which {per_class} are to be held out; hold out "
                "fewer, or give more images."
            )
    return frozenset(identifier for identifiers in by_class.values() for identifier in identifiers[-per_class:])


def predict(run: Run, network: Network, screening: Screening, *, held_out: frozenset[str]) -> list[dict[str, Any]]:
    """Records for the manifest: the network's answer to every image held out, and to every image it gets wrong.

    Neither kind is ever a member of one of the network's summaries.
    """
    names = {network.class_index(label): label.name for label in run.images.classes}
    correct = {image.id for image in screening.correct}
    records = []
    for image in run.images.images:
        if image.id in correct and image.id not in held_out:
            continue
        index, probability = screening.answers[image.id]
        records.append(
            {
                "network": network.specification.name,
                "image": image.id,
                "answer": names.get(index, network.specification.categories[index]),
                "probability": probability,
                "correct": image.id in correct,
                "picture": _picture(run, image),
            }
        )
    return records


def _picture(run: Run, image: ImageFile) -> dict[str, Any]:
    key = key_of(image=image.sha256, quality=run.config.rendering.quality, code=code_digest(__name__))
    result = run.store.recall(STAGE, key)
    if result is None:
        pixels = read_image(image.path)
        height, width = pixels.shape[:2]
        scale = min(1.0, LONGER_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if scale < 1:
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        file = run.store.put(encode_webp(pixels, quality=run.config.rendering.quality), suffix="webp")
        result = run.store.remember(STAGE, key, values={"width": size[0], "height": size[1], "file": file})
    return {name: result.values[name] for name in ("file", "width", "height")}
