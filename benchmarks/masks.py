"""How good and how fast masks are: presets against each other and against a loop over single images, in one run.

    python -m benchmarks.masks DIR --network efficientnet-lite0 --classes dalmatian grand_piano --per-class 4 \
        --presets reference default [--loop-images 1] [--threads N] [--json FILE]

DIR holds one folder of images per class. Only images whose top-1 answer is their class take part, as in the pipeline.
Printed are means over the images; p after a mask is also given as a share of p0. The last columns divide every further
preset by the first. The loop (``benchmarks.mask_loop``: one image at a time, batch normalisation not folded, PyTorch's
Adam, the constants of ``reference``) sees only the first ``--loop-images`` images, as it is slow; 0 leaves it out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from benchmarks.mask_loop import loop_masks
from vsum_core.config import RegionConfig, preset, preset_names
from vsum_core.datasets import read_image, read_image_folder
from vsum_core.masks import optimise_masks
from vsum_core.networks import Network, load_network
from vsum_core.regions import mask_regions

Row = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    network = load_network(options.network, device=options.device)
    images, targets, seen = load_images(network, options.directory, options.classes, options.per_class)
    print(f"{options.network}: {len(images)} of {seen} images recognised, {torch.get_num_threads()} threads")
    rows = {name: measure(network, images, targets, name) for name in options.presets}
    print(table(rows))
    loop = measure_loop(options.network, options.device, images, targets, options.loop_images)
    if loop:
        print(f"one-image loop over the first {options.loop_images}: " + describe(loop))
        for name, row in rows.items():
            print(f"{name}: " + ", ".join(f"{loop[key] / row[key]:.2f} times as fast by {key}" for key in loop))
    if options.json:
        record = {
            "network": options.network,
            "images": len(images),
            "threads": torch.get_num_threads(),
            "presets": rows,
            "loop": {"images": options.loop_images, **loop},
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load_images(
    network: Network, directory: Path, classes: Sequence[str] | None, per_class: int
) -> tuple[torch.Tensor, list[int], int]:
    """Recognised images (N, 3, H, W) in [0, 1], their output indices, and how many were looked at."""
    specification = network.specification
    size = (specification.input_height, specification.input_width)
    files = read_image_folder(directory, classes=classes, per_class=per_class).images
    pixels = torch.from_numpy(np.stack([read_image(file.path, size=size) for file in files]))
    images = pixels.permute(0, 3, 1, 2).float() / 255
    targets = torch.tensor([network.class_index(file.label) for file in files])
    with torch.no_grad():
        found = torch.cat([network.logits(part.to(network.device)).argmax(1).cpu() for part in torch.split(images, 16)])
    recognised = found == targets
    return images[recognised], targets[recognised].tolist(), len(files)


def measure(network: Network, images: torch.Tensor, targets: list[int], name: str) -> Row:
    """Mean scores of one preset and the wall time per image."""
    config = preset(name).masks
    started = time.perf_counter(), time.process_time()
    result = optimise_masks(network, images, targets, config=config)
    seconds, processor_seconds = _since(started, len(images))
    columns = {key: np.array([asdict(scores)[key] for scores in result.scores]) for key in asdict(result.scores[0])}
    regions = [len(mask_regions(mask, config=RegionConfig())) for mask in result.sharp]
    return {
        "steps": float(config.smooth.steps + config.sharp.steps),
        **{key: float(columns[key].mean()) for key in ("p0", "p_blurred", "p_smooth", "p_sharp", "p_thresholded")},
        "p_sharp / p0": float((columns["p_sharp"] / columns["p0"]).mean()),
        "p_thresholded / p0": float((columns["p_thresholded"] / columns["p0"]).mean()),
        "largest p_thresholded / p0": float((columns["p_thresholded"] / columns["p0"]).max()),
        "area": float(columns["area"].mean()),
        "binarity": float(columns["binarity"].mean()),
        "area * p_sharp": float(columns["area_times_p"].mean()),
        "area * p_thresholded": float((columns["area"] * columns["p_thresholded"]).mean()),
        "regions per image": float(np.mean(regions)),
        "seconds per image": seconds,
        "processor seconds per image": processor_seconds,
    }


def measure_loop(name: str, device: str, images: torch.Tensor, targets: list[int], count: int) -> Row:
    """Time per image of the loop over single images with the constants of ``reference``; empty for no image."""
    if count == 0:
        return {}
    network = load_network(name, device=device, fold=False)
    started = time.perf_counter(), time.process_time()
    loop_masks(network, images[:count], targets[:count], config=preset("reference").masks)
    seconds, processor_seconds = _since(started, len(images[:count]))
    return {"seconds per image": seconds, "processor seconds per image": processor_seconds}


def describe(row: Row) -> str:
    """The figures of a row in one line."""
    return ", ".join(f"{value:.4g} {key}" for key, value in row.items())


def _since(started: tuple[float, float], images: int) -> tuple[float, float]:
    """Seconds, and seconds of the processor, per image; the second hardly depends on what else the machine does."""
    return (time.perf_counter() - started[0]) / images, (time.process_time() - started[1]) / images


def table(rows: dict[str, Row]) -> str:
    """One line per figure, one column per preset, and the ratio of each later preset to the first."""
    names = list(rows)
    headings = ["", *names, *(f"{name} / {names[0]}" for name in names[1:])]
    lines = [headings]
    for key in rows[names[0]]:
        values = [rows[name][key] for name in names]
        ratios = [f"{value / values[0]:.3f}" if values[0] else "-" for value in values[1:]]
        lines.append([key, *(f"{value:.5g}" for value in values), *ratios])
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.masks", description="Masks, preset against preset.")
    parser.add_argument("directory", type=Path, help="folder that holds one folder of images per class")
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--classes", nargs="+", help="folders or names; all where left out")
    parser.add_argument("--per-class", type=int, default=4)
    parser.add_argument("--presets", nargs="+", choices=preset_names(), default=["reference", "default"])
    parser.add_argument("--loop-images", type=int, default=1, help="images for the loop over single images; 0 for none")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="threads of PyTorch; its own choice where left out")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
