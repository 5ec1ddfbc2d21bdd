"""Region proposals and descriptors: they depend on the images only, so all networks and classes share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vsum_core.config import DescriptorConfig, as_dictionary
from vsum_core.datasets import ImageFile, read_image
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors, unit_length
from vsum_core.proposals import region_proposals
from vsum_core.provenance import code_digest
from vsum_core.stages.run import Run
from vsum_core.store import key_of
from vsum_core.threads import in_threads

STAGE = "proposals"


def proposal_key(run: Run, image: ImageFile) -> str:
    """Cache key of an image's proposals."""
    return key_of(
        image=image.sha256,
        proposals=as_dictionary(run.config.proposals),
        seed=run.config.seed,
        code=code_digest(__name__),
    )


def frame_of(run: Run, image: ImageFile) -> npt.NDArray[np.uint8]:
    """The image on the square frame, uint8 (S, S, 3)."""
    side = run.config.proposals.frame_side
    return read_image(image.path, size=(side, side))


def make_proposals(run: Run, images: Sequence[ImageFile]) -> dict[str, npt.NDArray[np.int32]]:
    """Boxes on the frame, int32 (P, 4), by image id; several images at a time."""
    boxes: dict[str, npt.NDArray[np.int32]] = {}
    waiting = []
    for image in images:
        result = run.store.recall(STAGE, proposal_key(run, image))
        if result is None:
            waiting.append(image)
        else:
            boxes[image.id] = result.arrays["boxes"]

    def propose(image: ImageFile) -> npt.NDArray[np.int32]:
        return region_proposals(frame_of(run, image), config=run.config.proposals, seed=run.config.seed)

    stage = "region proposals"
    run.progress.start(stage, len(waiting))
    for image, found in in_threads(propose, waiting, workers=run.workers):
        run.store.remember(STAGE, proposal_key(run, image), values={"count": len(found)}, arrays={"boxes": found})
        boxes[image.id] = found
        run.progress.advance(stage)
    run.progress.finish(stage)
    return boxes


@dataclass(frozen=True)
class Descriptors:
    """Descriptors of the proposals of N images, and the appearance similarity between any two of them.

    Attributes:
        vectors: per image, float32 (P, D), decorrelated where whitening is asked for, so that whitened similarity is
            their plain inner product.
    """

    vectors: tuple[npt.NDArray[np.float32], ...]

    def appearance(self, image_a: int, image_b: int) -> npt.NDArray[np.float32]:
        """Similarity of all proposals of one image to all of another, float32 (P, Q), 0 or more."""
        return appearance_similarity(self.vectors[image_a], self.vectors[image_b], whitening=None)


def describe(run: Run, images: Sequence[ImageFile], boxes: Mapping[str, npt.NDArray[np.int32]]) -> Descriptors:
    """Descriptors of all proposals of the images, in the order of the images."""
    config = run.config.descriptors
    whitening = Whitening.load_default(config=config) if config.whitening else None

    def describe_image(image: ImageFile) -> npt.NDArray[np.float32]:
        descriptors = hog_descriptors(frame_of(run, image), boxes[image.id], config=config)
        return unit_length(descriptors) if whitening is None else whitening.decorrelate(descriptors)

    # One thread of linear algebra each: its results may depend on the number of threads in the last bit.
    with threadpool_limits(limits=1), ThreadPoolExecutor(max_workers=run.workers) as pool:
        return Descriptors(vectors=tuple(pool.map(describe_image, images)))


def whitening_digest(config: DescriptorConfig) -> str | None:
    """Which background statistics the descriptors use, for cache keys."""
    return str(Whitening.load_default(config=config).provenance["sha256"]) if config.whitening else None
