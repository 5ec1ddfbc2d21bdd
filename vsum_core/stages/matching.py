"""Proposal Flow between all images of a class, computed once for all explainers, and what each of them keeps of it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vsum_core.class_flow import PairMatches, all_pairs, joined, match_pairs
from vsum_core.config import as_dictionary
from vsum_core.datasets import ImageFile
from vsum_core.provenance import code_digest
from vsum_core.pruning import masked_proposals, remove_redundant
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.proposing import Descriptors, describe, proposal_key, whitening_digest
from vsum_core.stages.run import Explainer, Run
from vsum_core.store import StageResult, key_of

STAGE = "flow"

PAIRS = "pairs"
"""Where parts of the matching of a large class are kept until all are there."""
TILE_IMAGES = 32
"""A class of more images is matched in tiles of this side; each worker that takes one describes all its images once."""

Masks = Mapping[str, ImageMask]


class Tile(NamedTuple):
    """All pairs of an image of one range with one of another, or with another of the same range."""

    first: range
    second: range

    def pairs(self) -> list[tuple[int, int]]:
        """Positions i ≤ j."""
        return [(i, j) for i in self.first for j in self.second if i <= j]

    def images(self) -> list[int]:
        """Positions of all its images."""
        return sorted({*self.first, *self.second})


def tiles_of(images: int) -> list[Tile]:
    """Parts into which the matching of a class too large for one task is cut; empty where one task does it all."""
    if images <= TILE_IMAGES:
        return []
    starts = range(0, images, TILE_IMAGES)
    ranges = [range(start, min(start + TILE_IMAGES, images)) for start in starts]
    return [Tile(a, b) for a, b in itertools.combinations_with_replacement(ranges, 2)]


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

    Attributes:
        laid_over: by the ids of two images, a grey picture of the second laid over the first, or None where no flow
            leads from one to the other; filled by :func:`vsum_core.stages.warping.warp_members`.
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
        self.laid_over: dict[tuple[str, str], npt.NDArray[np.uint8] | None] = {}
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

    def match_tile(self, tile: Tile) -> None:
        """Match the pairs of two ranges of images for all explainers, and record it for :meth:`regions` to find."""
        key = self._tile_key(tile)
        if self.run.store.knows(PAIRS, key):
            return
        found = self._match_pairs(tuple(self._own), range(len(self.images)), tile.pairs())
        self.run.store.remember(
            PAIRS, key, values={"pairs": len(found.blocks)}, arrays=_packed(found, tile), compressed=False
        )

    def tiles(self) -> list[Tile]:
        """Of :func:`tiles_of`, for the images of the class."""
        return tiles_of(len(self.images))

    def _tile_key(self, tile: Tile) -> str:
        own = [[str(explainer), self._key(explainer)] for explainer in self._own]
        return key_of(explainers=own, first=[*tile.first], second=[*tile.second], code=code_digest(__name__))

    def _match(
        self, missing: Sequence[Explainer], keys: Mapping[Explainer, str], label: str
    ) -> dict[Explainer, StageResult]:
        """Match the images that these explainers need, each pair once, and keep what each of them keeps."""
        run, config = self.run, self.run.config
        tiles = self.tiles()
        recorded = any(run.store.knows(PAIRS, self._tile_key(tile)) for tile in tiles)
        explainers = tuple(self._own) if recorded else tuple(missing)
        needed = sorted({index for explainer in explainers for index in self._own[explainer]})
        masked = self._masked_of(explainers, needed)
        if recorded:
            flow = joined([self._recalled(tile, label) for tile in tiles])
        else:
            flow = joined([self._match_pairs(explainers, needed, all_pairs(len(needed)), label=label)])
        nothing = np.zeros(0, dtype=np.int64)
        results = {}
        for group, explainer in enumerate(explainers):
            if explainer not in missing:
                continue
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
        for tile in tiles if recorded else ():
            run.store.forget(PAIRS, self._tile_key(tile))
        return results

    def _masked_of(self, explainers: Sequence[Explainer], needed: Sequence[int]) -> list[list[npt.NDArray[np.int64]]]:
        """Per explainer and needed image, the proposals that its mask keeps."""
        nothing = np.zeros(0, dtype=np.int64)
        return [[self._masked[explainer].get(index, nothing) for index in needed] for explainer in explainers]

    def _match_pairs(
        self,
        explainers: Sequence[Explainer],
        needed: Sequence[int],
        pairs: Sequence[tuple[int, int]],
        *,
        label: str | None = None,
    ) -> PairMatches:
        """Match pairs of the needed images; with a label, say how far it is."""
        run = self.run
        stage = f"{label}: proposal flow"
        if label is not None:
            run.progress.start(stage, len(pairs))
        masked = self._masked_of(explainers, needed)
        found = match_pairs(
            [self.boxes[self.images[index].id] for index in needed],
            lambda i, j: self.descriptors.appearance(needed[i], needed[j]),
            pairs=pairs,
            rows=[np.concatenate(rows) for rows in zip(*masked, strict=True)],
            groups=[[needed.index(index) for index in self._own[explainer]] for explainer in explainers],
            strongest=run.config.pruning.strongest,
            config=run.config.flow,
            workers=run.workers,
            progress=None if label is None else lambda done, total: run.progress.advance(stage),
        )
        if label is not None:
            run.progress.finish(stage)
        return found

    def _recalled(self, tile: Tile, label: str) -> PairMatches:
        """A tile from the store, or matched now where its record is missing or damaged."""
        explainers, needed = tuple(self._own), range(len(self.images))
        result = self.run.store.recall(PAIRS, self._tile_key(tile))
        if result is None:
            return self._match_pairs(explainers, needed, tile.pairs(), label=label)
        rows = [np.concatenate(rows) for rows in zip(*self._masked_of(explainers, needed), strict=True)]
        return _unpacked(
            result.arrays,
            tile,
            rows=rows,
            groups=len(explainers),
            capacity=self.run.config.pruning.strongest,
        )

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


def _packed(found: PairMatches, tile: Tile) -> dict[str, np.ndarray]:
    """Named arrays for the store; of images outside the tile there is nothing to keep."""
    strongest = [group[image].ravel() for group in found.strongest for image in tile.images()]
    return {
        "blocks": np.concatenate([block.ravel() for block in found.blocks.values()]),
        "strongest": np.concatenate(strongest),
        "seen": found.seen,
    }


def _unpacked(
    arrays: Mapping[str, np.ndarray],
    tile: Tile,
    *,
    rows: Sequence[npt.NDArray[np.int64]],
    groups: int,
    capacity: int,
) -> PairMatches:
    kept = tuple(np.unique(image_rows) for image_rows in rows)
    pairs = tile.pairs()
    ends = np.cumsum([len(kept[i]) * len(kept[j]) for i, j in pairs])
    blocks = {
        (i, j): part.reshape(len(kept[i]), len(kept[j]))
        for (i, j), part in zip(pairs, np.split(arrays["blocks"], ends[:-1]), strict=True)
    }
    images = tile.images()
    ends = np.cumsum([len(kept[image]) for image in images])
    strongest = []
    for of_group in arrays["strongest"].reshape(groups, ends[-1], capacity):
        values = [np.zeros((len(image_rows), capacity), dtype=np.float32) for image_rows in kept]
        for image, part in zip(images, np.split(of_group, ends[:-1]), strict=True):
            values[image] = part
        strongest.append(tuple(values))
    return PairMatches(rows=kept, strongest=tuple(strongest), seen=arrays["seen"], blocks=blocks)
