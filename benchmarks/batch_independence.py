"""Whether a mask depends on who shares the batch: each image alone against all in one batch, with a real network.

    python -m benchmarks.batch_independence DIR [--images 32] [--preset default] [--network efficientnet-lite0]

DIR holds photographs in any depth of subfolders. Each image's own top-1 class is its target. Printed are, over the
images, the overlap (intersection over union) of the two thresholded masks' deleted parts, the largest difference of the
masks, and of the scores. Convolutions of another batch size sum in another order, and an optimisation makes much of the
last bit; so batches always have the size of the configuration, and the masks should agree to the last bit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from vsum_core.config import preset, preset_names
from vsum_core.images import read_image
from vsum_core.masks import optimise_masks
from vsum_core.networks import load_network


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_independence", description="Masks alone and not.")
    parser.add_argument("directory", type=Path, help="folder of photographs")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--alone", type=int, help="how many of them are also done alone; all when left out")
    parser.add_argument("--preset", default="default", choices=preset_names())
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    network = load_network(options.network)
    config = preset(options.preset).masks
    specification = network.specification
    paths = sorted(path for path in options.directory.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = [paths[index] for index in np.linspace(0, len(paths) - 1, options.images).astype(int)]
    size = (specification.input_height, specification.input_width)
    pixels = np.stack([read_image(path, size=size) for path in chosen])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        targets = network.logits(images).argmax(1)
    together = optimise_masks(network, images, targets, config=config)
    records = []
    for index in range(len(images) if options.alone is None else options.alone):
        alone = optimise_masks(network, images[index : index + 1], targets[index : index + 1], config=config)
        a, b = together.sharp[index], alone.sharp[0]
        records.append(
            {
                "image": chosen[index].name,
                "overlap": overlap(a < config.threshold, b < config.threshold),
                "largest_difference": float(np.abs(a - b).max()),
                "p_difference": abs(together.scores[index].p_sharp - alone.scores[0].p_sharp),
            }
        )
        print(
            f"{records[-1]['image']:20} overlap {records[-1]['overlap']:.4f}  largest difference "
            f"{records[-1]['largest_difference']:.2g}  of p {records[-1]['p_difference']:.2g}",
            flush=True,
        )
    overlaps = [record["overlap"] for record in records]
    print(f"{options.preset}, {len(records)} images alone and among {options.images}: ", end="")
    print(f"overlap {min(overlaps):.4f} at least, {np.mean(overlaps):.4f} on average")
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two sets of pixels; 1 where both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


if __name__ == "__main__":
    main()
