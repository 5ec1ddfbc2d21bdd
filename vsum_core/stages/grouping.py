"""Clusters of the regions of one class and explainer, and which of them, with which members, become summaries."""

from __future__ import annotations

from dataclasses import dataclass

from vsum_core.clustering import affinity_propagation, clusters_from_labels
from vsum_core.config import QualityBar, as_dictionary
from vsum_core.provenance import code_digest
from vsum_core.quality import filter_clusters, reject_repeats
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.run import Run
from vsum_core.stages.warping import cluster_patches, null_medians, warp_members
from vsum_core.store import key_of

STAGE = "clusters"


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
    """What became of the regions of one class and explainer.

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
        regions: of the explainer.
        label: class and explainer, for progress.
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
        pictures = warp_members(run, matcher, regions, clusters, label=label)
        patches = [cluster_patches(regions, cluster, pictures) for cluster in clusters]
        null = None
        if config.quality.bar is QualityBar.NULL_CALIBRATED:
            null = null_medians(regions, clusters, pictures, config=config.quality, seed=config.seed)
        accepted = [
            {
                "members": [int(member) for member in outcome.members],
                "similarities": list(outcome.similarities),
                "median_ssim": outcome.median_ssim,
                "size_before_filter": len(outcome.cluster.members),
            }
            for outcome in reject_repeats(
                filter_clusters(clusters, patches, config=config.quality, null=null),
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
