"""Proposal Flow between all images of a class, computed once for all explainers, and what each of them keeps of it."""

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
from vsum_core.stages.run import Explainer, Run
from vsum_core.store import StageResult, key_of

STAGE = "flow"

Masks = Mapping[str, ImageMask]


@dataclass(frozen=True, eq=False)
class ClassRegions:
    """The R regions of one class that one explainer's masks keep, and how alike they are.

    Attributes:
        images: the images of the class for which the explainer has a mask.
        image_of_region: (R,) positions in ``images``.
        boxes: int32 (R, 4) on the frame.
        proposals: (R,) positions among the proposals of their image.
        similarity: float32 (R, R), 0 or more.
        key: cache key of everything that led here.
        outlines: bool (R, S, S) on the frame where regions have outlines of their own; None: the masks cut them out.
    """

    images: tuple[ImageFile, ...]
    image_of_region: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int32]
    proposals: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float32]
    key: str
    outlines: npt.NDArray[np.bool_] | None = None


class ClassMatcher:
    """Matches the images of one class at most once, however many explainers ask for their regions.

    Args:
        run: the run.
        images: images of the class that at least one network gets right.
        boxes: proposals on the frame by image id.
        masks: masks by image id, for every explainer (network and method).
    """

    def __init__(
        self,
        run: Run,
        images: Sequence[ImageFile],
        boxes: Mapping[str, npt.NDArray[np.int32]],
        masks: Mapping[Explainer, Masks],
    ) -> None:
        self.run = run
        self.images = tuple(images)
        self.boxes = boxes
        self.position = {image.id: index for index, image in enumerate(self.images)}
        self._own = {
            explainer: [index for index, image in enumerate(self.images) if image.id in found]
            for explainer, found in masks.items()
        }
        self._masked = {
            explainer: {index: self._masked_proposals(self.images[index], masks[explainer]) for index in own}
            for explainer, own in self._own.items()
        }

    @functools.cached_property
    def descriptors(self) -> Descriptors:
        """Of the proposals, in the order of ``images``; computed when first asked for."""
        return describe(self.run, self.images, self.boxes)

    def _masked_proposals(self, image: ImageFile, masks: Masks) -> npt.NDArray[np.int64]:
        frame = masks[image.id].on_frame(self.run.config.proposals.frame_side)
        return masked_proposals(self.boxes[image.id], frame, config=self.run.config.pruning).astype(np.int64)

    def regions(self, *, label: str) -> dict[Explainer, ClassRegions]:
        """The regions of every explainer, from the store or by matching all pairs of images now.

        What an explainer gets depends on its own masks and images only, not on the others of the run.

        Args:
            label: name of the class, for progress.
        """
        keys = {explainer: self._key(explainer) for explainer in self._own}
        results = {explainer: self.run.store.recall(STAGE, key) for explainer, key in keys.items()}
        missing = [explainer for explainer, result in results.items() if result is None]
        if missing:
            results |= self._match(missing, keys, label)
        return {
            explainer: self._restore(explainer, result, keys[explainer])
            for explainer, result in results.items()
            if result is not None
        }

    def _key(self, explainer: Explainer) -> str:
        config = self.run.config
        return key_of(
            images=[proposal_key(self.run, self.images[index]) for index in self._own[explainer]],
            masked=[rows.tolist() for rows in self._masked[explainer].values()],
            flow=as_dictionary(config.flow),
            descriptors=as_dictionary(config.descriptors),
            whitening=whitening_digest(config.descriptors),
            pruning=as_dictionary(config.pruning),
            code=code_digest(__name__),
        )

    def _match(
        self, explainers: Sequence[Explainer], keys: Mapping[Explainer, str], label: str
    ) -> dict[Explainer, StageResult]:
        """Match the images that these explainers need, each pair once, and keep what each of them keeps."""
        run, config = self.run, self.run.config
        needed = sorted({index for explainer in explainers for index in self._own[explainer]})
        stage = f"{label}: proposal flow"
        run.progress.start(stage, len(needed) * (len(needed) + 1) // 2)
        nothing = np.zeros(0, dtype=np.int64)
        masked = [[self._masked[explainer].get(index, nothing) for index in needed] for explainer in explainers]
        flow = match_class(
            [self.boxes[self.images[index].id] for index in needed],
            lambda i, j: self.descriptors.appearance(needed[i], needed[j]),
            rows=[np.concatenate(rows) for rows in zip(*masked, strict=True)],
            groups=[[needed.index(index) for index in self._own[explainer]] for explainer in explainers],
            strongest=config.pruning.strongest,
            config=config.flow,
            workers=run.workers,
            progress=lambda done, total: run.progress.advance(stage),
        )
        results = {}
        for group, explainer in enumerate(explainers):
            kept = []
            for place, rows in enumerate(masked[group]):
                boxes = self.boxes[self.images[needed[place]].id][rows]
                chosen = remove_redundant(boxes, flow.scores(place, rows, group=group), config=config.pruning)
                kept.append(rows[chosen])
            of_explainer = [kept[needed.index(index)] for index in self._own[explainer]]
            results[explainer] = run.store.remember(
                STAGE,
                keys[explainer],
                values={"regions": sum(len(rows) for rows in of_explainer)},
                arrays={
                    "images": np.repeat(np.arange(len(of_explainer)), [len(rows) for rows in of_explainer]),
                    "proposals": np.concatenate([*of_explainer, nothing]),
                    "similarity": flow.similarity(kept),
                },
            )
        run.progress.finish(stage)
        return results

    def _restore(self, explainer: Explainer, result: StageResult, key: str) -> ClassRegions:
        images = tuple(self.images[index] for index in self._own[explainer])
        image_of_region = result.arrays["images"].astype(np.int64)
        proposals = result.arrays["proposals"].astype(np.int64)
        boxes = np.array(
            [self.boxes[images[i].id][p] for i, p in zip(image_of_region, proposals, strict=True)], dtype=np.int32
        ).reshape(-1, 4)
        return ClassRegions(
            images=images,
            image_of_region=image_of_region,
            boxes=boxes,
            proposals=proposals,
            similarity=result.arrays["similarity"],
            key=key,
        )
