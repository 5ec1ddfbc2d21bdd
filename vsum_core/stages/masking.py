"""Masks of all images of a run for one network, kept image by image so that an interrupted run resumes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from vsum_core.config import as_dictionary
from vsum_core.datasets import ImageFile
from vsum_core.masks import MaskScores, optimise_masks
from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.regions import mask_regions, region_drops, top_regions
from vsum_core.stages.run import Run
from vsum_core.stages.screening import network_key, read_batch
from vsum_core.store import StageResult, key_of

STAGE = "masks"


@dataclass(frozen=True)
class MaskRegion:
    """A connected region of a mask: box as fractions of the image, share of the image, relative score drop alone."""

    box: tuple[float, float, float, float]
    area: float
    drop: float


@dataclass(frozen=True)
class ImageMask:
    """The finished mask of one image for one network.

    Attributes:
        image: the image.
        sharp: float32 (H, W) in [0, 1] at the network's input size; 1 keeps a pixel.
        scores: what the mask does to the network.
        regions: the strongest connected regions, by score drop.
        file: 8-bit PNG of the sharp mask in the store.
    """

    image: ImageFile
    sharp: np.ndarray
    scores: MaskScores
    regions: tuple[MaskRegion, ...]
    file: str

    def on_frame(self, side: int) -> np.ndarray:
        """The mask on the square frame, float32 (side, side)."""
        if self.sharp.shape == (side, side):
            return self.sharp
        return cv2.resize(self.sharp, (side, side), interpolation=cv2.INTER_AREA)


def make_masks(run: Run, network: Network, images: Sequence[ImageFile]) -> dict[str, ImageMask]:
    """Masks by image id.

    Images are optimised in fixed batches, the same whether or not the run was interrupted: a batch of which any image
    is missing is computed as a whole, so that no result depends on where a run stopped.
    """
    keys = {image.id: _key(run, network, image) for image in images}
    size = run.config.masks.batch_size
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    results: dict[str, ImageMask] = {}
    waiting = []
    for batch in batches:
        recalled = [run.store.recall(STAGE, keys[image.id]) for image in batch]
        if any(result is None for result in recalled):
            waiting.append(batch)
            continue
        for image, result in zip(batch, recalled, strict=True):
            if result is not None:
                results[image.id] = _restore(image, result)
    stage = f"{network.specification.name}: masks"
    config = run.config.masks
    steps = config.smooth.steps + config.sharp.steps
    run.progress.start(stage, steps * sum(len(batch) for batch in waiting))
    for batch in waiting:
        for image, values, sharp in _optimise(run, network, batch, stage):
            result = run.store.remember(STAGE, keys[image.id], values=values, arrays={"sharp": sharp})
            results[image.id] = _restore(image, result)
    run.progress.finish(stage)
    return {image.id: results[image.id] for image in images}


def _key(run: Run, network: Network, image: ImageFile) -> str:
    return key_of(
        image=image.sha256,
        network=network_key(network),
        target=network.class_index(image.label),
        masks=as_dictionary(run.config.masks),
        regions=as_dictionary(run.config.regions),
        code=code_digest(__name__),
    )


def _optimise(
    run: Run, network: Network, batch: Sequence[ImageFile], stage: str
) -> list[tuple[ImageFile, dict[str, object], np.ndarray]]:
    pixels = read_batch(batch, network)
    targets = torch.tensor([network.class_index(image.label) for image in batch], device=network.device)
    done = 0

    def advance(steps_done: int, steps_total: int) -> None:
        nonlocal done
        run.progress.advance(stage, (steps_done - done) * len(batch))
        done = steps_done

    result = optimise_masks(network, pixels, targets, config=run.config.masks, progress=advance)
    finished = []
    for index, image in enumerate(batch):
        sharp = np.asarray(result.sharp[index], dtype=np.float32)
        components = mask_regions(sharp, config=run.config.regions)
        drops = region_drops(network, pixels[index], int(targets[index]), components, config=run.config.masks)
        order = top_regions(drops, config=run.config.regions)
        encoded = cv2.imencode(".png", np.rint(sharp * 255).astype(np.uint8))[1].tobytes()
        values: dict[str, object] = {
            "scores": dataclasses.asdict(result.scores[index]),
            "regions": [_region_values(components[i], float(drops[i])) for i in order],
            "file": run.store.put(encoded, suffix="png"),
        }
        finished.append((image, values, sharp))
    return finished


def _region_values(component: np.ndarray, drop: float) -> dict[str, object]:
    rows, columns = np.nonzero(component)
    height, width = component.shape
    box = [columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height]
    return {"box": [float(side) for side in box], "area": float(component.mean()), "drop": drop}


def _restore(image: ImageFile, result: StageResult) -> ImageMask:
    return ImageMask(
        image=image,
        sharp=result.arrays["sharp"],
        scores=MaskScores(**result.values["scores"]),
        regions=tuple(
            MaskRegion(box=tuple(region["box"]), area=region["area"], drop=region["drop"])
            for region in result.values["regions"]
        ),
        file=result.values["file"],
    )
