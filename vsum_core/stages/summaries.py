"""Summaries and control groups of one class and network: what each region does to the network, and its pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.baselines import Region, random_regions, shift_mask, shuffled_clusters, whole_images
from vsum_core.config import Arm, as_dictionary
from vsum_core.datasets import ImageFile, read_image, read_part_masks
from vsum_core.metrics import coverage, part_of_region, purity, region_pixels
from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.regions import region_drops
from vsum_core.rendering import encode_webp, region_hull, render_cell, render_crop, render_grid, touching_components
from vsum_core.stages.grouping import Grouping
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.matching import ClassRegions
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.screening import network_key, read_batch
from vsum_core.store import key_of

STAGE = "summaries"

Frame = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Shown:
    """A region as it is measured and drawn: its mask moves along with it in the random arm."""

    region: Region
    image: ImageFile
    mask: Frame

    @property
    def pixels(self) -> npt.NDArray[np.bool_]:
        """The deleted pixels inside the box, bool (S, S)."""
        return np.asarray(region_pixels(self.region.box, self.mask.shape) & (self.mask < 0.5))


@dataclass(frozen=True)
class ArmResult:
    """What one arm of one class and network yields.

    Attributes:
        summaries: records for the manifest, the strongest mean drop first.
        coverage: share of the masks' score drop that the summaries explain together, or ``None``.
    """

    summaries: tuple[dict[str, Any], ...]
    coverage: float | None


def summarise(
    run: Run,
    network: Network,
    regions: ClassRegions,
    grouping: Grouping,
    masks: Mapping[str, ImageMask],
    *,
    method: str,
    arm: Arm,
    class_name: str,
) -> ArmResult:
    """Measure and draw the summaries of an arm; kept in the store."""
    key = key_of(
        grouping=grouping.key,
        network=network_key(network),
        method=method,
        shown=[mask.file for mask in masks.values()],
        arm=arm,
        masks=as_dictionary(run.config.masks),
        rendering=as_dictionary(run.config.rendering),
        parts=[image.part_masks is not None for image in regions.images],
        code=code_digest(__name__),
    )
    explainer = Explainer(network.specification.name, method)
    result = run.store.recall(STAGE, key)
    if result is None:
        groups = _groups(run, regions, grouping, arm=arm, seed=int(key_of(grouping=grouping.key, arm=arm)[:15], 16))
        frames = _frames(run, masks, arm)
        shown = [[_show(regions, region, frames) for region in group] for group in groups]
        drops = [[_drop(run, network, member, member.pixels) for member in group] for group in shown]
        order = sorted(range(len(groups)), key=lambda index: (-float(np.mean(drops[index])), index))
        summaries = [
            _record(
                run,
                shown[index],
                drops[index],
                identifier=_identifier(class_name, explainer, arm, rank, key),
                class_name=class_name,
                explainer=explainer,
                arm=arm,
                source=grouping.accepted[index] if arm is Arm.SUMMARIES else None,
            )
            for rank, index in enumerate(order, start=1)
        ]
        result = run.store.remember(
            STAGE,
            key,
            values={"summaries": summaries, "coverage": _coverage(run, network, shown, masks)},
        )
    return ArmResult(summaries=tuple(result.values["summaries"]), coverage=result.values["coverage"])


def _groups(run: Run, regions: ClassRegions, grouping: Grouping, *, arm: Arm, seed: int) -> list[list[Region]]:
    accepted = [
        [
            Region(
                image=int(regions.image_of_region[member]),
                box=_as_box(regions.boxes[member]),
                similarity=similarity,
                number=int(member) if regions.outlines is not None else None,
            )
            for member, similarity in zip(cluster.members, cluster.similarities, strict=True)
        ]
        for cluster in grouping.accepted
    ]
    side = run.config.proposals.frame_side
    generator = np.random.default_rng(seed)
    match arm:
        case Arm.SUMMARIES:
            return accepted
        case Arm.RANDOM_REGIONS:
            return random_regions(accepted, frame_side=side, generator=generator)
        case Arm.SHUFFLED_CLUSTERS:
            return shuffled_clusters(accepted, generator=generator)
        case Arm.WHOLE_IMAGES:
            return whole_images(accepted, frame_side=side, generator=generator)


def _frames(run: Run, masks: Mapping[str, ImageMask], arm: Arm) -> dict[str, Frame]:
    side = run.config.proposals.frame_side
    if arm is Arm.WHOLE_IMAGES:
        return {identifier: np.zeros((side, side), dtype=np.float32) for identifier in masks}
    return {identifier: mask.on_frame(side) for identifier, mask in masks.items()}


def _show(regions: ClassRegions, region: Region, frames: Mapping[str, Frame]) -> _Shown:
    image = regions.images[region.image]
    mask = frames[image.id]
    if regions.outlines is not None and region.number is not None:
        mask = np.where(regions.outlines[region.number], np.float32(0), np.float32(1))
    moved = shift_mask(mask, region.offset).astype(np.float32) if region.offset != (0, 0) else mask
    return _Shown(region=region, image=image, mask=moved)


def _as_box(box: npt.NDArray[np.int32]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(side) for side in box)
    return left, top, right, bottom


def _drop(run: Run, network: Network, shown: _Shown, pixels: npt.NDArray[np.bool_]) -> float:
    """Relative score drop when these pixels of the frame alone are blurred."""
    specification = network.specification
    size = (specification.input_width, specification.input_height)
    region = cv2.resize(pixels.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    image = read_batch([shown.image], network)[0]
    target = network.class_index(shown.image.label)
    return float(region_drops(network, image, target, [region], config=run.config.masks)[0])


def _coverage(
    run: Run, network: Network, shown: Sequence[Sequence[_Shown]], masks: Mapping[str, ImageMask]
) -> float | None:
    """How much of the masks' drop the union of all shown regions of each image explains."""
    unions: dict[str, npt.NDArray[np.bool_]] = {}
    first: dict[str, _Shown] = {}
    for group in shown:
        for member in group:
            unions[member.image.id] = unions.get(member.image.id, np.zeros_like(member.pixels)) | member.pixels
            first.setdefault(member.image.id, member)
    untouched = [mask.scores.p0 for mask in masks.values()]
    masked = [mask.scores.p_thresholded for mask in masks.values()]
    with_union = []
    for identifier, mask in masks.items():
        drop = _drop(run, network, first[identifier], unions[identifier]) if identifier in unions else 0.0
        with_union.append(min(max(mask.scores.p0 * (1 - drop), 0.0), 1.0))
    return coverage(untouched, with_union, masked)


