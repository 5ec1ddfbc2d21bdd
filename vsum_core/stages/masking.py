"""Masks of all images of a run for one network and method, kept image by image so that an interrupted run resumes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from vsum_core.config import as_dictionary
from vsum_core.datasets import ImageFile
from vsum_core.masks import MaskScores
from vsum_core.methods import Method, Question
from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.regions import mask_regions, region_drops, top_regions
from vsum_core.stages.run import Explainer, Run
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
    """The finished mask of one image for one network and method.

    Attributes:
        image: the image.
        sharp: float32 (H, W) in [0, 1] at the network's input size; 1 keeps a pixel.
        scores: what the mask does to the network.
        regions: the strongest connected regions, by score drop.
        file: 8-bit PNG of the sharp mask in the store.
        smooth_file: the same of the smooth mask; None for methods without one.
    """

    image: ImageFile
    sharp: np.ndarray
    scores: MaskScores
    regions: tuple[MaskRegion, ...]
    file: str
    smooth_file: str | None = None

    @property
    def deleted(self) -> float:
        """Share of the image below the threshold of one half, which the mask deletes."""
        return float((self.sharp < 0.5).mean())

    def on_frame(self, side: int) -> np.ndarray:
        """The mask on the square frame, float32 (side, side)."""
        if self.sharp.shape == (side, side):
            return self.sharp
        return cv2.resize(self.sharp, (side, side), interpolation=cv2.INTER_AREA)


def make_masks(
    run: Run,
    network: Network,
    images: Sequence[ImageFile],
    *,
    method: Method,
    areas: Mapping[str, float] | None = None,
) -> dict[str, ImageMask]:
    """Masks by image id.

    Images are explained in fixed batches, the same whether or not the run was interrupted: a batch of which any image
    is missing is computed as a whole, so that no result depends on where a run stopped.

    Args:
        run: the run.
        network: the network to be explained.
        images: those it gets right.
        method: of explanation.
        areas: share of the image to delete by image id; needed where the method does not find it by itself.

    Raises:
        UnsuitableNetworkError: the method cannot explain this network.
        ValueError: the method needs areas, and there are none.
    """
    if areas is None and not method.finds_area:
        raise ValueError(f"{method.name} needs the area that each mask shall delete, but areas is None.")
    wanted = {image.id: 1.0 if method.finds_area or areas is None else areas[image.id] for image in images}
    keys = {image.id: mask_key(run, network, image, method, area=wanted[image.id]) for image in images}
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
    stage = f"{Explainer(network.specification.name, method.name)}: masks"
    run.progress.start(stage, sum(len(batch) for batch in waiting))
    for batch in waiting:
        for image, values, sharp in _explain(run, network, batch, method, wanted, stage):
            result = run.store.remember(STAGE, keys[image.id], values=values, arrays={"sharp": sharp})
            results[image.id] = _restore(image, result)
    run.progress.finish(stage)
    return {image.id: results[image.id] for image in images}


def mask_key(run: Run, network: Network, image: ImageFile, method: Method, *, area: float) -> str:
    """Cache key of a mask; the area is 1 for a method that finds it by itself."""
    return key_of(
        image=image.sha256,
        network=network_key(network),
        target=network.class_index(image.label),
        method=method.key(),
        area=area,
        masks=as_dictionary(run.config.masks),
        regions=as_dictionary(run.config.regions),
        seed=run.config.seed,
        code=[code_digest(__name__), code_digest(method.module)],
    )


def _explain(
    run: Run, network: Network, batch: Sequence[ImageFile], method: Method, areas: Mapping[str, float], stage: str
) -> list[tuple[ImageFile, dict[str, object], np.ndarray]]:
    pixels = read_batch(batch, network)
    targets = torch.tensor([network.class_index(image.label) for image in batch], device=network.device)
    question = Question(
        network=network,
        images=pixels,
        targets=targets,
        areas=np.array([areas[image.id] for image in batch], dtype=np.float64),
        config=run.config.masks,
        seed=run.config.seed,
        advance=lambda share: run.progress.advance(stage, share),
    )
    explanation = method.explain(question)
    finished = []
    for index, image in enumerate(batch):
        sharp = np.asarray(explanation.masks[index], dtype=np.float32)
        components = mask_regions(sharp, config=run.config.regions)
        drops = region_drops(network, pixels[index], int(targets[index]), components, config=run.config.masks)
        order = top_regions(drops, config=run.config.regions)
        values: dict[str, object] = {
            "scores": dataclasses.asdict(explanation.scores[index]),
            "regions": [_region_values(components[i], float(drops[i])) for i in order],
            "file": run.store.put(_encoded(sharp), suffix="png"),
            "smooth_file": None
            if explanation.smooth is None
            else run.store.put(_encoded(explanation.smooth[index]), suffix="png"),
        }
        finished.append((image, values, sharp))
    return finished


def _encoded(mask: np.ndarray) -> bytes:
    """8-bit PNG of a mask in [0, 1]."""
    return cv2.imencode(".png", np.rint(mask * 255).astype(np.uint8))[1].tobytes()


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
        smooth_file=result.values["smooth_file"],
    )
