"""Proposal Flow between all images of a class, computed once for all networks, and what each network keeps of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vsum_core.class_flow import match_class
from vsum_core.config import as_dictionary
from vsum_core.datasets import ImageFile
from vsum_core.provenance import code_digest
from vsum_core.pruning import masked_proposals, remove_redundant
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.proposing import Descriptors, describe, proposal_key, whitening_digest
from vsum_core.stages.run import Run
from vsum_core.store import StageResult, key_of

STAGE = "flow"

Masks = Mapping[str, ImageMask]


@dataclass(frozen=True, eq=False)
class ClassRegions:
    """The R regions of one class that one network's masks keep, and how alike they are.

    Attributes:
        images: the images of the class with a mask.
        image_of_region: (R,) positions in ``images``.
        boxes: int32 (R, 4) on the frame.
        similarity: float32 (R, R), 0 or more.
        key: cache key of everything that led here.
    """

    images: tuple[ImageFile, ...]
    image_of_region: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float32]
    key: str


class ClassMatcher:
    """Matches the images of one class at most once, however many networks ask for their regions.

    Args:
        run: the run.
        images: images of the class that at least one network gets right.
        boxes: proposals on the frame by image id.
        masks: masks by image id, for every network by name.
    """

    def __init__(
        self,
        run: Run,
        images: Sequence[ImageFile],
        boxes: Mapping[str, npt.NDArray[np.int32]],
        masks: Mapping[str, Masks],
    ) -> None:
        self.run = run
        self.images = tuple(images)
        self.boxes = boxes
        self._masked = {
            network: [self._masked_proposals(image, network_masks) for image in self.images]
            for network, network_masks in masks.items()
        }

    @functools.cached_property
    def descriptors(self) -> Descriptors:
        """Of the proposals, in the order of ``images``; computed when first asked for."""
        return describe(self.run, self.images, self.boxes)

    def _masked_proposals(self, image: ImageFile, masks: Masks) -> npt.NDArray[np.int64]:
        mask = masks.get(image.id)
        if mask is None:
            return np.zeros(0, dtype=np.int64)
        frame = mask.on_frame(self.run.config.proposals.frame_side)
        return masked_proposals(self.boxes[image.id], frame, config=self.run.config.pruning).astype(np.int64)

    def regions(self, *, label: str) -> dict[str, ClassRegions]:
        """The regions of every network, from the store or by matching all pairs of images now.

        Args:
            label: name of the class, for progress.
        """
        key = self._key()
        result = self.run.store.recall(STAGE, key)
        if result is None:
            result = self._match(key, label)
        return {network: self._restore(result, index, f"{key}-{network}") for index, network in enumerate(self._masked)}

    def _key(self) -> str:
        config = self.run.config
        return key_of(
            images=[proposal_key(self.run, image) for image in self.images],
            masked={network: [rows.tolist() for rows in masked] for network, masked in self._masked.items()},
            flow=as_dictionary(config.flow),
            descriptors=as_dictionary(config.descriptors),
            whitening=whitening_digest(config.descriptors),
            pruning=as_dictionary(config.pruning),
            code=code_digest(__name__),
        )

    def _match(self, key: str, label: str) -> StageResult:
        run, config = self.run, self.run.config
        stage = f"{label}: proposal flow"
        run.progress.start(stage, len(self.images) * (len(self.images) + 1) // 2)
        union = [
            np.unique(np.concatenate([masked[index] for masked in self._masked.values()]))
            for index in range(len(self.images))
        ]
        flow = match_class(
            [self.boxes[image.id] for image in self.images],
            self.descriptors.appearance,
            rows=union,
            strongest=config.pruning.strongest,
            config=config.flow,
            workers=run.workers,
            progress=lambda done, total: run.progress.advance(stage),
        )
        arrays: dict[str, np.ndarray] = {}
        for index, masked in enumerate(self._masked.values()):
            kept = []
            for image, rows in enumerate(masked):
                boxes = self.boxes[self.images[image].id][rows]
                chosen = remove_redundant(boxes, flow.scores(image, rows), config=config.pruning)
                kept.append(rows[chosen])
            arrays[f"{index}-images"] = np.repeat(np.arange(len(kept)), [len(rows) for rows in kept])
            arrays[f"{index}-proposals"] = np.concatenate([*kept, np.zeros(0, dtype=np.int64)])
            arrays[f"{index}-similarity"] = flow.similarity(kept)
        run.progress.finish(stage)
        return run.store.remember(STAGE, key, values={"networks": list(self._masked)}, arrays=arrays)

    def _restore(self, result: StageResult, index: int, key: str) -> ClassRegions:
        image_of_region = result.arrays[f"{index}-images"].astype(np.int64)
        proposals = result.arrays[f"{index}-proposals"].astype(np.int64)
        boxes = np.array(
            [self.boxes[self.images[i].id][p] for i, p in zip(image_of_region, proposals, strict=True)], dtype=np.int32
        ).reshape(-1, 4)
        return ClassRegions(
            images=self.images,
            image_of_region=image_of_region,
            boxes=boxes,
            similarity=result.arrays[f"{index}-similarity"],
            key=key,
        )
