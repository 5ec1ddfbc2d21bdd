"""From similarities to clusters: affinity propagation over all regions of a class.

Source: Frey, Dueck, "Clustering by passing messages between data points", Science 315, 2007 (equations 1 and 2, and the
damping of its supplement). The preference follows arXiv 1801.09103: a multiple of the median similarity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vsum_core.compilation import compiled
from vsum_core.config import ClusteringConfig
from vsum_core.device_propagation import pass_messages

FloatMatrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Propagation:
    """What affinity propagation found for R regions.

    Attributes:
        labels: int64 (R,), position in ``exemplars`` of each region's exemplar; -1 everywhere when there is none.
        exemplars: int64 (K,), region indices in ascending order.
        converged: whether the set of exemplars stayed the same for the whole convergence window.
        iterations: of the last attempt; 0 when the input was degenerate and no message was passed.
        damping: of the last attempt.
        preference: of every region, after subtracting the maximum; None for fewer than two regions.
        attempts: runs made, the first included; 0 when no message was passed.
    """

    labels: NDArray[np.int64]
    exemplars: NDArray[np.int64]
    converged: bool
    iterations: int
    damping: float
    preference: float | None
    attempts: int


@dataclass(frozen=True)
class Cluster:
    """Regions that look alike, at most one per image.

    Attributes:
        exemplar: region index.
        members: region indices, the exemplar first, then by falling similarity.
        similarities: of each member to the exemplar; None for the exemplar itself.
    """

    exemplar: int
    members: tuple[int, ...]
    similarities: tuple[float | None, ...]


def affinity_propagation(
    similarity: ArrayLike,
    *,
    config: ClusteringConfig,
    seed: int,
    noise: ArrayLike | None = None,
    device: torch.device | None = None,
) -> Propagation:
    """Cluster R regions by passing messages between them; the number of clusters follows from the preference.

    The similarities are shifted so that the largest of the R (R - 1) off-diagonal ones is 0; the preference is
    ``config.preference_factor`` times the median of the shifted off-diagonal ones (both triangles; for an even count
    the mean of the two middle values). The diagonal of ``similarity`` is not read. Noise of the size of one rounding
    error breaks ties. A run that does not converge within ``config.maximum_iterations`` is repeated from the start with
    each of ``config.retry_dampings`` until one converges; the last run is returned with ``converged`` telling how it
    ended.

    Degenerate inputs need no messages: no region gives no cluster, one region one cluster, and where all off-diagonal
    similarities are equal (always so for two regions of symmetric similarity) all regions form one cluster around
    region 0.

    Memory beside the input: three float32 (R, R) arrays; with a device one, and three there.

    Args:
        similarity: (R, R), how well region k (column) would serve region i (row) as exemplar; higher is more alike;
            need not be symmetric.
        config: preference, damping and when to stop.
        seed: of the tie-breaking noise.
        noise: standard normal numbers (R, R) to use in place of seeded ones.
        device: such as a CUDA device, where PyTorch passes the messages (:mod:`vsum_core.device_propagation`); None: on
            the processor, by Numba.

    Raises:
        ValueError: ``similarity`` is not square or not finite, or ``noise`` has another shape.
        torch.OutOfMemoryError: the messages do not fit into the device's memory.
    """
    similarity = np.asarray(similarity)
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1]:
        raise ValueError(f"similarity must have shape (R, R), but it has shape {similarity.shape}.")
    count = similarity.shape[0]
    if count < 2:
        return _degenerate(count, config=config, preference=None)

    shifted = np.array(similarity, dtype=np.float32, order="C")
    np.fill_diagonal(shifted, 0)
    if not np.isfinite(shifted).all():
        raise ValueError("similarity must be finite in float32, but it holds NaN, infinite or too large values.")
    others = _off_diagonal(shifted)
    others -= others.max()
    preference = config.preference_factor * float(np.median(others))
    if not others.any():
        return _degenerate(count, config=config, preference=preference)

    np.fill_diagonal(shifted, preference)
    _break_ties(shifted, seed=seed, noise=noise)
    on_device = None if device is None else torch.from_numpy(shifted).to(device)
    attempts = 0
    for damping in (config.damping, *config.retry_dampings):
        attempts += 1
        limit, window = config.maximum_iterations, config.convergence_window
        if on_device is None:
            found = _pass_messages(shifted, _Messages.none(count), damping, limit, window)
        else:
            found = pass_messages(on_device, damping=damping, maximum_iterations=limit, window=window)
        is_exemplar, converged, iterations = found
        if converged:
            break
    labels, exemplars = _assign(shifted, np.flatnonzero(is_exemplar))
    return Propagation(
        labels=labels,
        exemplars=exemplars,
        converged=bool(converged),
        iterations=int(iterations),
        damping=damping,
        preference=preference,
        attempts=attempts,
    )


def clusters_from_labels(
    propagation: Propagation,
    similarity: ArrayLike,
    image_of_region: Sequence[int] | NDArray[np.integer[Any]],
    *,
    config: ClusteringConfig,
) -> list[Cluster]:
    """Clusters with at most one region per image, in the order of their exemplars.

    From the exemplar's own image only the exemplar stays; of every other image the region most similar to the exemplar;
    then the most similar images up to ``config.maximum_members``, the exemplar counted. Clusters with fewer than
    ``config.minimum_members`` members are left out. Of equally similar regions the one of lower index comes first.

    Args:
        propagation: of the same regions.
        similarity: (R, R) as given to :func:`affinity_propagation`; a member's similarity is its row at the exemplar's
            column.
        image_of_region: (R,) number of the image each region lies in.
        config: how many members a cluster has.

    Raises:
        ValueError: the three do not speak of the same number of regions.
    """
    similarity = np.asarray(similarity)
    images = np.asarray(image_of_region, dtype=np.int64)
    count = len(propagation.labels)
    if similarity.shape != (count, count) or images.shape != (count,):
        raise ValueError(
            f"Expected similarity ({count}, {count}) and image_of_region ({count},) for {count} labels, "
            f"but they have shapes {similarity.shape} and {images.shape}."
        )
    clusters = []
    for position, exemplar in enumerate(propagation.exemplars.tolist()):
        candidates = np.flatnonzero((propagation.labels == position) & (images != images[exemplar]))
        to_exemplar = similarity[candidates, exemplar]
        ranked = candidates[np.argsort(-to_exemplar, kind="stable")]
        _, first_of_image = np.unique(images[ranked], return_index=True)
        others = ranked[np.sort(first_of_image)][: config.maximum_members - 1].tolist()
        if 1 + len(others) < config.minimum_members:
            continue
        clusters.append(
            Cluster(
                exemplar=exemplar,
                members=(exemplar, *others),
                similarities=(None, *(float(similarity[member, exemplar]) for member in others)),
            )
        )
    return clusters


def _degenerate(count: int, *, config: ClusteringConfig, preference: float | None) -> Propagation:
    """One cluster around region 0, or none when there is no region."""
    return Propagation(
        labels=np.zeros(count, dtype=np.int64),
        exemplars=np.zeros(min(count, 1), dtype=np.int64),
        converged=True,
        iterations=0,
        damping=config.damping,
        preference=preference,
        attempts=0,
    )


def _off_diagonal(matrix: FloatMatrix) -> FloatMatrix:
    """View (R - 1, R) of all entries off the diagonal of a contiguous (R, R) matrix.

    Behind every diagonal entry but the last come R entries off the diagonal.
    """
    count = len(matrix)
    return matrix.reshape(-1)[1:].reshape(count - 1, count + 1)[:, :-1]


def _break_ties(similarity: FloatMatrix, *, seed: int, noise: ArrayLike | None) -> None:
    """Add noise of the size of one rounding error in place, row by row to need no second matrix."""
    limits = np.finfo(np.float32)
    count = len(similarity)
    given = None if noise is None else np.asarray(noise)
    if given is not None and given.shape != similarity.shape:
        raise ValueError(f"noise must have shape {similarity.shape}, but it has shape {given.shape}.")
    generator = np.random.default_rng(seed)
    for index, row in enumerate(similarity):
        numbers = generator.standard_normal(count) if given is None else given[index]
        row += (limits.eps * row + limits.tiny * 100) * numbers


def _assign(similarity: FloatMatrix, exemplars: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels and exemplars after moving each exemplar to the region its cluster is most similar to in sum."""
    if len(exemplars) == 0:
        return np.full(len(similarity), -1, dtype=np.int64), exemplars
    labels = _nearest(similarity, exemplars)
    centres = exemplars.copy()
    for position in range(len(exemplars)):
        members = np.flatnonzero(labels == position)
        centres[position] = members[np.argmax(similarity[np.ix_(members, members)].sum(axis=0))]
    centres.sort()
    return _nearest(similarity, centres), centres


