"""Explanation methods held against each other on the same images: figures, times and a picture to look at.

    python -m benchmarks.methods DIR --network efficientnet-lite0 --classes dalmatian flamingo --per-class 2 \
        [--methods visual-summaries,grad-cam] [--preset default] [--picture FILE.png] [--json FILE] [--threads N]
    python -m benchmarks.methods --birds --network bird-small --per-class 2

DIR holds one folder of images per class; ``--birds`` draws birds instead, whose true place is known, so that the
pointing game can be played. Only images whose top-1 answer is their class take part. Printed are means over the images
(docs/methods.md says what each figure means) and seconds per image for masks and relevance together.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vsum_core.config import preset, preset_names
from vsum_core.datasets import ImageSet, read_image_folder, read_part_masks
from vsum_core.method_evaluation import Figures, MethodEvaluation, evaluate, table
from vsum_core.methods import Question, UnsuitableNetworkError, methods_named
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network, load_network
from vsum_core.stages.screening import read_batch
from vsum_core.synthetic import write_birds

_CELL = 160  # pixels per side of a cell of the picture


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    network = load_network(options.network, device=options.device, cache=Path("var/networks"))
    images = _images(options)
    question, boxes, paths = _question(network, images, options)
    print(f"{options.network}: {len(question.images)} of {len(images.images)} images recognised")
    figures: dict[str, Figures] = {}
    rows = [_pixels(question)]
    for method in methods_named(options.methods):
        started = time.perf_counter()
        try:
            result = evaluate(method, question, boxes=boxes, randomise=(1.0,) if options.randomise else ())
        except UnsuitableNetworkError as error:
            print(error)
            continue
        seconds = (time.perf_counter() - started) / len(question.images)
        figures[method.name] = result.figures | {"seconds per image, all figures": seconds}
        rows.append(_shown(question, result))
        if method.name == CRISP_MASKS:  # the others delete what it deletes
            areas = np.array([(mask < 0.5).mean() for mask in result.explanation.masks])
            question = Question(
                network=network, images=question.images, targets=question.targets, areas=areas, config=question.config
            )
        print(f"{method.name}: done", flush=True)
    print(table(figures))
    if options.picture:
        cv2.imwrite(str(options.picture), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))
        print(f"{options.picture}: rows are the images and {', '.join(figures)}")
    if options.json:
        record = {"network": options.network, "images": paths, "preset": options.preset, "methods": figures}
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _images(options: argparse.Namespace) -> ImageSet:
    if not options.birds:
        return read_image_folder(options.directory, classes=options.classes, per_class=options.per_class)
    directory = Path(tempfile.mkdtemp(prefix="birds-"))
    write_birds(directory, per_species=options.per_class, seed=7, both_ways=False)
    return read_image_folder(directory, classes=options.classes, per_class=options.per_class)


def _question(
    network: Network, images: ImageSet, options: argparse.Namespace
) -> tuple[Question, list[list[list[float]]] | None, list[str]]:
    targets = torch.tensor([network.class_index(image.label) for image in images.images])
    pixels = read_batch(images.images, network)
    with torch.no_grad():
        found = torch.cat([network.logits(part).argmax(1).cpu() for part in torch.split(pixels, 16)])
    recognised = [image for image, right in zip(images.images, (found == targets).tolist(), strict=True) if right]
    kept = (found == targets).to(pixels.device)
    question = Question(
        network=network,
        images=pixels[kept],
        targets=targets.to(pixels.device)[kept],
        areas=np.full(len(recognised), options.area),
        config=preset(options.preset).masks,
    )
    size = (network.specification.input_height, network.specification.input_width)
    boxes = None
    if all(image.part_masks is not None for image in recognised):
        boxes = [[_box(np.any(list(read_part_masks(image, size).values()), axis=0))] for image in recognised]
    return question, boxes, [image.relative_path for image in recognised]


def _box(mask: NDArray[np.bool_]) -> list[float]:
    rows, columns = np.nonzero(mask)
    return [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)]


def _pixels(question: Question) -> NDArray[np.uint8]:
    pictures = (question.images.permute(0, 2, 3, 1).cpu().numpy() * 255).astype(np.uint8)
    return np.concatenate([cv2.resize(one, (_CELL, _CELL), interpolation=cv2.INTER_AREA) for one in pictures], axis=1)


def _shown(question: Question, result: MethodEvaluation) -> NDArray[np.uint8]:
    pictures = question.images.permute(0, 2, 3, 1).cpu().numpy()
    lit = [
        one * (0.25 + 0.75 * (mask < 0.5))[..., None]
        for one, mask in zip(pictures, result.explanation.masks, strict=True)
    ]
    cells = [cv2.resize((one * 255).astype(np.uint8), (_CELL, _CELL), interpolation=cv2.INTER_AREA) for one in lit]
    return np.concatenate(cells, axis=1)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.methods", description="Method against method.")
    parser.add_argument("directory", type=Path, nargs="?", help="folder that holds one folder of images per class")
    parser.add_argument("--birds", action="store_true", help="draw birds instead")
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--methods", default="all")
    parser.add_argument("--classes", nargs="+", help="folders or names; all where left out")
    parser.add_argument("--per-class", type=int, default=1)
    parser.add_argument("--preset", choices=preset_names(), default="default")
    parser.add_argument("--area", type=float, default=0.15, help="where no crisp masks come before")
    parser.add_argument("--no-randomise", dest="randomise", action="store_false", help="no randomisation check")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.birds == (options.directory is not None):
        parser.error("give a folder, or --birds")
    return options


if __name__ == "__main__":
    main()
