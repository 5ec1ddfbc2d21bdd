"""How well matched points agree with people's: PCK of each matcher on PF-WILLOW.

    python -m benchmarks.pf_willow DIR [--matchers local-offset …] [--descriptors hog …] [--limit-pairs N] [--json FILE]

DIR holds one folder per image set, with pictures and ``keypoints.json`` (file stem → [x, y] pixel positions, in the
same order in every picture). For all ordered pairs of different pictures of a set, each keypoint of A goes through the
dense flow to B; it is correct when its distance to B's keypoint is at most α times the longer side of the box around
B's keypoints. PCK is the share of correct keypoints, averaged over pairs, then over sets (Ham et al., CVPR 2016,
section 5).

As everywhere in ``vsum_core``, pictures are first resized to the square frame; distances are measured in the pixels of
the original pictures.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vsum_core.config import DescriptorConfig, FlowConfig, Matcher, PipelineConfig, preset, preset_names
from vsum_core.deep_descriptors import deep_descriptors
from vsum_core.dense_flow import dense_flow
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors
from vsum_core.flow import match
from vsum_core.images import read_image
from vsum_core.networks import load_network
from vsum_core.proposals import region_proposals

ALPHAS = (0.05, 0.1, 0.15)
HOG = "hog"
UNIT_HOG = "hog-unit"  # the same, every descriptor scaled to length 1

Describe = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.int32]], npt.NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of a set: in the frame, with its proposals and, in pixels of the original, its keypoints."""

    frame: npt.NDArray[np.uint8]
    scale: npt.NDArray[np.float64]  # original pixels per pixel of the frame, (x, y)
    keypoints: npt.NDArray[np.float64]  # (K, 2)
    boxes: npt.NDArray[np.int32]
    features: dict[str, npt.NDArray[np.float32]]  # by name of the descriptor


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    config = preset(options.preset, seed=options.seed)
    torch.set_num_threads(1)
    descriptors = {name: _describer(name, config.descriptors) for name in options.descriptors}
    folders = sorted(path.parent for path in options.directory.glob("*/keypoints.json"))
    if not folders:
        raise SystemExit(f"No */keypoints.json in {options.directory}; give the folder that holds the image sets.")
    with threadpool_limits(limits=1):
        records = [
            record
            for folder in folders
            for record in _measure_set(
                folder, descriptors, options.matchers, options.powers, options.limit_pairs, config
            )
        ]
    _print(records)
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def correct_keypoints(
    flow: npt.NDArray[np.float32], picture_a: Picture, picture_b: Picture, alpha: float
) -> npt.NDArray[np.bool_]:
    """Which keypoints of A the flow, in pixels of the frames, takes close enough to B's: (K,)."""
    height, width = flow.shape[:2]
    columns, rows = np.floor(picture_a.keypoints / picture_a.scale).astype(int).T
    inside = flow[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    found = (inside + 0.5) * picture_b.scale
    distances = np.linalg.norm(found - picture_b.keypoints, axis=1)
    result: npt.NDArray[np.bool_] = distances <= alpha * np.ptp(picture_b.keypoints, axis=0).max()
    return result


def read_set(folder: Path, descriptors: dict[str, Describe], config: PipelineConfig) -> list[Picture]:
    """The pictures of a set in the order of their names, with proposals and features."""
    keypoints = json.loads((folder / "keypoints.json").read_text(encoding="utf-8"))
    side = config.proposals.frame_side
    pictures = []
    for path in sorted(path for path in folder.iterdir() if path.stem in keypoints):
        height, width = read_image(path).shape[:2]
        frame = read_image(path, size=(side, side))
        boxes = region_proposals(frame, config=config.proposals, seed=config.seed)
        pictures.append(
            Picture(
                frame=frame,
                scale=np.array([width / side, height / side]),
                keypoints=np.array(keypoints[path.stem], dtype=np.float64),
                boxes=boxes,
                features={name: describe(frame, boxes) for name, describe in descriptors.items()},
            )
        )
    return pictures


def choose_pairs(count: int, limit: int | None) -> list[tuple[int, int]]:
    """All ordered pairs of different pictures, or ``limit`` of them that are the same in every run."""
    pairs = list(itertools.permutations(range(count), 2))
    if limit is None or limit >= len(pairs):
        return pairs
    chosen = np.random.default_rng(0).choice(len(pairs), size=limit, replace=False)
    return [pairs[index] for index in sorted(chosen)]


def _measure_set(
    folder: Path,
    descriptors: dict[str, Describe],
    matchers: Sequence[Matcher],
    powers: Sequence[float],
    limit: int | None,
    config: PipelineConfig,
) -> list[dict[str, Any]]:
    pictures = read_set(folder, descriptors, config)
    pairs = choose_pairs(len(pictures), limit)
    return [
        {"set": folder.name, "descriptor": name, "power": power, "matcher": matcher.value, "pairs": len(pairs)}
        | _measure(pictures, pairs, name, dataclasses.replace(config.flow, matcher=matcher, appearance_power=power))
        for name in descriptors
        for power in powers
        for matcher in matchers
    ]


def _measure(
    pictures: Sequence[Picture], pairs: Sequence[tuple[int, int]], descriptor: str, config: FlowConfig
) -> dict[str, float]:
    shares = np.zeros((len(pairs), len(ALPHAS)))
    seconds = np.zeros(3)
    for row, (a, b) in enumerate(pairs):
        first, second = pictures[a], pictures[b]
        times = [time.process_time()]
        appearance = appearance_similarity(first.features[descriptor], second.features[descriptor], whitening=None)
        times.append(time.process_time())
        confidence = match(first.boxes, second.boxes, appearance, config=config)
        times.append(time.process_time())
        flow = dense_flow(first.boxes, second.boxes, confidence, first.frame, config=config)
        times.append(time.process_time())
        seconds += np.diff(times)
        shares[row] = [correct_keypoints(flow, first, second, alpha).mean() for alpha in ALPHAS]
    names = ("appearance_ms", "matching_ms", "dense_flow_ms")
    return {f"pck_{alpha}": float(share) for alpha, share in zip(ALPHAS, shares.mean(axis=0), strict=True)} | {
        name: float(1000 * value / len(pairs)) for name, value in zip(names, seconds, strict=True)
    }


def _describer(name: str, config: DescriptorConfig) -> Describe:
    if name not in (HOG, UNIT_HOG):
        network = load_network(name)
        return lambda frame, boxes: deep_descriptors(network, frame, boxes)
    whitening = Whitening.load_default(config=config)

    def describe(frame: npt.NDArray[np.uint8], boxes: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        plain = hog_descriptors(frame, boxes, config=config)
        features = whitening.decorrelate(plain) if config.whitening else plain
        if name == UNIT_HOG:
            features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        return features

    return describe


def _print(records: Sequence[dict[str, Any]]) -> None:
    print(
        f"{'descriptor':20} {'power':5} {'matcher':20} {'set':12} "
        + " ".join(f"PCK@{alpha:<5}" for alpha in ALPHAS)
        + "  ms"
    )
    numbers = [*(f"pck_{alpha}" for alpha in ALPHAS), "appearance_ms", "matching_ms", "dense_flow_ms"]
    for kind in dict.fromkeys((record["descriptor"], record["power"], record["matcher"]) for record in records):
        rows = [row for row in records if (row["descriptor"], row["power"], row["matcher"]) == kind]
        mean = {"set": "mean"} | {name: float(np.mean([row[name] for row in rows])) for name in numbers}
        for row in [*rows, mean]:
            shares = " ".join(f"{row[f'pck_{alpha}']:<9.3f}" for alpha in ALPHAS)
            parts = " + ".join(f"{row[name]:.0f}" for name in numbers[len(ALPHAS) :])
            print(f"{kind[0]:20} {kind[1]:<5g} {kind[2]:20} {row['set']:12} {shares}  {parts}")
    print("ms: processor time per pair, appearance + matching + dense flow")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pf_willow", description="PCK of each matcher.")
    parser.add_argument("directory", type=Path, help="folder with one folder per image set")
    parser.add_argument("--matchers", nargs="+", type=Matcher, default=list(Matcher), choices=list(Matcher))
    parser.add_argument("--descriptors", nargs="+", default=[HOG], help="hog, hog-unit, names of networks")
    parser.add_argument("--powers", nargs="+", type=float, default=[1.0], help="of the appearance")
    parser.add_argument("--limit-pairs", type=int, help="pairs per set, the same in every run; all when left out")
    parser.add_argument("--preset", default="reference", choices=preset_names())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
