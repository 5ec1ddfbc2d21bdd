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
        images: the images of the class for which the network has a mask.
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
        self.position = {image.id: index for index, image in enumerate(self.images)}
        self._own = {
            network: [index for index, image in enumerate(self.images) if image.id in found]
            for network, found in masks.items()
        }
        self._masked = {
            network: {index: self._masked_proposals(self.images[index], masks[network]) for index in own}
            for network, own in self._own.items()
        }

    @functools.cached_property
    def descriptors(self) -> Descriptors:
        """Of the proposals, in the order of ``images``; computed when first asked for."""
        return describe(self.run, self.images, self.boxes)

    def _masked_proposals(self, image: ImageFile, masks: Masks) -> npt.NDArray[np.int64]:
        frame = masks[image.id].on_frame(self.run.config.proposals.frame_side)
        return masked_proposals(self.boxes[image.id], frame, config=self.run.config.pruning).astype(np.int64)

    def regions(self, *, label: str) -> dict[str, ClassRegions]:
        """The regions of every network, from the store or by matching all pairs of images now.

        What a network gets depends on its own masks and images only, not on the other networks of the run.

        Args:
            label: name of the class, for progress.
        """
        keys = {network: self._key(network) for network in self._own}
        results = {network: self.run.store.recall(STAGE, key) for network, key in keys.items()}
        missing = [network for network, result in results.items() if result is None]
        if missing:
            results |= self._match(missing, keys, label)
        return {
            network: self._restore(network, result, keys[network])
            for network, result in results.items()
            if result is not None
        }

    def _key(self, network: str) -> str:
        config = self.run.config
        return key_of(
            images=[proposal_key(self.run, self.images[index]) for index in self._own[network]],
            masked=[rows.tolist() for rows in self._masked[network].values()],
            flow=as_dictionary(config.flow),
            descriptors=as_dictionary(config.descriptors),
            whitening=whitening_digest(config.descriptors),
            pruning=as_dictionary(config.pruning),
            code=code_digest(__name__),
        )

    def _match(self, networks: Sequence[str], keys: Mapping[str, str], label: str) -> dict[str, StageResult]:
        """Match the images that these networks need, each pair once, and keep what each network keeps."""
        run, config = self.run, self.run.config
        needed = sorted({index for network in networks for index in self._own[network]})
        stage = f"{label}: proposal flow"
        run.progress.start(stage, len(needed) * (len(needed) + 1) // 2)
        nothing = np.zeros(0, dtype=np.int64)
        masked = [[self._masked[network].get(index, nothing) for index in needed] for network in networks]
        flow = match_class(
            [self.boxes[self.images[index].id] for index in needed],
            lambda i, j: self.descriptors.appearance(needed[i], needed[j]),
            rows=[np.concatenate(rows) for rows in zip(*masked, strict=True)],
            groups=[[needed.index(index) for index in self._own[network]] for network in networks],
            strongest=config.pruning.strongest,
            config=config.flow,
            workers=run.workers,
            progress=lambda done, total: run.progress.advance(stage),
        )
        results = {}
        for group, network in enumerate(networks):
            kept = []
            for place, rows in enumerate(masked[group]):
                boxes = self.boxes[self.images[needed[place]].id][rows]
                chosen = remove_redundant(boxes, flow.scores(place, rows, group=group), config=config.pruning)
                kept.append(rows[chosen])
            of_network = [kept[needed.index(index)] for index in self._own[network]]
            results[network] = run.store.remember(
                STAGE,
                keys[network],
                values={"regions": sum(len(rows) for rows in of_network)},
                arrays={
                    "images": np.repeat(np.arange(len(of_network)), [len(rows) for rows in of_network]),
                    "proposals": np.concatenate([*of_network, nothing]),
                    "similarity": flow.similarity(kept),
                },
            )
        run.progress.finish(stage)
        return results

    def _restore(self, network: str, result: StageResult, key: str) -> ClassRegions:
        images = tuple(self.images[index] for index in self._own[network])
        image_of_region = result.arrays["images"].astype(np.int64)
        proposals = result.arrays["proposals"].astype(np.int64)
        boxes = np.array(
            [self.boxes[images[i].id][p] for i, p in zip(image_of_region, proposals, strict=True)], dtype=np.int32
        ).reshape(-1, 4)
        return ClassRegions(
            images=images,
            image_of_region=image_of_region,
            boxes=boxes,
            similarity=result.arrays["similarity"],
            key=key,
        )
