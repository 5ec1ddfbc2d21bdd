"""Proposal Flow between all pairs of images of one class, with only what the later stages need kept in memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vsum_core.compilation import compiled
from vsum_core.config import FlowConfig
from vsum_core.flow import checked_boxes, match
from vsum_core.threads import in_threads

FloatArray = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ClassFlow:
    """What :func:`match_class` found between N images.

    One instance serves several networks: compute it with the union of the proposals that any of them keeps, then ask
    for each network's own proposals by :meth:`scores` and :meth:`similarity`.

    Attributes:
        rows: per image, the kept proposals: (K_i,) increasing indices into the image's boxes.
        strongest_means: per group of images and per image, (K_i,) float32: the mean of each kept proposal's highest
            similarities to all proposals of the other images of the group; 0 where there is no other image with
            proposals, and where the image is not in the group.
        blocks: for every pair i ≤ j, the (K_i, K_j) float32 similarities of the kept proposals.
    """

    rows: tuple[Indices, ...]
    strongest_means: tuple[tuple[npt.NDArray[np.float32], ...], ...]
    blocks: Mapping[tuple[int, int], npt.NDArray[np.float32]]

    def block(self, image_a: int, image_b: int) -> npt.NDArray[np.float32]:
        """Similarities of the kept proposals of two images, (K_a, K_b).

        Pairs are matched in one direction only, so ``block(b, a)`` is the transpose of ``block(a, b)``.
        """
        if image_a <= image_b:
            return self.blocks[image_a, image_b]
        return self.blocks[image_b, image_a].T

    def scores(self, image: int, proposals: npt.ArrayLike, *, group: int = 0) -> npt.NDArray[np.float32]:
        """``strongest_means`` of some kept proposals of an image within a group, in the order asked for.

        Raises:
            KeyError: a proposal is not among ``rows[image]``.
        """
        return self.strongest_means[group][image][self._positions(image, proposals)]

    def similarity(self, proposals: Sequence[npt.ArrayLike]) -> npt.NDArray[np.float32]:
        """Similarity between all given proposals of all images: (R, R), R the number of proposals.

        Rows and columns go through the images in order and, within an image, through its proposals in the order given.
        The matrix is symmetric except between proposals of one image, whose match has a direction.

        Args:
            proposals: one array of kept proposals for each of the N images; it may be empty.

        Raises:
            ValueError: the number of arrays is not N.
            KeyError: a proposal is not among the kept ones of its image.
        """
        if len(proposals) != len(self.rows):
            raise ValueError(f"Give one array of proposals per image: expected {len(self.rows)}, got {len(proposals)}.")
        positions = [self._positions(image, wanted) for image, wanted in enumerate(proposals)]
        starts = np.concatenate([[0], np.cumsum([len(part) for part in positions])]).astype(int)
        result = np.empty((starts[-1], starts[-1]), dtype=np.float32)
        for (i, j), block in self.blocks.items():
            part = block[np.ix_(positions[i], positions[j])]
            result[starts[j] : starts[j + 1], starts[i] : starts[i + 1]] = part.T
            result[starts[i] : starts[i + 1], starts[j] : starts[j + 1]] = part
        return result

    def _positions(self, image: int, proposals: npt.ArrayLike) -> Indices:
        wanted = np.asarray(proposals, dtype=np.int64).reshape(-1)
        rows = self.rows[image]
        missing = np.setdiff1d(wanted, rows)
        if missing.size:
            raise KeyError(
                f"Proposals {missing.tolist()} of image {image} were not kept; "
                "pass them in `rows` when calling match_class."
            )
        return np.searchsorted(rows, wanted)


@dataclass(frozen=True, kw_only=True)
class PairMatches:
    """What matching some of the pairs of a class gives; :func:`joined` puts several together.

    Attributes:
        rows: as in :class:`ClassFlow`.
        strongest: per group and image, (K_i, S) float32: each kept proposal's S highest similarities so far, in any
            order, filled with zeros.
        seen: int64 (groups, N): similarities that were looked at for each kept proposal of an image.
        blocks: as in :class:`ClassFlow`, of the pairs matched.
    """

    rows: tuple[Indices, ...]
    strongest: tuple[tuple[npt.NDArray[np.float32], ...], ...]
    seen: Indices
    blocks: Mapping[tuple[int, int], npt.NDArray[np.float32]]


def all_pairs(images: int) -> list[tuple[int, int]]:
    """Every pair i ≤ j of N images."""
    return list(itertools.combinations_with_replacement(range(images), 2))


def match_class(
    boxes: Sequence[npt.ArrayLike],
    appearance: Callable[[int, int], FloatArray],
    *,
    rows: Sequence[npt.ArrayLike],
    strongest: int,
    config: FlowConfig,
    groups: Sequence[Collection[int]] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ClassFlow:
    """Match all pairs of N images of one class; arguments and errors are those of :func:`match_pairs`."""
    return joined(
        [
            match_pairs(
                boxes,
                appearance,
                pairs=all_pairs(len(boxes)),
                rows=rows,
                strongest=strongest,
                config=config,
                groups=groups,
                workers=workers,
                progress=progress,
            )
        ]
    )


def joined(parts: Sequence[PairMatches]) -> ClassFlow:
    """The flow of a class from parts that together hold every pair once.

    Raises:
        ValueError: there is no part, rows differ between parts, or a pair is missing or there twice.
    """
    if not parts:
        raise ValueError("Give at least one part.")
    rows = parts[0].rows
    for part in parts[1:]:
        if len(part.rows) != len(rows) or not all(map(np.array_equal, part.rows, rows)):
            raise ValueError("All parts must keep the same rows, but they do not.")
    pairs = sorted(pair for part in parts for pair in part.blocks)
    if pairs != all_pairs(len(rows)):
        raise ValueError(f"Expected each pair of {len(rows)} images once, but the parts hold {len(pairs)} pairs.")
    blocks = {pair: block for part in parts for pair, block in part.blocks.items()}
    seen = np.sum([part.seen for part in parts], axis=0)
    return ClassFlow(
        rows=rows,
        strongest_means=tuple(
            tuple(
                _means([part.strongest[group][image] for part in parts], seen=int(seen[group, image]))
                for image in range(len(rows))
            )
            for group in range(len(seen))
        ),
        blocks={pair: blocks[pair] for pair in pairs},
    )


def match_pairs(
    boxes: Sequence[npt.ArrayLike],
    appearance: Callable[[int, int], FloatArray],
    *,
    pairs: Sequence[tuple[int, int]],
    rows: Sequence[npt.ArrayLike],
    strongest: int,
    config: FlowConfig,
    groups: Sequence[Collection[int]] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> PairMatches:
    """Match pairs of the N images of one class.

    Every pair i ≤ j is matched once with :func:`vsum_core.flow.match`, all proposals against all proposals; (j, i) is
    the transpose. The result does not depend on ``workers``.

    Memory: the kept blocks of all pairs take about ``2 K²`` bytes, K being the number of kept proposals of all images
    (200 MB for 100 images with 100 each), and each worker holds the matrices of one pair (about 10 MB at 500
    proposals).

    Args:
        boxes: per image (P_i, 4), see :func:`vsum_core.flow.match`.
        appearance: called as ``appearance(i, j)`` with i ≤ j from several threads at once; returns the (P_i, P_j)
            similarity of descriptors, 0 or more. It should be one matrix product of arrays prepared per image. Linear
            algebra runs on one thread per worker.
        pairs: (i, j) with i ≤ j, each once.
        rows: per image, indices of the proposals to keep, in any order; repeats count once.
        strongest: how many of a kept proposal's highest similarities ``ClassFlow.strongest_means`` averages; fewer
            where the other images have fewer proposals in all (``PruningConfig.strongest``).
        config: matcher and its constants.
        groups: sets of images, one for each network; ``strongest_means`` of a group look at its images only, so that
            they are those the network would have alone. One group of all images when left out.
        workers: threads; the matching itself runs outside Python's global lock.
        progress: called in the calling thread as ``progress(pairs_done, pairs_in_all)`` after each pair.

    Raises:
        ValueError: numbers of images differ, an index is out of range, or :func:`vsum_core.flow.match` refuses a pair.
    """
    if len(rows) != len(boxes):
        raise ValueError(f"Give one array of rows per image: expected {len(boxes)}, got {len(rows)}.")
    if workers < 1 or strongest < 1:
        raise ValueError(f"workers and strongest must be 1 or more, but they are {workers} and {strongest}.")
    checked = [checked_boxes(image_boxes, f"boxes[{image}]") for image, image_boxes in enumerate(boxes)]
    kept = tuple(
        _checked_rows(image_rows, count=len(checked[image]), image=image) for image, image_rows in enumerate(rows)
    )
    members = [frozenset(range(len(boxes)))] if groups is None else [frozenset(group) for group in groups]
    highest = [[_Strongest(len(image_rows), capacity=strongest) for image_rows in kept] for _ in members]
    blocks: dict[tuple[int, int], npt.NDArray[np.float32]] = {}

    def match_pair(pair: tuple[int, int]) -> npt.NDArray[np.float32]:
        i, j = pair
        confidence = match(checked[i], checked[j], appearance(i, j), config=config)
        if i != j:
            forwards, backwards = confidence[kept[i]], np.ascontiguousarray(confidence[:, kept[j]].T)
            for group, of_group in zip(members, highest, strict=True):
                if i in group and j in group:
                    of_group[i].update(forwards)
                    of_group[j].update(backwards)
        return np.ascontiguousarray(confidence[np.ix_(kept[i], kept[j])])

    with threadpool_limits(limits=1):
        for pair, block in in_threads(match_pair, pairs, workers=workers):
            blocks[pair] = block
            if progress is not None:
                progress(len(blocks), len(pairs))
    return PairMatches(
        rows=kept,
        strongest=tuple(tuple(values.heaps for values in of_group) for of_group in highest),
        seen=np.array([[values.seen for values in of_group] for of_group in highest], dtype=np.int64).reshape(
            len(members), len(kept)
        ),
        blocks={pair: blocks[pair] for pair in pairs},
    )


def _checked_rows(rows: npt.ArrayLike, *, count: int, image: int) -> Indices:
    result = np.unique(np.asarray(rows, dtype=np.int64))
    if result.size and (result[0] < 0 or result[-1] >= count):
        raise ValueError(
            f"rows[{image}] must lie between 0 and {count - 1}, the image having {count} boxes, "
            f"but they reach from {result[0]} to {result[-1]}."
        )
    return result


class _Strongest:
    """The highest similarities of each kept proposal so far; which they are does not depend on the order of updates."""

    def __init__(self, rows: int, *, capacity: int) -> None:
        self.heaps = np.zeros((rows, capacity), dtype=np.float32)
        self.seen = 0
        self._lock = threading.Lock()

    def update(self, similarities: npt.NDArray[np.float32]) -> None:
        with self._lock:
            self.seen += similarities.shape[1]
            _push(self.heaps, similarities)


def _means(strongest: Sequence[npt.NDArray[np.float32]], *, seen: int) -> npt.NDArray[np.float32]:
    """Means of the highest similarities; these are 0 or more and unused places hold 0, which adds nothing to a sum."""
    rows, capacity = strongest[0].shape
    highest = np.sort(np.concatenate(strongest, axis=1), axis=1)[:, -capacity:]
    totals = highest.sum(axis=1, dtype=np.float64)
    return np.asarray(totals / max(1, min(seen, capacity)), dtype=np.float32).reshape(rows)


@compiled
def _push(heaps: npt.NDArray[np.float32], similarities: npt.NDArray[np.float32]) -> None:
    """Keep the highest values of each row in a heap whose first entry is the least of them."""
    capacity = heaps.shape[1]
    for row in range(similarities.shape[0]):
        heap = heaps[row]
        for column in range(similarities.shape[1]):
            value = similarities[row, column]
            if value <= heap[0]:
                continue
            parent = 0
            while True:
                child = 2 * parent + 1
                if child >= capacity:
                    break
                if child + 1 < capacity and heap[child + 1] < heap[child]:
                    child += 1
                if heap[child] >= value:
                    break
                heap[parent] = heap[child]
                parent = child
            heap[parent] = value