def _record(
    run: Run,
    group: Sequence[_Shown],
    drops: Sequence[float],
    *,
    identifier: str,
    class_name: str,
    explainer: Explainer,
    arm: Arm,
    source: Any,
) -> dict[str, Any]:
    """One summary as the manifest lists it; pictures go to the store."""
    config = run.config.rendering
    side = run.config.proposals.frame_side
    cells, crops, cell_files, crop_files, members, parts = [], [], [], [], [], []
    for shown, drop in zip(group, drops, strict=True):
        image = read_image(shown.image.path)
        hull = region_hull(shown.mask, shown.region.box)
        whole = arm is Arm.WHOLE_IMAGES
        cell = render_cell(
            image,
            hull=None if whole else hull,
            components=touching_components(shown.mask, shown.region.box)
            if config.with_components and not whole
            else None,
            config=config,
        )
        box = [coordinate / side for coordinate in shown.region.box]
        crop = render_crop(image, box, config=config)
        cells.append(cell)
        crops.append(crop)
        cell_files.append(_picture(run, cell))
        crop_files.append(_picture(run, crop))
        part = _part(shown, side)
        parts.append(part)
        members.append(
            {
                "image": shown.image.id,
                "box": box,
                "hull": [[float(x), float(y)] for x, y in hull],
                "similarity": shown.region.similarity,
                "drop": drop,
                "part": part,
            }
        )
    known = any(shown.image.part_masks is not None for shown in group)
    name, share = purity(parts) if known else (None, None)
    similarities = [shown.region.similarity for shown in group if shown.region.similarity is not None]
    return {
        "id": identifier,
        "class": class_name,
        "network": explainer.network,
        "method": explainer.method,
        "arm": str(arm),
        "members": members,
        "quality": {
            "median_ssim": source.median_ssim if source is not None else None,
            "mean_similarity": float(np.mean(similarities)) if similarities else None,
            "mean_drop": float(np.mean(drops)),
            "size_before_filter": source.size_before_filter if source is not None else len(group),
            "part": name,
            "purity": share,
        },
        "files": {
            "grid": run.store.put(
                encode_webp(render_grid(cells, config=config), quality=config.quality), suffix="webp"
            ),
            "cells": cell_files,
            "crops": crop_files,
        },
    }


def _picture(run: Run, picture: npt.NDArray[np.uint8]) -> dict[str, Any]:
    height, width = picture.shape[:2]
    file = run.store.put(encode_webp(picture, quality=run.config.rendering.quality), suffix="webp")
    return {"file": file, "width": width, "height": height}


def _part(shown: _Shown, side: int) -> str | None:
    if shown.image.part_masks is None:
        return None
    return part_of_region(shown.pixels, read_part_masks(shown.image, (side, side)))


def _identifier(class_name: str, explainer: Explainer, arm: Arm, rank: int, key: str) -> str:
    """Readable and unique: class, network, method, arm, rank by drop, and the first digits of what produced it."""
    parts = (class_name, explainer.network, explainer.method, arm)
    words = "-".join(re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:20].strip("-") for text in parts)
    return f"{words}-{rank:02d}-{key[:8]}"