def _nearest(similarity: FloatMatrix, exemplars: NDArray[np.int64]) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = np.argmax(similarity[:, exemplars], axis=1).astype(np.int64)
    labels[exemplars] = np.arange(len(exemplars))
    return labels


class _Messages(NamedTuple):
    """What the regions have told each other; float32 (R, R) and, for what they tell themselves, (R,)."""

    responsibility: FloatMatrix
    availability: FloatMatrix  # of one iteration before; its diagonal is not kept
    self_availability: NDArray[np.float32]

    @classmethod
    def none(cls, count: int) -> _Messages:
        zeros = (np.zeros(shape, np.float32) for shape in ((count, count), (count, count), count))
        return cls(*zeros)


@compiled
def _pass_messages(
    similarity: FloatMatrix, messages: _Messages, damping: float, maximum_iterations: int, window: int
) -> tuple[NDArray[np.bool_], bool, int]:
    """Responsibilities and availabilities until the exemplars rest; returns (is exemplar (R,), converged, iterations).

    One sweep over the rows does both updates of an iteration: a row's availabilities need only the column sums of the
    sweep before, and its responsibilities only its own availabilities. Messages are changed in place in float32; sums
    are float64. Responsibility damps the update of equation 1 of the paper, availability that of equation 2;
    the availabilities of a region to itself are kept apart in ``self_availability``.
    """
    count = similarity.shape[0]
    keep = np.float32(damping)
    take = np.float32(1.0 - damping)
    zero = np.float32(0.0)
    responsibility, availability, self_availability = messages
    support = np.zeros(count, np.float64)
    next_support = np.zeros(count, np.float64)
    is_exemplar = np.zeros(count, np.bool_)
    unchanged = np.zeros(count, np.int64)

    for iteration in range(maximum_iterations):
        next_support[:] = 0.0
        for row in range(count):
            available = availability[row]
            responsible = responsibility[row]
            similar = similarity[row]
            if iteration > 0:
                for column in range(count):
                    evidence = np.float32(support[column]) - max(responsible[column], zero)
                    available[column] = keep * available[column] + take * min(evidence, zero)
            available[row] = self_availability[row]

            best = np.float32(-np.inf)
            second = np.float32(-np.inf)
            best_column = 0
            for column in range(count):
                total = available[column] + similar[column]
                if total > second:
                    if total > best:
                        second = best
                        best = total
                        best_column = column
                    else:
                        second = total

            at_best = keep * responsible[best_column] + take * (similar[best_column] - second)
            for column in range(count):
                responsible[column] = keep * responsible[column] + take * (similar[column] - best)
            responsible[best_column] = at_best
            for column in range(count):
                next_support[column] += max(responsible[column], zero)
            next_support[row] += min(responsible[row], zero)
        support, next_support = next_support, support

        settled = True
        for region in range(count):
            own = responsibility[region, region]
            self_availability[region] = keep * self_availability[region] + take * np.float32(support[region] - own)
            now = self_availability[region] + own > zero
            unchanged[region] = unchanged[region] + 1 if now == is_exemplar[region] else 1
            is_exemplar[region] = now
            settled = settled and unchanged[region] >= window
        if settled and iteration >= window and is_exemplar.any():
            return is_exemplar, True, iteration + 1
    return is_exemplar, False, maximum_iterations
