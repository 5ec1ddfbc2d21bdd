"""Do detectors built from summaries make the network better at the classes they explain? Held-out images against it.

    python -m benchmarks.specialisation DIR --network efficientnet-lite0 --train 15 --test 15 [--classes a b]
    python -m benchmarks.specialisation --birds --network bird-small --train 12 --test 20

Of each class the first ``--train`` images make summaries and detectors; half of the test images choose the weight of
the evidence, and the other half, seen by nothing before, is what is reported: top-1 accuracy of the plain network and
with evidence, images mended and spoiled, and the exact two-sided McNemar p of the two.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest

from vsum_core.config import PipelineConfig, preset, preset_names
from vsum_core.datasets import ImageFile, ImageSet, read_image_folder
from vsum_core.images import read_image
from vsum_core.networks import Network, load_network
from vsum_core.pipeline import pregenerate
from vsum_core.proposals import region_proposals
from vsum_core.specialisation import (
    Detector,
    box_features,
    choose_weight,
    evidence,
    specialised_logits,
    standards,
    train_detector,
)
from vsum_core.stages.screening import read_batch
from vsum_core.synthetic import write_birds

_PROPOSALS = 60  # boxes per image that detectors look at
_OTHERS = 12  # of them, per image of another class, to train against


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    network = load_network(options.network, cache=Path("var/networks"))
    config = preset(options.preset)
    images = _images(options)
    train, test = _parted(images, options.train)
    directory = options.run or Path(tempfile.mkdtemp(prefix="specialisation-"))
    manifest = pregenerate(
        train, [network], config=config, arms=(), directory=directory, device=network.device, workers=options.workers
    )
    summaries = [summary for summary in manifest["summaries"] if summary["arm"] == "summaries"]
    print(f"{len(train.images)} images gave {len(summaries)} summaries of {len(images.classes)} classes")
    detectors = _detectors(network, train, summaries, config)
    choosing, reporting = test[::2], test[1::2]
    logits, evidences, targets = _look(network, detectors, choosing, config)
    known = standards(evidences, targets.tolist())
    weight = choose_weight(logits, evidences, known, targets.tolist())
    logits, evidences, targets = _look(network, detectors, reporting, config)
    plain = logits.argmax(axis=1) == targets
    special = specialised_logits(logits, evidences, known, weight=weight).argmax(axis=1) == targets
    mended, spoiled = int((special & ~plain).sum()), int((plain & ~special).sum())
    p = float(binomtest(mended, mended + spoiled).pvalue) if mended + spoiled else 1.0
    found = [max(one, key=lambda index: (one[index] - known[index].mean) / known[index].deviation) for one in evidences]
    record = {
        "network": options.network,
        "classes": len(images.classes),
        "summaries": len(summaries),
        "held-out images": len(reporting),
        "weight": weight,
        "plain accuracy": float(plain.mean()),
        "specialised accuracy": float(special.mean()),
        "mended": mended,
        "spoiled": spoiled,
        "McNemar p": p,
        "accuracy of the detectors alone, among these classes": float(np.mean(np.array(found) == targets)),
        "accuracy of the network among these classes": float(_among(logits, targets, known)),
    }
    for name, value in record.items():
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _images(options: argparse.Namespace) -> ImageSet:
    per_class = options.train + options.test
    if not options.birds:
        return read_image_folder(options.directory, classes=options.classes, per_class=per_class)
    directory = Path(tempfile.mkdtemp(prefix="birds-"))
    write_birds(directory, per_species=per_class, seed=11, both_ways=False)
    return read_image_folder(directory, classes=options.classes, per_class=per_class)


def _parted(images: ImageSet, train: int) -> tuple[ImageSet, list[ImageFile]]:
    seen: dict[str, int] = {}
    first: list[ImageFile] = []
    rest: list[ImageFile] = []
    for image in images.images:
        seen[image.label.name] = seen.get(image.label.name, 0) + 1
        (first if seen[image.label.name] <= train else rest).append(image)
    return dataclasses.replace(images, images=tuple(first)), rest


def _boxes(image: ImageFile, config: PipelineConfig) -> np.ndarray:
    side = config.proposals.frame_side
    found = region_proposals(read_image(image.path, size=(side, side)), config=config.proposals, seed=config.seed)
    return found[:_PROPOSALS] / side


def _detectors(
    network: Network, train: ImageSet, summaries: Sequence[dict[str, Any]], config: PipelineConfig
) -> list[Detector]:
    by_id = {image.id: image for image in train.images}
    pixels = {image.id: read_batch([image], network)[0] for image in train.images}
    pools = {
        image.id: box_features(network, pixels[image.id], _boxes(image, config)[:_OTHERS]) for image in train.images
    }
    detectors = []
    for summary in summaries:
        label = by_id[summary["members"][0]["image"]].label
        members = np.concatenate(
            [box_features(network, pixels[member["image"]], [member["box"]]) for member in summary["members"]]
        )
        others = np.concatenate([pools[image.id] for image in train.images if image.label.name != label.name])
        detectors.append(train_detector(summary["id"], network.class_index(label), members, others))
    return detectors


def _look(
    network: Network, detectors: Sequence[Detector], images: Sequence[ImageFile], config: PipelineConfig
) -> tuple[np.ndarray, list[dict[int, float]], np.ndarray]:
    """Logits (N, classes), evidence and target of each image."""
    logits, evidences = [], []
    for image in images:
        pixels = read_batch([image], network)
        with torch.no_grad():
            logits.append(network.logits(pixels)[0].double().cpu().numpy())
        evidences.append(evidence(detectors, box_features(network, pixels[0], _boxes(image, config))))
    return np.stack(logits), evidences, np.array([network.class_index(image.label) for image in images])


def _among(logits: np.ndarray, targets: np.ndarray, known: dict[int, Any]) -> float:
    indices = np.array(sorted(known))
    return float((indices[logits[:, indices].argmax(axis=1)] == targets).mean())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.specialisation", description="Summaries as detectors.")
    parser.add_argument("directory", type=Path, nargs="?", help="folder that holds one folder of images per class")
    parser.add_argument("--birds", action="store_true", help="draw birds instead")
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--classes", nargs="+")
    parser.add_argument("--train", type=int, default=15, help="images per class that make summaries")
    parser.add_argument("--test", type=int, default=15, help="held-out images per class")
    parser.add_argument("--preset", choices=preset_names(), default="default")
    parser.add_argument("--run", type=Path, help="run directory to keep, so that a second call does not start anew")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.birds == (options.directory is not None):
        parser.error("give a folder, or --birds")
    return options


if __name__ == "__main__":
    main()
