"""What each deviation of `default` from `reference` does: every one alone is taken back, and the masks are made anew.

    python -m benchmarks.deviations DIR [--network efficientnet-lite0] [--classes NAME ...] [--per-class 1]

DIR holds one folder of images per class (drawn birds: `--network bird-large`, folder of `vsum_core.synthetic`). The
constants are found by comparing the presets, so none can be forgotten. Constants that only mean something together are
taken back together (`TOGETHER`). Printed are, for `default`, for each of its deviations taken back, and for
`reference`: the probability after the crisp mask and after the one cut at 0.5, as shares of p0; area; binarity; how
many of an image's proposals lie inside the mask; and processor time relative to `default`.

Deviations after the masks are measured where truth is known: `python -m benchmarks.ground_truth`, variants "regions
three quarters masked", "relative bar" and "repeats stay". Those of the pictures are to be
looked at.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.masks import load_images
from vsum_core.config import as_dictionary, preset
from vsum_core.mask_config import MaskConfig
from vsum_core.masks import optimise_masks
from vsum_core.networks import Network, load_network
from vsum_core.proposals import region_proposals
from vsum_core.pruning import masked_proposals

Row = dict[str, float]

TOGETHER: dict[str, tuple[str, ...]] = {
    "log-odds in the loss": tuple(
        f"{stage}.{name}"
        for stage in ("smooth", "sharp")
        for name in ("odds_weight", "odds_target", "reached_area_weight")
    ),
    "coarse grid in the sharp stage": (
        "sharp.resolution_divisor",
        "sharp.mask_blur_sigma",
        "sharp.straight_through_blur",
    ),
    "contrast in place of the binary term": (
        "smooth.contrast",
        "sharp.initial_contrast",
        "sharp.contrast",
        "sharp.binary_weight",
    ),
    "grid and blur of the smooth stage": ("smooth.resolution_divisor", "smooth.mask_blur_sigma"),
    "rates that fall": ("smooth.final_learning_rate", "sharp.final_learning_rate"),
    "short memory of Adam": ("smooth.second_moment_decay", "sharp.second_moment_decay"),
    "higher rates": ("smooth.learning_rate", "sharp.learning_rate"),
    "weights of the area": ("smooth.area_weight", "sharp.area_weight"),
    "fewer steps": ("smooth.steps", "sharp.steps"),
}
"""Deviations of the masks that only mean something together, by what they do."""


def deviations(changed: MaskConfig, published: MaskConfig) -> dict[str, tuple[str, ...]]:
    """Every constant in which two configurations differ, `stage.name` or `name`, in groups of `TOGETHER` or alone."""
    flat = [dict(_flattened(as_dictionary(config))) for config in (changed, published)]
    differing = [name for name in flat[0] if flat[0][name] != flat[1][name]]
    grouped = {what: tuple(name for name in names if name in differing) for what, names in TOGETHER.items()}
    known = {name for names in grouped.values() for name in names}
    alone = {name: (name,) for name in differing if name not in known}
    return {what: names for what, names in (grouped | alone).items() if names}


def taken_back(changed: MaskConfig, published: MaskConfig, names: Sequence[str]) -> MaskConfig:
    """`changed` with the named constants of `published`."""
    config = changed
    for name in names:
        stage, _, constant = name.rpartition(".")
        if stage:
            value = getattr(getattr(published, stage), constant)
            part = dataclasses.replace(getattr(config, stage), **{constant: value})
            config = dataclasses.replace(config, **{stage: part})
        else:
            config = dataclasses.replace(config, **{constant: getattr(published, constant)})
    return config


def _flattened(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        found += _flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return found


def proposals_of(images: torch.Tensor) -> list[np.ndarray]:
    """Proposals of each image (N, 3, S, S) on its frame."""
    config = preset("default").proposals
    pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    resized = torch.nn.functional.interpolate(images, size=(config.frame_side,) * 2, mode="area")
    if pixels.shape[1:3] != (config.frame_side,) * 2:
        pixels = (resized * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [region_proposals(np.ascontiguousarray(image), config=config, seed=0) for image in pixels]


def measure(
    network: Network, images: torch.Tensor, targets: Sequence[int], proposals: Sequence[np.ndarray], config: MaskConfig
) -> Row:
    """Means over the images, and processor seconds per image."""
    started = time.process_time()
    result = optimise_masks(network, images, targets, config=config)
    seconds = (time.process_time() - started) / len(images)
    side = preset("default").proposals.frame_side
    sharp = torch.as_tensor(np.asarray(result.sharp)).reshape(len(images), 1, *images.shape[-2:]).float()
    frames = torch.nn.functional.interpolate(sharp, size=(side, side), mode="area").numpy()[:, 0]
    pruning = preset("default").pruning
    inside = [
        len(masked_proposals(boxes, frame, config=pruning)) for boxes, frame in zip(proposals, frames, strict=True)
    ]
    shares = [(s.p_sharp / s.p0, s.p_thresholded / s.p0, s.area, s.binarity) for s in result.scores]
    sharp_share, cut_share, area, binarity = np.mean(shares, axis=0)
    return {
        "p sharp / p0": float(sharp_share),
        "p cut / p0": float(cut_share),
        "area": float(area),
        "binarity": float(binarity),
        "proposals inside": float(np.mean(inside)),
        "seconds": seconds,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    network = load_network(options.network, device=torch.device("cpu"), cache=options.networks_cache)
    images, targets, seen = load_images(network, options.directory, options.classes, options.per_class)
    print(f"{options.network}: {len(images)} of {seen} images recognised; means, time relative to `default`\n")
    proposals = proposals_of(images)
    changed, published = preset("default").masks, preset("reference").masks
    configs = {"default": changed}
    for what, names in deviations(changed, published).items():
        configs[f"without: {what}"] = taken_back(changed, published, names)
    configs["reference"] = published
    rows: dict[str, Row] = {}
    for name, config in configs.items():
        rows[name] = measure(network, images, targets, proposals, config)
        print_row(name, rows[name], rows["default"]["seconds"], first=len(rows) == 1)
    if options.json:
        record = {"network": options.network, "images": len(images), "rows": rows}
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def print_row(name: str, row: Row, unit: float, *, first: bool) -> None:
    """One configuration in one line of a Markdown table."""
    if first:
        titles = ["masks", *(key for key in row if key != "seconds"), "time"]
        print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    cells = [f"{100 * row[key]:.2f} %" for key in ("p sharp / p0", "p cut / p0", "area")]
    cells += [f"{row['binarity']:.4f}", f"{row['proposals inside']:.0f}", f"{row['seconds'] / unit:.1f}"]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deviations", description="Deviations of the default.")
    parser.add_argument("directory", type=Path, help="folder that holds one folder of images per class")
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--networks-cache", type=Path, default=Path("var/networks"))
    parser.add_argument("--classes", nargs="+", help="folders or names; all where left out")
    parser.add_argument("--per-class", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
