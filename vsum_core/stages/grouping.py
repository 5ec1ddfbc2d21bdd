"""Clusters of the regions of one class and network, and which of them, with which members, become summaries."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.clustering import Cluster, affinity_propagation, clusters_from_labels
from vsum_core.config import as_dictionary
from vsum_core.dense_flow import dense_flow, warp
from vsum_core.flow import match
from vsum_core.provenance import code_digest
from vsum_core.quality import filter_clusters, reject_repeats
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.proposing import frame_of
from vsum_core.stages.run import Run
from vsum_core.store import key_of

STAGE = "clusters"

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AcceptedCluster:
    """A cluster that became a summary.

    Attributes:
        members: region indices, the exemplar first.
        similarities: of each member to the exemplar; ``None`` for the exemplar itself.
        median_ssim: median structural similarity over all pairs of the unfiltered cluster, or ``None``.
        size_before_filter: members before the quality filter.
    """

    members: tuple[int, ...]
    similarities: tuple[float | None, ...]
    median_ssim: float | None
    size_before_filter: int


@dataclass(frozen=True)
class Grouping:
    """What became of the regions of one class and network.

    Attributes:
        accepted: clusters that became summaries.
        clusters: clusters found by affinity propagation, accepted or not.
        converged, attempts, damping, preference: of affinity propagation.
        key: cache key of everything that led here.
    """

    accepted: tuple[AcceptedCluster, ...]
    clusters: int
    converged: bool
    attempts: int
    damping: float | None
    preference: float | None
    key: str


def group(run: Run, matcher: ClassMatcher, regions: ClassRegions, *, label: str) -> Grouping:
    """Cluster the regions and filter the clusters; kept in the store.

    Args:
        run: the run.
        matcher: of the class; gives proposals and descriptors for the dense flow between members.
        regions: of the network.
        label: class and network, for progress.
    """
    config = run.config
    key = key_of(
        regions=regions.key,
        clustering=as_dictionary(config.clustering),
        quality=as_dictionary(config.quality),
        flow=as_dictionary(config.flow),
        seed=config.seed,
        code=code_digest(__name__),
    )
    result = run.store.recall(STAGE, key)
    if result is None:
        propagation = affinity_propagation(regions.similarity, config=config.clustering, seed=config.seed)
        clusters = clusters_from_labels(
            propagation, regions.similarity, regions.image_of_region, config=config.clustering
        )
        patches = _warped_patches(run, matcher, regions, clusters, label=label)
        accepted = [
            {
                "members": [int(member) for member in outcome.members],
                "similarities": list(outcome.similarities),
                "median_ssim": outcome.median_ssim,
                "size_before_filter": len(outcome.cluster.members),
            }
            for outcome in reject_repeats(
                filter_clusters(clusters, patches, config=config.quality),
                boxes=regions.boxes,
                image_of_region=regions.image_of_region,
                similarity=regions.similarity,
                config=config.quality,
            )
            if outcome.accepted
        ]
        result = run.store.remember(
            STAGE,
            key,
            values={
                "accepted": accepted,
                "clusters": len(propagation.exemplars),
                "converged": propagation.converged,
                "attempts": propagation.attempts,
                "damping": propagation.damping,
                "preference": propagation.preference,
            },
        )
    values = dict(result.values)
    found = tuple(
        AcceptedCluster(
            members=tuple(cluster["members"]),
            similarities=tuple(cluster["similarities"]),
            median_ssim=cluster["median_ssim"],
            size_before_filter=cluster["size_before_filter"],
        )
        for cluster in values.pop("accepted")
    )
    return Grouping(accepted=found, key=key, **values)


def _warped_patches(
    run: Run, matcher: ClassMatcher, regions: ClassRegions, clusters: Sequence[Cluster], *, label: str
) -> list[list[FloatArray]]:
    """For every cluster, its members warped onto the exemplar's image and cut to the exemplar's box, grey in [0, 1].

    Flow between two images is computed once, however many clusters contain both.
    """
    frames = {int(index): frame_of(run, regions.images[int(index)]) for index in np.unique(regions.image_of_region)}
    pairs = sorted(
        {
            (int(regions.image_of_region[cluster.exemplar]), int(regions.image_of_region[member]))
            for cluster in clusters
            for member in cluster.members[1:]
        }
    )
    stage = f"{label}: dense flow"
    run.progress.start(stage, len(pairs))

    def warp_pair(pair: tuple[int, int]) -> npt.NDArray[np.uint8]:
        exemplar, member = pair
        flow = dense_flow(
            matcher.boxes[regions.images[exemplar].id],
            matcher.boxes[regions.images[member].id],
            _confidence(run, matcher, exemplar, member),
            frames[exemplar],
            config=run.config.flow,
        )
        return _grey(warp(frames[member], flow))

    warped: dict[tuple[int, int], npt.NDArray[np.uint8]] = {}
    with ThreadPoolExecutor(max_workers=run.workers) as pool:
        for pair, picture in zip(pairs, pool.map(warp_pair, pairs), strict=True):
            warped[pair] = picture
            run.progress.advance(stage)
    run.progress.finish(stage)
    patches = []
    for cluster in clusters:
        exemplar = int(regions.image_of_region[cluster.exemplar])
        left, top, right, bottom = regions.boxes[cluster.exemplar]
        pictures = [_grey(frames[exemplar])]
        pictures += [warped[exemplar, int(regions.image_of_region[member])] for member in cluster.members[1:]]
        patches.append([picture[top:bottom, left:right].astype(np.float32) / np.float32(255) for picture in pictures])
    return patches


def _grey(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _confidence(run: Run, matcher: ClassMatcher, image_a: int, image_b: int) -> FloatArray:
    """Confidence of all proposals of A in all of B; like everywhere, (b, a) is the transpose of (a, b) for a < b."""
    if image_a > image_b:
        return np.ascontiguousarray(_confidence(run, matcher, image_b, image_a).T)
    return match(
        matcher.boxes[matcher.images[image_a].id],
        matcher.boxes[matcher.images[image_b].id],
        matcher.descriptors.appearance(image_a, image_b),
        config=run.config.flow,
    )
