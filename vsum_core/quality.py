"""From clusters to summaries: do the members of a cluster look alike once they are laid over each other?

Source: arXiv 1801.09103 (structural similarity of all pairs of members warped to the exemplar); structural similarity:
Wang, Bovik, Sheikh, Simoncelli, IEEE Transactions on Image Processing 13(4), 2004.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.metrics import structural_similarity

from vsum_core.clustering import Cluster
from vsum_core.config import QualityBar, QualityConfig

Patch = NDArray[np.floating[Any]]

_LARGEST_WINDOW = 7  # pixels; the window of the reference
_ROUNDING = 1e-5  # by which interpolated patches may leave [0, 1]


class RejectionReason(enum.StrEnum):
    """Why a cluster does not become a summary."""

    NO_PAIR = "no-pair"  # a single member has nothing to be compared with
    BELOW_BAR = "below-bar"
    TOO_FEW_MEMBERS = "too-few-members"  # left after members that fit badly were taken out
    REPEATS = "repeats"  # shows the place that a better cluster of the class shows


@dataclass(frozen=True)
class FilteredCluster:
    """A cluster and what the quality filter made of it.

    Attributes:
        cluster: as it came in.
        kept: positions in ``cluster.members`` of those that stay, ascending and so the exemplar (0) first; empty where
            the cluster is not accepted.
        median_ssim: median structural similarity of all pairs of members, in [-1, 1]; None where there is no pair.
        accepted: whether the cluster becomes a summary.
        reason: why not; None where it is accepted.
    """

    cluster: Cluster
    kept: tuple[int, ...]
    median_ssim: float | None
    accepted: bool
    reason: RejectionReason | None

    @property
    def members(self) -> tuple[int, ...]:
        """Regions that stay, the exemplar first."""
        return tuple(self.cluster.members[position] for position in self.kept)

    @property
    def similarities(self) -> tuple[float | None, ...]:
        """Similarity to the exemplar of the regions that stay; None for the exemplar itself."""
        return tuple(self.cluster.similarities[position] for position in self.kept)


def pairwise_ssim(patches: Sequence[Patch]) -> NDArray[np.float64]:
    """Structural similarity of all pairs of n patches: symmetric (n, n) in [-1, 1], 1 on the diagonal.

    The window is 7 pixels wide; where a side of the patches is shorter, the largest odd width that fits. With a window
    of a single pixel (a side of 1 or 2) there is no structure, and what is left compares the levels. Constant patches
    need no special case: equal ones have similarity 1.

    Args:
        patches: n grey arrays (h, w) of equal shape with values in [0, 1].

    Raises:
        ValueError: shapes differ, a patch is empty, or a value is outside [0, 1] or not finite.
    """
    arrays = [np.asarray(patch, dtype=np.float64) for patch in patches]
    _check_patches(arrays)
    result = np.eye(len(arrays))
    for first in range(len(arrays)):
        for second in range(first):
            value = _structural_similarity(arrays[first], arrays[second])
            result[first, second] = result[second, first] = value
    return result


def median_ssim(patches: Sequence[Patch]) -> float | None:
    """Median structural similarity of all pairs of patches; None for fewer than two patches.

    Clusters of random regions measured this way make the ``null`` of :func:`filter_clusters`.
    """
    return _median_of_pairs(pairwise_ssim(patches))


def filter_clusters(
    clusters: Sequence[Cluster],
    member_patches: Sequence[Sequence[Patch]],
    *,
    config: QualityConfig,
    null: Sequence[float] | None = None,
) -> list[FilteredCluster]:
    """Judge the clusters of one class, in their order.

    With M the median over clusters of their median similarity, ``QualityBar.RELATIVE`` accepts a cluster whose median
    is at least ``config.cluster_factor`` · M (for a negative M, where this would turn away even the middle cluster, as
    far below M: (2 - factor) · M) and keeps a member when fewer than
    ``config.member_share`` of its pairs are below M. ``QualityBar.NULL_CALIBRATED`` accepts a cluster whose median is
    above the ``config.null_quantile`` quantile of ``null`` and compares the pairs of its members with that quantile.
    ``QualityBar.NONE`` accepts every cluster and keeps every member. The exemplar always stays. In the end a summary
    has ``config.minimum_members`` or more members.

    The relative bar follows the other clusters of the class: a set of poor clusters passes as easily as a set of good
    ones, so counts of summaries are not comparable between networks under it.

    Args:
        clusters: of one class.
        member_patches: per cluster the patches (h, w) of its members, in their order, warped to the exemplar and cut to
            the exemplar's box; grey in [0, 1]; equal shapes within a cluster.
        config: which bar, and how high.
        null: medians of clusters of random regions; read with ``QualityBar.NULL_CALIBRATED`` only.

    Raises:
        ValueError: patches do not match the members, or the calibrated bar is asked for without a finite ``null``.
    """
    if len(clusters) != len(member_patches):
        raise ValueError(f"Expected patches of {len(clusters)} clusters, but there are {len(member_patches)}.")
    for cluster, patches in zip(clusters, member_patches, strict=True):
        if len(cluster.members) != len(patches):
            raise ValueError(
                f"The cluster around region {cluster.exemplar} has {len(cluster.members)} members, "
                f"but {len(patches)} patches."
            )
    similarities = [pairwise_ssim(patches) for patches in member_patches]
    medians = [_median_of_pairs(matrix) for matrix in similarities]
    bar = _bar(medians, config=config, null=null)
    return [
        _judge(cluster, matrix, median, bar=bar, config=config)
        for cluster, matrix, median in zip(clusters, similarities, medians, strict=True)
    ]


def reject_repeats(
    filtered: Sequence[FilteredCluster],
    *,
    boxes: ArrayLike,
    image_of_region: ArrayLike,
    similarity: ArrayLike,
    config: QualityConfig,
) -> list[FilteredCluster]:
    """Of accepted clusters that show the same place keep the best; the others are rejected as repeats.

    A cluster is better when its members are more similar to the exemplar, on average, relative to the exemplar's
    similarity to itself. It repeats a better one when, in more than half of the images that both show (which must be at
    least ``config.repeat_images`` of its own), its region and the other's intersect in ``config.repeat_overlap`` of the
    smaller box or more. ``config.repeat_overlap`` None, as in the reference, rejects nothing. Source: this project;
    people would name the same part twice, which says nothing new about the network.

    Args:
        filtered: clusters of one class, as :func:`filter_clusters` returns them.
        boxes: (R, 4) left, top, right, bottom of all regions.
        image_of_region: (R,) number of the image of each region.
        similarity: (R, R), the exemplar's similarity to itself on the diagonal.
        config: what counts as a repeat.

    Returns:
        All clusters, in their order.
    """
    if config.repeat_overlap is None:
        return list(filtered)
    corners, images, scores = (np.asarray(values, dtype=np.float64) for values in (boxes, image_of_region, similarity))
    accepted = [index for index, outcome in enumerate(filtered) if outcome.accepted]
    closeness = {index: _closeness(filtered[index], scores) for index in accepted}
    result = list(filtered)
    kept: list[dict[float, int]] = []
    for index in sorted(accepted, key=lambda position: (-closeness[position], position)):
        places = {float(images[member]): member for member in filtered[index].members}
        if any(_repeats(places, other, corners, config) for other in kept):
            result[index] = replace(result[index], kept=(), accepted=False, reason=RejectionReason.REPEATS)
        else:
            kept.append(places)
    return result


def _closeness(outcome: FilteredCluster, similarity: NDArray[np.float64]) -> float:
    exemplar, *others = outcome.members
    own = float(similarity[exemplar, exemplar])
    return float(np.mean(similarity[others, exemplar])) / own if own > 0 and others else 0.0


def _repeats(
    places: Mapping[float, int], other: Mapping[float, int], boxes: NDArray[np.float64], config: QualityConfig
) -> bool:
    shared = places.keys() & other.keys()
    if config.repeat_overlap is None or len(shared) < max(1.0, config.repeat_images * len(places)):
        return False
    overlaps = [_overlap(boxes[places[image]], boxes[other[image]]) >= config.repeat_overlap for image in shared]
    return sum(overlaps) > len(overlaps) / 2


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over the smaller box."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    smaller = min(np.prod(one[2:] - one[:2]), np.prod(other[2:] - other[:2]))
    return float(np.prod(np.clip(sides, 0, None)) / smaller)


@dataclass(frozen=True)
class _Bar:
    """Two levels of similarity: for the median of a cluster, and for the pairs of a member."""

    cluster: float
    pair: float
    strict: bool  # whether a cluster exactly at the bar is turned away


def _bar(medians: Sequence[float | None], *, config: QualityConfig, null: Sequence[float] | None) -> _Bar:
    if config.bar is QualityBar.NULL_CALIBRATED:
        levels = np.asarray([] if null is None else null, dtype=np.float64)
        if levels.size == 0 or not np.isfinite(levels).all():
            raise ValueError(
                "The null-calibrated bar needs the medians of clusters of random regions as null, all finite, "
                f"but it is {null!r}. Measure them with median_ssim, or choose another bar."
            )
        level = float(np.quantile(levels, config.null_quantile))
        return _Bar(cluster=level, pair=level, strict=True)
    known = [median for median in medians if median is not None]
    if config.bar is QualityBar.NONE or not known:
        return _Bar(cluster=-np.inf, pair=-np.inf, strict=False)
    middle = float(np.median(known))
    factor = config.cluster_factor if middle >= 0 else 2 - config.cluster_factor
    return _Bar(cluster=factor * middle, pair=middle, strict=False)


def _judge(
    cluster: Cluster, similarity: NDArray[np.float64], median: float | None, *, bar: _Bar, config: QualityConfig
) -> FilteredCluster:
    reason: RejectionReason | None = None
    kept: tuple[int, ...] = ()
    if median is None:
        reason = RejectionReason.NO_PAIR
    elif median < bar.cluster or (bar.strict and median == bar.cluster):
        reason = RejectionReason.BELOW_BAR
    else:
        below = (similarity < bar.pair).sum(axis=1) / (len(similarity) - 1)
        stays = below < config.member_share
        stays[0] = True
        kept = tuple(np.flatnonzero(stays).tolist())
        if len(kept) < config.minimum_members:
            reason, kept = RejectionReason.TOO_FEW_MEMBERS, ()
    return FilteredCluster(cluster=cluster, kept=kept, median_ssim=median, accepted=reason is None, reason=reason)


def _median_of_pairs(similarity: NDArray[np.float64]) -> float | None:
    if len(similarity) < 2:
        return None
    return float(np.median(similarity[np.triu_indices(len(similarity), k=1)]))


def _structural_similarity(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    shorter = min(first.shape)
    window = min(_LARGEST_WINDOW, shorter - (shorter + 1) % 2)
    # The variance of a single pixel is undefined as a sample's and 0 as a population's.
    value = structural_similarity(  # type: ignore[no-untyped-call]
        first, second, win_size=window, data_range=1.0, use_sample_covariance=window > 1, gaussian_weights=False
    )
    return float(value)


def _check_patches(patches: Sequence[NDArray[np.float64]]) -> None:
    for patch in patches:
        if patch.ndim != 2 or patch.shape != patches[0].shape or patch.size == 0:
            raise ValueError(
                f"Patches of a cluster must be grey arrays (h, w) of one shape with h, w ≥ 1, but their shapes are "
                f"{sorted({other.shape for other in patches})}."
            )
        if not (np.isfinite(patch).all() and patch.min() >= -_ROUNDING and patch.max() <= 1 + _ROUNDING):
            raise ValueError(f"Patches must lie in [0, 1], but one spans [{patch.min()}, {patch.max()}].")
