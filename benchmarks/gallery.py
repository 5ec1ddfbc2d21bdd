"""A run to look at: one self-contained page with masks, summaries and controls, side by side for all networks.

    python -m benchmarks.gallery RUN --images DIR --out DIR [--masks 6] [--summaries 12] [--controls 4]

RUN is the directory of a run (``manage.py pregenerate`` or ``benchmarks.photographs``), ``--images`` the folder that
its images came from. Writes ``gallery.html`` into ``--out``; pictures are inside the page, so it opens from disk.
The page shows the images, so whoever may not pass on the images may not pass on the page.
"""

from __future__ import annotations

import argparse
import base64
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from vsum_core import manifest as manifests
from vsum_core.config import Arm
from vsum_core.images import read_image
from vsum_core.rendering import encode_webp
from vsum_core.store import Store

Picture = NDArray[np.uint8]

TEMPLATES = Path(__file__).resolve().parent / "templates"
THUMB_SIDE = 150
MEMBER_SIDE = 180
QUALITY = 62
DIMMED = 0.12  # brightness of what the mask keeps, in the picture of what it deletes
ARM_TITLES = {
    Arm.RANDOM_REGIONS: "Random regions",
    Arm.SHUFFLED_CLUSTERS: "Shuffled clusters",
    Arm.WHOLE_IMAGES: "Whole images",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a run the page shows, per class and network; the page says what it leaves out."""

    masks: int = 6
    summaries: int = 12
    controls: int = 4


class MissingImagesError(FileNotFoundError):
    """The folder given as ``--images`` lacks images of the run; the message names the first."""


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    limits = Limits(masks=options.masks, summaries=options.summaries, controls=options.controls)
    html = render(options.run, options.images, method=options.method, limits=limits)
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / "gallery.html"
    page.write_text(html, encoding="utf-8")
    print(f"{page} ({page.stat().st_size / 1e6:.1f} MB)")


def render(run: Path, images: Path, *, method: str | None = None, limits: Limits | None = None) -> str:
    """The page of a run for one of its methods (the first where None).

    Raises:
        ManifestError: the run has no valid manifest.
        ValueError: the run has no such method.
        MissingImagesError: images of the run are not in ``images``.
    """
    limits = limits or Limits()
    manifest = manifests.read(run)
    store = Store(run)
    known = list(dict.fromkeys(clustering["method"] for clustering in manifest["clusterings"]))
    method = method or known[0]
    if method not in known:
        raise ValueError(f"The run has no method {method!r}; it has: {', '.join(known)}.")
    missing = [image["path"] for image in manifest["images"] if not (images / image["path"]).is_file()]
    if missing:
        raise MissingImagesError(
            f"{images} lacks {len(missing)} of {len(manifest['images'])} images of the run, such as {missing[0]}. "
            "Give --images the folder that the run was made from."
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    networks = manifest["networks"]
    classes = [
        {
            "name": label["name"],
            "anchor": f"class-{number}",
            "networks": [_of_network(manifest, store, images, label, network, method, limits) for network in networks],
        }
        for number, label in enumerate(manifest["classes"], start=1)
    ]
    return environment.get_template("gallery.html").render(
        run=manifest["run"],
        method=method,
        networks=networks,
        classes=classes,
        totals=[_totals(manifest, one, method) for one in networks],
    )


def _of_network(
    manifest: Mapping[str, Any],
    store: Store,
    images: Path,
    label: Mapping[str, Any],
    network: Mapping[str, Any],
    method: str,
    limits: Limits,
) -> dict[str, Any]:
    own = {"class": label["name"], "network": network["name"], "method": method}
    masks = _select(manifest["masks"], **own)
    groups = {arm: _select(manifest["summaries"], **own, arm=str(arm)) for arm in Arm}
    summaries = groups[Arm.SUMMARIES]
    clustering = next(iter(_select(manifest["clusterings"], **own, arm=str(Arm.SUMMARIES))), None)
    paths = {image["id"]: images / image["path"] for image in manifest["images"]}
    return {
        "name": network["name"],
        "clustering": clustering,
        "p0": _mean(masks, "p0"),
        "p_sharp": _mean(masks, "p_sharp"),
        "area": _mean(masks, "area"),
        "summaries": [_summary(store, one) for one in summaries[: limits.summaries]],
        "summaries_left": max(0, len(summaries) - limits.summaries),
        "masks": [_mask(store, one, paths[one["image"]]) for one in masks[: limits.masks]],
        "masks_left": max(0, len(masks) - limits.masks),
        "controls": [
            {"title": title, "groups": [_summary(store, one) for one in groups[arm][: limits.controls]]}
            for arm, title in ARM_TITLES.items()
            if groups[arm]
        ],
    }


def _summary(store: Store, summary: Mapping[str, Any]) -> dict[str, Any]:
    cells = [_decoded(store.read(cell["file"])) for cell in summary["files"]["cells"]]
    return {
        "id": summary["id"],
        "quality": summary["quality"],
        "members": [
            {"picture": _embedded(cell, side=MEMBER_SIDE), "drop": member["drop"], "part": member.get("part")}
            for cell, member in zip(cells, summary["members"], strict=True)
        ],
    }


def _mask(store: Store, mask: Mapping[str, Any], path: Path) -> dict[str, Any]:
    sharp = _decoded_grey(store.read(mask["file"]))
    smooth = _decoded_grey(store.read(mask["smooth_file"])) if mask.get("smooth_file") else None
    image = cv2.resize(read_image(path), sharp.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    return {
        "scores": mask,
        "drops": [region["drop"] for region in mask["regions"]],
        "image": _embedded(image),
        "smooth": None if smooth is None else _embedded(_as_colours(smooth)),
        "sharp": _embedded(_as_colours(sharp)),
        "deleted": _embedded(deleted_part(image, sharp)),
    }


def deleted_part(image: Picture, mask: Picture) -> Picture:
    """What the mask deletes in full light, all else dimmed: (H, W, 3) and (H, W), 255 = keep → (H, W, 3)."""
    light = 1 - (1 - DIMMED) * (mask[..., None].astype(np.float32) / 255)
    return np.rint(image * light).astype(np.uint8)


def _totals(manifest: Mapping[str, Any], network: Mapping[str, Any], method: str) -> dict[str, Any]:
    own = {"network": network["name"], "method": method}
    clusterings = _select(manifest["clusterings"], **own, arm=str(Arm.SUMMARIES))
    masks = _select(manifest["masks"], **own)
    explained = [one["coverage"] for one in clusterings if one["coverage"] is not None]
    return {
        "name": network["name"],
        "seen": network["images_seen"],
        "correct": network["images_correct"],
        "summaries": sum(one["accepted"] for one in clusterings),
        "coverage": statistics.fmean(explained) if explained else None,
        "left": statistics.fmean(mask["p_sharp"] / mask["p0"] for mask in masks) if masks else None,
        "area": _mean(masks, "area"),
    }


def _select(records: Sequence[dict[str, Any]], **wanted: str) -> list[dict[str, Any]]:
    return [record for record in records if all(record[key] == value for key, value in wanted.items())]


def _mean(records: Sequence[Mapping[str, Any]], key: str) -> float | None:
    return statistics.fmean(record[key] for record in records) if records else None


def _decoded(content: bytes) -> Picture:
    picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(picture, dtype=np.uint8)


def _decoded_grey(content: bytes) -> Picture:
    return np.asarray(cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def _as_colours(grey: Picture) -> Picture:
    return np.repeat(grey[..., None], 3, axis=2)


def _embedded(picture: Picture, *, side: int = THUMB_SIDE) -> dict[str, Any]:
    """A small WebP as an address that needs no file, with its size."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    content = base64.b64encode(encode_webp(small, quality=QUALITY)).decode()
    return {"address": f"data:image/webp;base64,{content}", "width": size[0], "height": size[1]}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description="A run as one page to look at.")
    parser.add_argument("run", type=Path, help="directory of a run")
    parser.add_argument("--images", type=Path, required=True, help="folder that the run's images came from")
    parser.add_argument("--out", type=Path, required=True, help="directory that receives gallery.html")
    parser.add_argument("--method", help="explanation method of the run; the first where left out")
    parser.add_argument("--masks", type=int, default=Limits.masks, help="images shown per class and network")
    parser.add_argument("--summaries", type=int, default=Limits.summaries, help="summaries shown per class and network")
    parser.add_argument("--controls", type=int, default=Limits.controls, help="groups shown of each control arm")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
