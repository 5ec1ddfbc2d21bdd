"""How good and how fast masks are: presets against each other and against a loop over single images, in one run.

    python -m benchmarks.masks DIR --network efficientnet-lite0 --classes dalmatian grand_piano --per-class 4 \
        --presets reference default [--precision float32 bfloat16] [--compile] [--loop-images 1] [--threads N]
        [--device cuda] [--peak-tflops 67 989] [--random-weights] [--json FILE]

DIR holds one folder of images per class. Only images whose top-1 answer is their class take part, as in the pipeline.
Printed are means over the images; p after a mask is also given as a share of p0. The last columns divide every further
column by the first. There is a column for each preset in each ``--precision``, and with ``--compile`` a second one with
the network compiled. Each setting first takes a few steps that are timed by themselves: there networks are compiled.
The loop (``benchmarks.mask_loop``: one image at a time, batch normalisation not folded, PyTorch's Adam, the constants
of ``reference``) sees only the first ``--loop-images`` images, as it is slow; 0 leaves it out.

``--peak-tflops`` gives what the machine could do, one number for each precision: then the share of it that the
networks' operations make is printed as well (``benchmarks.step_operations``). Batches are filled with copies, which
cost time and count for nothing: give a multiple of the batch size (a line says so where it is none). Speed does not
depend on weights, so with ``--random-weights`` a network of torchvision such as vgg16 is measured without a download;
all images take part, its own answers are the classes, and nothing but times means anything.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.mask_loop import loop_masks
from benchmarks.random_network import random_network
from benchmarks.step_operations import share_of_peak, step_operations
from vsum_core.config import MaskConfig, RegionConfig, preset, preset_names
from vsum_core.datasets import read_image, read_image_folder
from vsum_core.freed_memory import keep_freed_memory
from vsum_core.masks import optimise_masks
from vsum_core.networks import Network, load_network
from vsum_core.regions import mask_regions

Row = dict[str, float]


PRECISIONS = ("float32", "bfloat16")
FIRST_STEPS = 2  # of either stage; with CUDA graphs the first call warms up, the second records, the third replays


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One column: a preset and how its networks are computed."""

    preset: str
    precision: str = "float32"
    compiled: bool = False
    peak_tflops: float | None = None

    def name(self) -> str:
        """Heading of the column."""
        return ", ".join(
            [self.preset, *([] if self.precision == "float32" else [self.precision]), *["compiled"] * self.compiled]
        )

    def config(self) -> MaskConfig:
        """Constants of the masks."""
        masks = preset(self.preset).masks
        return replace(masks, bfloat16=self.precision == "bfloat16", compile_network=self.compiled)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    network = _network(options)
    images, targets, seen = load_images(
        network, options.directory, options.classes, options.per_class, own_answers=options.random_weights
    )
    taken = "taken with the network's own answers" if options.random_weights else "recognised"
    where = f"{torch.get_num_threads()} threads" if network.device.type == "cpu" else _device_name(network.device)
    print(f"{options.network}: {len(images)} of {seen} images {taken}, {where}")
    settings = [
        Setting(preset=name, precision=precision, compiled=compiled, peak_tflops=peak)
        for name in options.presets
        for precision, peak in zip(
            options.precision, options.peak_tflops or [None] * len(options.precision), strict=True
        )
        for compiled in ((False, True) if options.compile else (False,))
    ]
    for setting in settings:
        size = setting.config().batch_size
        if len(images) % size:
            print(f"{setting.name()}: batches of {size} are filled with copies, so times per image are too long.")
    rows = {setting.name(): measure(network, images, targets, setting) for setting in settings}
    print(table(rows))
    loop: Row = {}
    if options.loop_images:
        loop = measure_loop(_network(options, fold=False), images, targets, options.loop_images)
    if loop:
        print(f"one-image loop over the first {options.loop_images}: " + describe(loop))
        for name, row in rows.items():
            print(f"{name}: " + ", ".join(f"{loop[key] / row[key]:.2f} times as fast by {key}" for key in loop))
    if options.json:
        record = {
            "network": options.network,
            "weights": network.specification.weights,
            "images": len(images),
            "device": where,
            "presets": rows,
            "loop": {"images": options.loop_images, **loop},
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _network(options: argparse.Namespace, *, fold: bool | None = None) -> Network:
    make = random_network if options.random_weights else load_network
    return make(options.network, device=options.device, fold=fold)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def load_images(
    network: Network, directory: Path, classes: Sequence[str] | None, per_class: int, *, own_answers: bool = False
) -> tuple[torch.Tensor, list[int], int]:
    """Recognised images (N, 3, H, W) in [0, 1], their output indices, and how many were looked at.

    With ``own_answers`` whatever the network says counts as recognised.
    """
    specification = network.specification
    size = (specification.input_height, specification.input_width)
    files = read_image_folder(directory, classes=classes, per_class=per_class).images
    pixels = torch.from_numpy(np.stack([read_image(file.path, size=size) for file in files]))
    images = pixels.permute(0, 3, 1, 2).float() / 255
    targets = torch.tensor([network.class_index(file.label) for file in files])
    with torch.no_grad():
        found = torch.cat([network.logits(part.to(network.device)).argmax(1).cpu() for part in torch.split(images, 16)])
    if own_answers:
        return images, found.tolist(), len(files)
    recognised = found == targets
    return images[recognised], targets[recognised].tolist(), len(files)


def measure(network: Network, images: torch.Tensor, targets: list[int], setting: Setting) -> Row:
    """Mean scores of one setting, and the times per image and of the first steps."""
    config = setting.config()
    started = time.perf_counter(), time.process_time()
    first = replace(
        config,
        smooth=replace(config.smooth, steps=FIRST_STEPS),
        sharp=replace(config.sharp, steps=FIRST_STEPS),
    )
    optimise_masks(network, images[:1], targets[:1], config=first)
    first_seconds, _ = _since(started, 1)
    started = time.perf_counter(), time.process_time()
    result = optimise_masks(network, images, targets, config=config)
    seconds, processor_seconds = _since(started, len(images))
    columns = {key: np.array([asdict(scores)[key] for scores in result.scores]) for key in asdict(result.scores[0])}
    regions = [len(mask_regions(mask, config=RegionConfig())) for mask in result.sharp]
    steps = config.smooth.steps + config.sharp.steps
    operations = step_operations(network, images[0])
    peak = setting.peak_tflops
    return {
        "steps": float(steps),
        **{key: float(columns[key].mean()) for key in ("p0", "p_blurred", "p_smooth", "p_sharp", "p_thresholded")},
        "p_sharp / p0": float((columns["p_sharp"] / columns["p0"]).mean()),
        "p_thresholded / p0": float((columns["p_thresholded"] / columns["p0"]).mean()),
        "largest p_thresholded / p0": float((columns["p_thresholded"] / columns["p0"]).max()),
        "area": float(columns["area"].mean()),
        "binarity": float(columns["binarity"].mean()),
        "area * p_sharp": float(columns["area_times_p"].mean()),
        "area * p_thresholded": float((columns["area"] * columns["p_thresholded"]).mean()),
        "regions per image": float(np.mean(regions)),
        "seconds of the first steps": first_seconds,
        "seconds per image": seconds,
        "processor seconds per image": processor_seconds,
        "GFLOP per step and image": operations / 1e9,
        **(
            {}
            if peak is None
            else {"share of peak": share_of_peak(operations, steps=steps, seconds=seconds, peak_tflops=peak)}
        ),
    }


def measure_loop(network: Network, images: torch.Tensor, targets: list[int], count: int) -> Row:
    """Time per image of the loop over single images with the constants of ``reference``."""
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
    """One line per figure, one column per setting, and the ratio of each later one to the first."""
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
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["float32"])
    parser.add_argument("--compile", action="store_true", help="each setting also with the network compiled")
    parser.add_argument("--peak-tflops", type=float, nargs="+", help="of the machine, one number for each precision")
    parser.add_argument("--random-weights", action="store_true", help="measure times of a network of torchvision")
    parser.add_argument("--loop-images", type=int, default=1, help="images for the loop over single images; 0 for none")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="threads of PyTorch; its own choice where left out")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    if options.peak_tflops and len(options.peak_tflops) != len(options.precision):
        parser.error(
            f"--peak-tflops needs one number for each of {len(options.precision)} precisions, "
            f"but got {len(options.peak_tflops)}"
        )
    return options


if __name__ == "__main__":
    main()
