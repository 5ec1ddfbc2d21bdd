"""Control arms: pictures that are no summaries, made to look like summaries in all but their content.

Every arm answers the summaries of one class with as many groups of as many members, at most one region per image in a
group. The order of members is drawn afresh, so that it does not tell which one was an exemplar.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]

_TRADES_PER_GROUP = 10  # every group trades about 20 times, far beyond what still shows where it started
_DRAWS = 32  # arrangements among which shuffled_clusters takes the best mixed one


@dataclass(frozen=True)
class Region:
    """One member of a summary or of a control group.

    Attributes:
        image: number of the image.
        box: left, top, right, bottom in pixels of the frame; right and bottom exclusive.
        drop: relative score drop when the region alone is perturbed; None where it has not been measured.
        similarity: to the exemplar of its group; None for the exemplar itself and where there is no exemplar.
        offset: right and down, in whole pixels of the frame, from the place the region has been moved from; give it to
            :func:`shift_mask` to move the region's mask along.
        number: of the region in its class, where it has an outline of its own; None otherwise.
    """

    image: int
    box: Box
    drop: float | None = None
    similarity: float | None = None
    offset: tuple[int, int] = (0, 0)
    number: int | None = None


def random_regions(
    summaries: Sequence[Sequence[Region]], *, frame_side: int, generator: np.random.Generator
) -> list[list[Region]]:
    """Regions of the same size in the same images, but elsewhere, grouped at random.

    Every box is moved by whole pixels to a place drawn uniformly from all places inside the frame; it may by chance
    cover some of the mask or its old place. With its mask moved along (``offset``), a control region has the outline
    and the masked area of its original. The groups are then drawn at random: as many members as each summary has, no
    image twice in a group, every image as often in all as before.

    Raises:
        ValueError: a summary shows an image twice, or a box is empty or reaches out of the frame.
    """
    _check(summaries, frame_side=frame_side)
    moved = [[_move(region, frame_side, generator) for region in summary] for summary in summaries]
    return [[region for _, region in group] for group in _regroup(moved, generator)]


def shuffled_clusters(summaries: Sequence[Sequence[Region]], *, generator: np.random.Generator) -> list[list[Region]]:
    """The regions of all summaries, dealt anew so that every group mixes members of several summaries.

    As many members as each summary has, no image twice in a group. Of several random arrangements the one is taken in
    which the regions of one summary meet again least. A single summary has nothing to be mixed with and gives no group.

    Raises:
        ValueError: a summary shows an image twice.
    """
    _check(summaries, frame_side=None)
    if len(summaries) < 2:
        return []
    arrangements = [_regroup(summaries, generator) for _ in range(_DRAWS)]
    best = min(arrangements, key=_unmixed)
    return [[dataclasses.replace(region, similarity=None) for _, region in group] for group in best]


def whole_images(
    summaries: Sequence[Sequence[Region]], *, frame_side: int, generator: np.random.Generator
) -> list[list[Region]]:
    """The images of each summary, whole: what people would name without any region.

    Raises:
        ValueError: a summary shows an image twice, or a box is empty or reaches out of the frame.
    """
    _check(summaries, frame_side=frame_side)
    side = float(frame_side)
    return [
        [
            Region(image=summary[index].image, box=(0.0, 0.0, side, side))
            for index in generator.permutation(len(summary))
        ]
        for summary in summaries
    ]


def shift_mask(mask: NDArray[np.floating[Any]], offset: tuple[int, int]) -> NDArray[np.floating[Any]]:
    """A mask (S, S) moved by ``offset`` pixels (right, down); 1 (keep) moves in from outside."""
    height, width = mask.shape
    right, down = offset
    result = np.ones_like(mask)
    rows = slice(max(0, down), min(height, height + down))
    columns = slice(max(0, right), min(width, width + right))
    if rows.start < rows.stop and columns.start < columns.stop:
        result[rows, columns] = mask[rows.start - down : rows.stop - down, columns.start - right : columns.stop - right]
    return result


def scattered_mask(mask: NDArray[np.floating[Any]], *, generator: np.random.Generator) -> NDArray[np.float32]:
    """A mask as crisp and nearly as large as this one that means nothing: every blob lies at a random place.

    Each connected component of the deleted area (below 0.5, 8 neighbours) is moved by whole pixels to a place drawn
    uniformly from all places inside the frame, independently of the others; where they meet, more stays. Regions that
    are pruned, clustered and filtered under such masks are the null of the whole method: the same images, the same
    shapes, but no tie to the network. Source: this project.

    Args:
        mask: (S, S) in [0, 1]; below 0.5 a pixel is deleted.
        generator: draws the places.

    Returns:
        float32 (S, S): 0 on the moved components, 1 elsewhere.
    """
    height, width = mask.shape
    count, labels = cv2.connectedComponents((mask < 0.5).astype(np.uint8), connectivity=8)
    result = np.ones((height, width), dtype=np.float32)
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        down = int(generator.integers(-rows.min(), height - rows.max()))
        right = int(generator.integers(-columns.min(), width - columns.max()))
        result[rows + down, columns + right] = 0
    return result


def _check(summaries: Sequence[Sequence[Region]], *, frame_side: int | None) -> None:
    for position, summary in enumerate(summaries):
        image, count = Counter(region.image for region in summary).most_common(1)[0] if summary else (None, 0)
        if count > 1:
            raise ValueError(
                f"A summary shows every image once, but summary {position} shows image {image} {count} times."
            )
        for region in summary:
            left, top, right, bottom = region.box
            inside = frame_side is None or (left >= 0 and top >= 0 and right <= frame_side and bottom <= frame_side)
            if not (left < right and top < bottom and inside):
                raise ValueError(
                    f"Boxes must be [left, top, right, bottom] and lie in the frame of {frame_side} pixels, but a box "
                    f"of summary {position} is {region.box}."
                )


def _move(region: Region, frame_side: int, generator: np.random.Generator) -> Region:
    left, top, right, bottom = region.box
    rightwards = int(generator.integers(np.ceil(-left), np.floor(frame_side - right), endpoint=True))
    downwards = int(generator.integers(np.ceil(-top), np.floor(frame_side - bottom), endpoint=True))
    return Region(
        image=region.image,
        box=(left + rightwards, top + downwards, right + rightwards, bottom + downwards),
        offset=(rightwards, downwards),
        number=region.number,
    )


def _regroup(groups: Sequence[Sequence[Region]], generator: np.random.Generator) -> list[list[tuple[int, Region]]]:
    """Deal the regions anew, each with the number of the group it came from; sizes and images as in the docstrings."""
    stock: dict[int, list[tuple[int, Region]]] = defaultdict(list)
    for source, group in enumerate(groups):
        for region in group:
            stock[region.image].append((source, region))
    for pile in stock.values():
        generator.shuffle(pile)
    images = _trade_images([{region.image for region in group} for group in groups], generator)
    return [[stock[image].pop() for image in generator.permutation(sorted(chosen)).tolist()] for chosen in images]


def _trade_images(groups: list[set[int]], generator: np.random.Generator) -> list[set[int]]:
    """Random sets of images with the given sizes in which every image is as frequent as before.

    Two groups at a time pool the images that only one of them has and deal them anew (the curveball algorithm: Strona,
    Nappo, Boccacci, Fattorini, San-Miguel-Ayanz, Nature Communications 5:4114, 2014).
    """
    for _ in range(_TRADES_PER_GROUP * len(groups) if len(groups) > 1 else 0):
        first, second = generator.choice(len(groups), size=2, replace=False).tolist()
        common = groups[first] & groups[second]
        pool = generator.permutation(sorted(groups[first] ^ groups[second])).tolist()
        taken = len(groups[first]) - len(common)
        groups[first], groups[second] = common | set(pool[:taken]), common | set(pool[taken:])
    return groups


def _unmixed(arrangement: Sequence[Sequence[tuple[int, Region]]]) -> int:
    """Pairs of regions that were in one summary and are in one group."""
    counts = (Counter(source for source, _ in group) for group in arrangement)
    return sum(count * (count - 1) // 2 for counter in counts for count in counter.values())
