"""Clusters of the regions of one class and explainer, and which of them, with which members, become summaries."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vsum_core.block_propagation import propagation_in_blocks
from vsum_core.clustering import Cluster, Propagation, clusters_from_labels
from vsum_core.config import QualityBar, as_dictionary
from vsum_core.networks import Network
from vsum_core.null_calibration import Null, filter_by_evidence
from vsum_core.provenance import code_digest
from vsum_core.quality import FilteredCluster, filter_clusters, median_ssim, reject_repeats
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.run import Run
from vsum_core.stages.scattering import MaskedRegions, clusters_evidence
from vsum_core.stages.screening import network_key
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


Clusterer = Callable[..., Propagation]
"""Called as :func:`vsum_core.clustering.affinity_propagation` is."""


def group(
    run: Run,
    network: Network,
    matcher: ClassMatcher,
    masked: MaskedRegions,
    *,
    scatterings: Sequence[MaskedRegions] = (),
    clusterer: Clusterer = propagation_in_blocks,
    with_structure: bool = True,
    label: str,
) -> Grouping:
    """Cluster the regions and filter the clusters; kept in the store.

    Args:
        run: the run.
        network: whose score the regions are measured with; read with ``QualityBar.EVIDENCE`` only.
        matcher: of the class; gives proposals and descriptors.
        masked: regions of the explainer, and its masks.
        scatterings: regions of its scattered masks; read with ``QualityBar.EVIDENCE`` only.
        clusterer: affinity propagation, or what a comparison puts in its place.
        with_structure: whether structural similarity is reported where the bar does not need it; it takes the dense
            flow between all members, most of this stage's time.
        label: class and explainer, for progress.
    """
    config, regions = run.config, masked.regions
    key = key_of(
        regions=[regions.key, *(null.regions.key for null in scatterings)],
        masks=[mask.file for mask in masked.masks.values()],
        network=network_key(network),
        clusterer=f"{clusterer.__module__}.{clusterer.__qualname__}",
        clustering=as_dictionary(config.clustering),
        quality=as_dictionary(config.quality),
        flow=as_dictionary(config.flow),
        with_structure=with_structure,
        perturbation=[config.masks.blur_kernel, config.masks.blur_sigma],
        seed=config.seed,
        code=code_digest(__name__),
    )
    result = run.store.recall(STAGE, key)
    if result is None:
        propagation, clusters = _clusters(run, regions, clusterer)
        if config.quality.bar is QualityBar.EVIDENCE:
            filtered = _by_evidence(run, network, matcher, masked, clusters, scatterings, clusterer)
        else:
            filtered = _by_structure(run, matcher, regions, clusters, label=label)
        final = reject_repeats(
            filtered,
            boxes=regions.boxes,
            image_of_region=regions.image_of_region,
            similarity=regions.similarity,
            config=config.quality,
        )
        if config.quality.bar is QualityBar.EVIDENCE and with_structure:
            final = _with_structure(run, matcher, regions, final, label=label)
        result = run.store.remember(
            STAGE,
            key,
            values={
                "accepted": [
                    {
                        "members": [int(member) for member in outcome.members],
                        "similarities": list(outcome.similarities),
                        "median_ssim": outcome.median_ssim,
                        "size_before_filter": len(outcome.cluster.members),
                    }
                    for outcome in final
                    if outcome.accepted
                ],
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


def _clusters(run: Run, regions: ClassRegions, clusterer: Clusterer) -> tuple[Propagation, list[Cluster]]:
    config = run.config.clustering
    device = run.device if run.device.type == "cuda" else None  # Numba is faster than PyTorch on the processor
    propagation = clusterer(regions.similarity, config=config, seed=run.config.seed, device=device)
    return propagation, clusters_from_labels(propagation, regions.similarity, regions.image_of_region, config=config)


def _by_structure(
    run: Run, matcher: ClassMatcher, regions: ClassRegions, clusters: Sequence[Cluster], *, label: str
) -> list[FilteredCluster]:
    """Judged by structural similarity of the members laid over their exemplar."""
    config = run.config.quality
    pictures = warp_members(run, matcher, regions, clusters, label=label)
    patches = [cluster_patches(regions, cluster, pictures) for cluster in clusters]
    null = None
    if config.bar is QualityBar.NULL_CALIBRATED:
        null = null_medians(regions, clusters, pictures, config=config, seed=run.config.seed)
    return filter_clusters(clusters, patches, config=config, null=null)


def _by_evidence(
    run: Run,
    network: Network,
    matcher: ClassMatcher,
    masked: MaskedRegions,
    clusters: Sequence[Cluster],
    scatterings: Sequence[MaskedRegions],
    clusterer: Clusterer,
) -> list[FilteredCluster]:
    """Judged by the evidence for them, against clusters of random regions of the same minimum size."""
    config = run.config.quality

    def large(found: Sequence[Cluster]) -> list[Cluster]:
        return [cluster for cluster in found if len(cluster.members) >= config.minimum_members]

    random_evidence = []
    for scattering in scatterings:
        random = large(_clusters(run, scattering.regions, clusterer)[1])
        random_evidence.extend(clusters_evidence(run, network, matcher, scattering, random)[1])
    candidates = large(clusters)
    pairs, evidence = clusters_evidence(run, network, matcher, masked, candidates)
    null = Null(random_evidence, kinds=config.evidence)
    return filter_by_evidence(candidates, pairs, evidence, null=null, config=config)


def _with_structure(
    run: Run, matcher: ClassMatcher, regions: ClassRegions, filtered: Sequence[FilteredCluster], *, label: str
) -> list[FilteredCluster]:
    """Accepted clusters with the structural similarity of their members, which is reported but has no say."""
    accepted = [outcome.cluster for outcome in filtered if outcome.accepted]
    pictures = warp_members(run, matcher, regions, accepted, label=label)
    return [
        dataclasses.replace(outcome, median_ssim=median_ssim(cluster_patches(regions, outcome.cluster, pictures)))
        if outcome.accepted
        else outcome
        for outcome in filtered
    ]
