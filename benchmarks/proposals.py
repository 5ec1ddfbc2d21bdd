"""Processor time of proposals, descriptors and whitening per image, on one core (set OMP_NUM_THREADS=1).

    python -m benchmarks.proposals ../shared/data/caltech101

The folder holds photographs in any depth of subfolders; a spread of them is measured.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from vsum_core.config import DescriptorConfig, ProposalConfig
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors
from vsum_core.images import read_image
from vsum_core.proposals import region_proposals

Result = TypeVar("Result")


def timed(run: Callable[[], Result], times: list[float]) -> Result:
    started = time.process_time()
    result = run()
    times.append(time.process_time() - started)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of photographs")
    parser.add_argument("--count", type=int, default=12, help="images to measure")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(options.images.rglob("*.jpg"))
    proposal_config, descriptor_config = ProposalConfig(), DescriptorConfig()
    side = proposal_config.frame_side
    whitening = Whitening.load_default(config=descriptor_config)
    images = [read_image(path, size=(side, side)) for path in paths[:: max(1, len(paths) // options.count)]]

    def measure(image: np.ndarray, times: dict[str, list[float]]) -> int:
        boxes = timed(lambda: region_proposals(image, config=proposal_config, seed=0), times["proposals"])
        plain = timed(lambda: hog_descriptors(image, boxes, config=descriptor_config), times["descriptors"])
        white = timed(lambda: whitening.decorrelate(plain), times["whitening"])
        timed(lambda: appearance_similarity(white, white, whitening=None), times["similarity of a pair"])
        return len(boxes)

    stages = ("proposals", "descriptors", "whitening", "similarity of a pair")
    measure(images[0], {stage: [] for stage in stages})  # compiles
    times: dict[str, list[float]] = {stage: [] for stage in stages}
    counts = [measure(image, times) for image in images]
    print(f"{len(images)} images, {statistics.mean(counts):.0f} proposals each on average")
    rows = [
        {"stage": stage, "median_ms": 1000 * statistics.median(times[stage]), "most_ms": 1000 * max(times[stage])}
        for stage in stages
    ]
    for row in rows:
        print(f"{row['stage']:22} median {row['median_ms']:6.1f} ms, most {row['most_ms']:6.1f} ms")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
