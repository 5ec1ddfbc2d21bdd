"""What deleting and inserting does to the networks of a run: pixel by pixel of the masks, and summary by summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vsum_core.config import Arm, MaskConfig
from vsum_core.curves import deletion_curve, insertion_curve
from vsum_core.datasets import ClassLabel
from vsum_core.images import read_image
from vsum_core.metrics import region_pixels
from vsum_core.networks import Network
from vsum_core.regions import region_drops
from vsum_core.store import Store

Manifest = Mapping[str, Any]

_SPREAD = 0.04  # of the image's side: a sharp mask has no order within its blobs, so their middles come first


@dataclass(frozen=True, kw_only=True)
class CurveMeans:
    """Means over images.

    Attributes:
        network: its name.
        images: how many.
        deletion_area, insertion_area: under the curves of p / p0, in [0, 1]; small and large are good.
        summaries: p / p0 after deleting the regions of the first 0, 1, 2, ... summaries of the image's class.
    """

    network: str
    images: int
    deletion_area: float
    insertion_area: float
    summaries: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Shown:
    """An image as its network sees it, with its mask (H, W) in [0, 1]."""

    class_name: str
    identifier: str
    pixels: torch.Tensor
    target: int
    mask: NDArray[np.float32]
    p0: float


def mask_curves(manifest: Manifest, run: Path, images: Path, network: Network, *, limit: int) -> dict[str, Any]:
    """Areas under the deletion and insertion curves of the masks, the first ``limit`` images of each class."""
    config = MaskConfig()
    areas = []
    for shown in _images(manifest, run, images, network, limit):
        relevance = cv2.GaussianBlur(1 - shown.mask, (0, 0), _SPREAD * shown.mask.shape[0])
        deletion, insertion = (
            curve(network, shown.pixels, shown.target, relevance, config=config)
            for curve in (deletion_curve, insertion_curve)
        )
        areas.append((deletion.area / shown.p0, insertion.area / shown.p0))
    deletion_area, insertion_area = np.mean(areas, axis=0)
    return {"images": len(areas), "deletion_area": float(deletion_area), "insertion_area": float(insertion_area)}


def summary_curve(manifest: Manifest, run: Path, images: Path, network: Network, *, limit: int) -> tuple[float, ...]:
    """Mean p / p0 as the summaries of a class are deleted one after another, strongest first.

    An image that shows no region of a summary keeps its value at that step, and so does a class without further ones.
    """
    rows = []
    for shown in _images(manifest, run, images, network, limit):
        unions = list(_unions(manifest, shown, network.specification.name))
        drops = region_drops(network, shown.pixels, shown.target, unions, config=MaskConfig())
        rows.append([1.0, *(1 - drops)])
    length = max(len(row) for row in rows)
    filled = [row + [row[-1]] * (length - len(row)) for row in rows]
    return tuple(float(value) for value in np.mean(filled, axis=0))


def _unions(manifest: Manifest, shown: _Shown, network: str) -> Iterator[NDArray[np.bool_]]:
    height, width = shown.mask.shape
    union = np.zeros((height, width), dtype=bool)
    for summary in manifest["summaries"]:
        own = (summary["class"], summary["network"], summary["arm"]) == (shown.class_name, network, Arm.SUMMARIES)
        if not own:
            continue
        for member in summary["members"]:
            if member["image"] == shown.identifier:
                box = np.multiply(member["box"], [width, height, width, height])
                union = union | (region_pixels(box, (height, width)) & (shown.mask < 0.5))
        yield union


def _images(manifest: Manifest, run: Path, images: Path, network: Network, limit: int) -> Iterator[_Shown]:
    specification = network.specification
    size = (specification.input_height, specification.input_width)
    paths = {image["id"]: images / image["path"] for image in manifest["images"]}
    store = Store(run)
    for record in manifest["classes"]:
        label = ClassLabel(name=record["name"], folder=record["folder"], wnid=record["wnid"])
        own = [
            mask for mask in manifest["masks"] if mask["class"] == label.name and mask["network"] == specification.name
        ]
        for mask in own[:limit]:
            pixels = torch.from_numpy(read_image(paths[mask["image"]], size=size)).permute(2, 0, 1).float() / 255
            encoded = np.frombuffer(store.read(mask["file"]), dtype=np.uint8)
            yield _Shown(
                class_name=label.name,
                identifier=mask["image"],
                pixels=pixels,
                target=network.class_index(label),
                mask=(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)) / 255).astype(np.float32),
                p0=mask["p0"],
            )
