"""Does a cluster tell more than a cluster of random regions? Its likeness and its effect, against those of chance.

Scattered masks (:func:`vsum_core.baselines.scattered_mask`) go through the same pruning and clustering as real ones.
What their clusters reach is what the images alone give, whatever the network looks at. Two things are compared:

* *likeness*: do the members look alike? Mean whitened-HOG cosine of all pairs;
* *effect*: does the network need them? Mean relative score drop when a member's region alone is blurred.

The reference's measure, structural similarity after the dense flow, does not separate them: ``docs/ground_truth.md``.
Source: this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vsum_core.clustering import Cluster
from vsum_core.config import QualityConfig
from vsum_core.quality import FilteredCluster, RejectionReason

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What speaks for one cluster.

    Attributes:
        likeness: mean cosine of all pairs of members, in [-1, 1].
        effect: mean relative score drop of the members' regions, at most 1.
    """

    likeness: float
    effect: float


def pairwise_likeness(descriptors: NDArray[np.floating[Any]]) -> Floats:
    """Cosines of all pairs of n descriptors: symmetric (n, n) in [-1, 1]; 0 with a descriptor of zeros.

    Args:
        descriptors: (n, D), one row per member; decorrelated, where whitening is asked for.

    Raises:
        ValueError: the shape is another one, or a number is not finite.
    """
    values = np.asarray(descriptors, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"Expected finite descriptors of shape (n, D), but got shape {values.shape}.")
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    cosines: Floats = np.clip(directions @ directions.T, -1, 1)
    return cosines


def likeness_of_members(pairs: Floats) -> Floats:
    """Mean likeness of each of n members to the others, (n,); 0 for a single one."""
    others = len(pairs) - 1
    return (pairs.sum(axis=1) - np.diag(pairs)) / others if others else np.zeros(1)


class Null:
    """What clusters of random regions of one network and class reach.

    A cluster's *rank* is the share of random clusters that it beats in both respects one by one, the smaller of the
    two: 0.9 says that it is more alike than 90 % of them and has more effect than 90 % of them.

    Args:
        evidence: of the random clusters, in any order; there may be none.
    """

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self.evidence = tuple(evidence)
        self._likeness = np.sort([found.likeness for found in evidence])
        self._effect = np.sort([found.effect for found in evidence])

    def rank(self, evidence: Evidence) -> float:
        """Share of random clusters beaten, the smaller of both respects, in [0, 1]; equal ones count half.

        Without any random cluster nothing is known to be better than chance, and the rank is 0.
        """
        if not self.evidence:
            return 0.0
        return min(_share_below(self._likeness, evidence.likeness), _share_below(self._effect, evidence.effect))

    def bar(self, share: float) -> float:
        """The rank that only ``share`` of the random clusters themselves exceed.

        Raises:
            ValueError: ``share`` is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share must be between 0 and 1, but it is {share}.")
        ranks = [self.rank(found) for found in self.evidence]
        return float(np.quantile(ranks, 1 - share, method="higher")) if ranks else 1.0

    @property
    def middle_likeness(self) -> float:
        """Median likeness of the random clusters; 0 where there is none."""
        return float(np.median(self._likeness)) if self.evidence else 0.0


def _share_below(ordered: Floats, value: float) -> float:
    below = int(np.searchsorted(ordered, value, side="left"))
    equal = int(np.searchsorted(ordered, value, side="right")) - below
    return (below + equal / 2) / len(ordered)


def mean_likeness(pairs: Floats) -> float:
    """Mean over all pairs of two different members; 0 for a single one."""
    upper = pairs[np.triu_indices(len(pairs), k=1)]
    return float(upper.mean()) if upper.size else 0.0


def filter_by_evidence(
    clusters: Sequence[Cluster],
    pairs: Sequence[Floats],
    evidence: Sequence[Evidence],
    *,
    null: Null,
    config: QualityConfig,
) -> list[FilteredCluster]:
    """Judge the clusters of one class, in their order, against clusters of random regions.

    A cluster is accepted when its rank exceeds the one that only ``config.null_share`` of the random clusters exceed.
    A member stays when its mean likeness to the others reaches the median likeness of the random clusters; the exemplar
    always stays. In the end a summary has ``config.minimum_members`` or more members.

    Args:
        clusters: of one class.
        pairs: per cluster the likeness of its members (:func:`pairwise_likeness`), in their order.
        evidence: per cluster.
        null: of the same class and network.
        config: ``null_share`` and ``minimum_members``.

    Raises:
        ValueError: the numbers do not fit.
    """
    if not len(clusters) == len(pairs) == len(evidence):
        raise ValueError(
            f"Expected likeness and evidence of {len(clusters)} clusters, but there are {len(pairs)} and "
            f"{len(evidence)}."
        )
    bar = null.bar(config.null_share)
    filtered = []
    for cluster, likeness, found in zip(clusters, pairs, evidence, strict=True):
        reason: RejectionReason | None = None
        kept: tuple[int, ...] = ()
        if len(cluster.members) < 2:
            reason = RejectionReason.NO_PAIR
        elif null.rank(found) <= bar:
            reason = RejectionReason.BELOW_BAR
        else:
            stays = likeness_of_members(likeness) >= null.middle_likeness
            stays[0] = True
            kept = tuple(np.flatnonzero(stays).tolist())
            if len(kept) < config.minimum_members:
                reason, kept = RejectionReason.TOO_FEW_MEMBERS, ()
        filtered.append(FilteredCluster(cluster, kept, None, reason is None, reason))
    return filtered
