"""Members of clusters laid over their exemplars by dense flow, for the comparison of how alike they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.clustering import Cluster
from vsum_core.config import QualityConfig
from vsum_core.dense_flow import NoMatchError, dense_flow, warp
from vsum_core.flow import match
from vsum_core.quality import median_ssim
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.proposing import frame_of
from vsum_core.stages.run import Run
from vsum_core.threads import in_threads

Patch = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]
Pictures = Mapping[tuple[int, int], Grey | None]


def warp_members(
    run: Run, matcher: ClassMatcher, regions: ClassRegions, clusters: Sequence[Cluster], *, label: str
) -> dict[tuple[int, int], Grey | None]:
    """Grey pictures (S, S) by pair of images: the second image laid over the first, and (i, i) the image as it is.

    Flow between two images does not depend on masks, so it is computed once, however many clusters, networks and arms
    ask the matcher of their class for it. Two images without a single confident match cannot be laid over each other;
    their picture is None.
    """
    frames = {int(index): frame_of(run, regions.images[int(index)]) for index in np.unique(regions.image_of_region)}
    wanted = sorted(
        {
            (int(regions.image_of_region[cluster.exemplar]), int(regions.image_of_region[member]))
            for cluster in clusters
            for member in cluster.members[1:]
        }
    )

    def identifiers(pair: tuple[int, int]) -> tuple[str, str]:
        return regions.images[pair[0]].id, regions.images[pair[1]].id

    def warp_pair(pair: tuple[int, int]) -> Grey | None:
        exemplar, member = pair
        try:
            flow = dense_flow(
                matcher.boxes[regions.images[exemplar].id],
                matcher.boxes[regions.images[member].id],
                _confidence(
                    run,
                    matcher,
                    matcher.position[regions.images[exemplar].id],
                    matcher.position[regions.images[member].id],
                ),
                frames[exemplar],
                config=run.config.flow,
            )
        except NoMatchError:
            return None
        return _grey(warp(frames[member], flow))

    pictures: dict[tuple[int, int], Grey | None] = {(index, index): _grey(frame) for index, frame in frames.items()}
    stage = f"{label}: dense flow"
    pairs = [pair for pair in wanted if identifiers(pair) not in matcher.laid_over]
    run.progress.start(stage, len(pairs))
    for pair, picture in in_threads(warp_pair, pairs, workers=run.workers):
        matcher.laid_over[identifiers(pair)] = picture
        run.progress.advance(stage)
    run.progress.finish(stage)
    return pictures | {pair: matcher.laid_over[identifiers(pair)] for pair in wanted}


def cluster_patches(regions: ClassRegions, cluster: Cluster, pictures: Pictures) -> list[Patch]:
    """The members of a cluster, in their order, cut to the exemplar's box, grey in [0, 1].

    A member that no flow lays over the exemplar is its own box, resized to the exemplar's: compared as it is.
    """
    exemplar = int(regions.image_of_region[cluster.exemplar])
    left, top, right, bottom = (int(side) for side in regions.boxes[cluster.exemplar])
    patches = []
    for member in cluster.members:
        image = int(regions.image_of_region[member])
        picture = pictures[exemplar, image]
        if picture is None:
            own = regions.boxes[member]
            cut = _known(pictures[image, image])[own[1] : own[3], own[0] : own[2]]
            resized = cv2.resize(cut, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
            patches.append(_fractions(np.asarray(resized, dtype=np.uint8)))
        else:
            patches.append(_fractions(picture[top:bottom, left:right]))
    return patches


def null_medians(
    regions: ClassRegions, clusters: Sequence[Cluster], pictures: Pictures, *, config: QualityConfig, seed: int
) -> list[float]:
    """Medians of structural similarity of random regions: what clusters would reach if their place meant nothing.

    For every cluster, ``config.null_draws`` boxes of the exemplar's size are put at random places of the exemplar's
    image; the same members are compared there, laid over the exemplar by the same flow. A network and class without any
    pair of members has no null; 1 is then returned, which nothing passes.
    """
    generator = np.random.default_rng(seed)
    medians = []
    for cluster in clusters:
        exemplar = int(regions.image_of_region[cluster.exemplar])
        left, top, right, bottom = (int(side) for side in regions.boxes[cluster.exemplar])
        over = [pictures[exemplar, int(regions.image_of_region[member])] for member in cluster.members]
        laid_over = [picture for picture in over if picture is not None]
        side = laid_over[0].shape[0]
        for _ in range(config.null_draws):
            x = int(generator.integers(0, side - (right - left), endpoint=True))
            y = int(generator.integers(0, side - (bottom - top), endpoint=True))
            cut = [_fractions(picture[y : y + bottom - top, x : x + right - left]) for picture in laid_over]
            median = median_ssim(cut)
            if median is not None:
                medians.append(median)
    return medians or [1.0]


def _fractions(picture: Grey) -> Patch:
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def _known(picture: Grey | None) -> Grey:
    if picture is None:
        raise ValueError("An image is always laid over itself; its picture cannot be missing.")
    return picture


def _grey(picture: npt.NDArray[np.uint8]) -> Grey:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _confidence(run: Run, matcher: ClassMatcher, image_a: int, image_b: int) -> npt.NDArray[np.float32]:
    """Confidence of all proposals of A in all of B; like everywhere, (b, a) is the transpose of (a, b) for a < b."""
    if image_a > image_b:
        return np.ascontiguousarray(_confidence(run, matcher, image_b, image_a).T)
    return match(
        matcher.boxes[matcher.images[image_a].id],
        matcher.boxes[matcher.images[image_b].id],
        matcher.descriptors.appearance(image_a, image_b),
        config=run.config.flow,
    )
