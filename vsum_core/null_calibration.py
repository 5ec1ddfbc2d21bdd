"""Does a cluster tell more than a cluster of random regions? What speaks for it, against what speaks for those.

Scattered masks (:func:`vsum_core.baselines.scattered_mask`) go through the same pruning and clustering as real ones.
What their clusters reach is what the images alone give, whatever the network looks at. Three things are compared:

* *likeness*: do the members look alike? Mean whitened-HOG cosine of all pairs;
* *effect*: does the network need them? Mean relative score drop when a member's region alone is blurred;
* *breadth*: do they come back? Logarithm of the number of images. A scattered blob hits a part in some images only,
  so a random cluster that is as alike and as needed as a real one is seldom as broad.

Source: this project.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from vsum_core.clustering import Cluster
from vsum_core.config import EvidenceKind, QualityConfig
from vsum_core.quality import FilteredCluster, RejectionReason

Floats = NDArray[np.float64]

FEWEST_RANDOM_CLUSTERS = 3
"""With fewer clusters of random regions in all scatterings there is no mean and deviation to compare with."""

_LEAST_DEVIATION = 1e-6  # of evidence, where all random clusters are equal


@dataclass(frozen=True)
class Evidence:
    """What speaks for one cluster.

    Attributes:
        likeness: mean cosine of all pairs of members, in [-1, 1].
        effect: mean relative score drop of the members' regions, at most 1.
        images: number of different images that the members are from, 1 or more.
    """

    likeness: float
    effect: float
    images: int

    def of(self, kinds: Sequence[EvidenceKind]) -> list[float]:
        """The numbers that are compared, in the order of ``kinds``."""
        numbers = {
            EvidenceKind.LIKENESS: self.likeness,
            EvidenceKind.EFFECT: self.effect,
            EvidenceKind.BREADTH: math.log(self.images),
        }
        return [numbers[kind] for kind in kinds]


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

    A cluster's *score* is the sum of the kinds of evidence for it, each in standard deviations of the random clusters
    above their mean. Their own scores are taken as normal, which needs fewer of them than a quantile would.

    Args:
        evidence: of the random clusters, in any order.
        kinds: what is added up.
    """

    def __init__(self, evidence: Sequence[Evidence], *, kinds: Sequence[EvidenceKind] = tuple(EvidenceKind)) -> None:
        self.count = len(evidence)
        self._kinds = tuple(kinds)
        width = len(self._kinds)
        values = np.array([found.of(self._kinds) for found in evidence]).reshape(-1, width)
        self.middle_likeness = float(np.median([found.likeness for found in evidence])) if self.known else -np.inf
        self._mean = values.mean(axis=0) if self.known else np.zeros(width)
        self._deviation = np.maximum(values.std(axis=0, ddof=1), _LEAST_DEVIATION) if self.known else np.ones(width)
        scores = ((values - self._mean) / self._deviation).sum(axis=1)
        self._spread = float(scores.std(ddof=1)) if self.known else 0.0

    @property
    def known(self) -> bool:
        """Whether there are enough random clusters to compare with; where hardly any form, all others beat chance."""
        return self.count >= FEWEST_RANDOM_CLUSTERS

    def score(self, evidence: Evidence) -> float:
        """Sum of the standardised kinds of evidence; 0 for the average random cluster."""
        return float(((np.array(evidence.of(self._kinds)) - self._mean) / self._deviation).sum())

    def bar(self, share: float) -> float:
        """The score that ``share`` of random clusters exceed; minus infinity where there are too few of them.

        Raises:
            ValueError: ``share`` is not between 0 and 1, both excluded.
        """
        if not 0 < share < 1:
            raise ValueError(f"share must be between 0 and 1, but it is {share}.")
        return float(norm.ppf(1 - share)) * self._spread if self.known else -np.inf


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

    A cluster is accepted when its score exceeds the one that ``config.null_share`` of the random clusters exceed.
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
        elif null.score(found) <= bar:
            reason = RejectionReason.BELOW_BAR
        else:
            stays = likeness_of_members(likeness) >= null.middle_likeness
            stays[0] = True
            kept = tuple(np.flatnonzero(stays).tolist())
            if len(kept) < config.minimum_members:
                reason, kept = RejectionReason.TOO_FEW_MEMBERS, ()
        filtered.append(FilteredCluster(cluster, kept, None, reason is None, reason))
    return filtered
