"""How well matched points agree with people's: PCK of each matcher on PF-WILLOW.

    python -m benchmarks.pf_willow DIR [--descriptors hog …] [--flows tuned reference] [--limit-pairs N] [--json FILE]

DIR holds any number of image sets, one folder each, with pictures and ``keypoints.json`` (file stem → [x, y] pixel
positions, in the same order in every picture). For all ordered pairs of different pictures of a set, each keypoint of A
goes through the dense flow to B; it is correct when its distance to B's keypoint is at most α times the longer side of
the box around B's keypoints. PCK is the share of correct keypoints, averaged over pairs, then over sets (Ham et al.,
CVPR 2016, section 5).

As everywhere in ``vsum_core``, pictures are first resized to the square frame; networks see the picture as it is.
Distances are measured in the pixels of the original pictures. Without ``--descriptors``, HOG and EfficientNet-Lite0 are
measured, and a ResNet of torchvision where its weights are already on this machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import sys
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torchvision import models

from vsum_core.config import FlowConfig, FlowField, Matcher, PipelineConfig, preset
from vsum_core.deep_descriptors import deep_descriptors
from vsum_core.dense_flow import dense_flow
from vsum_core.descriptors import Whitening, appearance_similarity, hog_descriptors, unit_length
from vsum_core.flow import match
from vsum_core.images import read_image
from vsum_core.networks import load_network
from vsum_core.proposals import region_proposals
from vsum_core.threads import in_threads

ALPHAS = (0.05, 0.1, 0.15)
HOG = "hog"
RESNETS = ("resnet101", "resnet50", "resnet34", "resnet18")
WEIGHTS = Path("var") / "networks" / "hub" / "checkpoints"
TUNED, REFERENCE = "tuned", "reference"

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.int32]
Describe = Callable[[Pixels, Pixels, Boxes], npt.NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of a set: in the frame, with its proposals and, in pixels of the original, its keypoints."""

    frame: Pixels
    scale: npt.NDArray[np.float64]  # original pixels per pixel of the frame, (x, y)
    keypoints: npt.NDArray[np.float64]  # (K, 2)
    boxes: Boxes
    features: Mapping[str, npt.NDArray[np.float32]]  # by name of the descriptor


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row of the table: what is compared, how it is matched, and how the matches become a flow."""

    descriptor: str
    flow: str
    matcher: Matcher
    unit: bool  # descriptors of length 1
    config: FlowConfig


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    config = preset("reference", seed=options.seed)
    torch.set_num_threads(1)
    names = options.descriptors or [HOG, "efficientnet-lite0", *_resnet_at_hand()]
    describers = {name: _describer(name, config) for name in names}
    settings = [
        setting(name, flow, matcher, config) for name in names for flow in options.flows for matcher in options.matchers
    ]
    folders = sorted(path.parent for path in options.directory.glob("*/keypoints.json"))
    if not folders:
        raise SystemExit(f"No */keypoints.json in {options.directory}; give the folder that holds the image sets.")
    records = []
    with threadpool_limits(limits=1):
        for folder in folders:
            print(f"{folder.name} …", file=sys.stderr, flush=True)
            pictures = read_set(folder, describers, config, workers=options.workers)
            pairs = choose_pairs(len(pictures), options.limit_pairs)
            for one in settings:
                head = {"set": folder.name, "descriptor": one.descriptor, "flow": one.flow, "matcher": one.matcher}
                records.append(head | {"pairs": len(pairs)} | _measure(pictures, pairs, one, options.workers))
    _print(records)
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def setting(descriptor: str, flow: str, matcher: Matcher, config: PipelineConfig) -> Setting:
    """The constants of a row.

    ``reference`` is the preset of that name, with plain decorrelated HOG. ``tuned`` compares descriptors of length 1,
    trusts the most similar more, and lets all matches of a pixel vote. Its constants were chosen on four sets of
    PF-WILLOW, each time leaving one set out (``benchmarks/RESULTS.md``); networks tell more by appearance than HOG
    does, so that geometry may say less.
    """
    if flow == REFERENCE:
        chosen = dataclasses.replace(config.flow, matcher=matcher)
        return Setting(descriptor=descriptor, flow=flow, matcher=matcher, unit=False, config=chosen)
    tuned = dataclasses.replace(config.flow, matcher=matcher, field=FlowField.VOTED, appearance_power=3.0)
    if matcher is Matcher.PROBABILISTIC_HOUGH:
        tuned = dataclasses.replace(tuned, appearance_power=2.0, hough_sigma=1.5 if descriptor == HOG else 3.0)
    elif matcher is Matcher.LOCAL_OFFSET and descriptor != HOG:
        tuned = dataclasses.replace(tuned, offset_decay=0.0125, scale_decay=0.1)
    return Setting(descriptor=descriptor, flow=flow, matcher=matcher, unit=True, config=tuned)


def correct_keypoints(
    flow: npt.NDArray[np.float32], picture_a: Picture, picture_b: Picture, alpha: float
) -> npt.NDArray[np.bool_]:
    """Which keypoints of A the flow, in pixels of the frames, takes close enough to B's: (K,)."""
    height, width = flow.shape[:2]
    positions = picture_a.keypoints / picture_a.scale
    columns, rows = np.clip(np.floor(positions).astype(int), 0, [width - 1, height - 1]).T
    # A keypoint lies off the middle of its pixel by as much as its image lies off the pixel's image.
    beside = positions - np.stack([columns, rows], axis=1)
    found = (flow[rows, columns] + beside) * picture_b.scale
    distances = np.linalg.norm(found - picture_b.keypoints, axis=1)
    result: npt.NDArray[np.bool_] = distances <= alpha * np.ptp(picture_b.keypoints, axis=0).max()
    return result


def read_set(
    folder: Path, describers: Mapping[str, Describe], config: PipelineConfig, *, workers: int = 1
) -> list[Picture]:
    """The pictures of a set in the order of their names, with proposals and features."""
    keypoints = json.loads((folder / "keypoints.json").read_text(encoding="utf-8"))
    side = config.proposals.frame_side
    paths = sorted(path for path in folder.iterdir() if path.stem in keypoints)

    def propose(path: Path) -> tuple[Pixels, Boxes]:
        frame = read_image(path, size=(side, side))
        return frame, region_proposals(frame, config=config.proposals, seed=config.seed)

    found = dict(in_threads(propose, paths, workers=workers))
    pictures = []
    for path in paths:
        original, (frame, boxes) = read_image(path), found[path]
        pictures.append(
            Picture(
                frame=frame,
                scale=np.array([original.shape[1] / side, original.shape[0] / side]),
                keypoints=np.array(keypoints[path.stem], dtype=np.float64),
                boxes=boxes,
                features={name: describe(original, frame, boxes) for name, describe in describers.items()},
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


def _measure(
    pictures: Sequence[Picture], pairs: Sequence[tuple[int, int]], one: Setting, workers: int
) -> dict[str, float]:
    features = [picture.features[one.descriptor] for picture in pictures]
    if one.unit:
        features = [unit_length(feature) for feature in features]

    def measure_pair(pair: tuple[int, int]) -> tuple[list[float], npt.NDArray[np.float64]]:
        first, second = pictures[pair[0]], pictures[pair[1]]
        times = [time.thread_time()]
        appearance = appearance_similarity(features[pair[0]], features[pair[1]], whitening=None)
        times.append(time.thread_time())
        confidence = match(first.boxes, second.boxes, appearance, config=one.config)
        times.append(time.thread_time())
        flow = dense_flow(first.boxes, second.boxes, confidence, first.frame, config=one.config)
        times.append(time.thread_time())
        return [float(correct_keypoints(flow, first, second, alpha).mean()) for alpha in ALPHAS], np.diff(times)

    results = dict(in_threads(measure_pair, pairs, workers=workers))
    shares = np.mean([results[pair][0] for pair in pairs], axis=0)
    seconds = np.mean([results[pair][1] for pair in pairs], axis=0)
    names = ("appearance_ms", "matching_ms", "dense_flow_ms")
    return {f"pck_{alpha}": float(share) for alpha, share in zip(ALPHAS, shares, strict=True)} | {
        name: float(1000 * value) for name, value in zip(names, seconds, strict=True)
    }


def _describer(name: str, config: PipelineConfig) -> Describe:
    if name == HOG:
        whitening = Whitening.load_default(config=config.descriptors)
        return lambda original, frame, boxes: whitening.decorrelate(
            hog_descriptors(frame, boxes, config=config.descriptors)
        )
    here = name in RESNETS and _weights_in(WEIGHTS, name)
    network = load_network(name, cache=WEIGHTS.parents[1] if here else None)

    def describe(original: Pixels, frame: Pixels, boxes: Boxes) -> npt.NDArray[np.float32]:
        scale = np.array([original.shape[1] / frame.shape[1], original.shape[0] / frame.shape[0]] * 2)
        return deep_descriptors(network, original, boxes * scale)

    return describe


def _resnet_at_hand() -> list[str]:
    """The first ResNet whose weights need no download, or none."""
    places = (WEIGHTS, Path(torch.hub.get_dir()) / "checkpoints")
    found = [name for name in RESNETS if any(_weights_in(place, name) for place in places)]
    if not found:
        print(f"No weights of {', '.join(RESNETS)} on this machine; name one to download them.", file=sys.stderr)
    return found[:1]


def _weights_in(place: Path, name: str) -> bool:
    url = models.get_model_weights(name).DEFAULT.url
    return (place / Path(urllib.parse.urlparse(url).path).name).is_file()


def _print(records: Sequence[Mapping[str, Any]]) -> None:
    print(
        f"{'descriptor':20} {'flow':10} {'matcher':20} {'set':14} "
        + " ".join(f"PCK@{alpha:<5}" for alpha in ALPHAS)
        + "  ms"
    )
    numbers = [*(f"pck_{alpha}" for alpha in ALPHAS), "appearance_ms", "matching_ms", "dense_flow_ms"]
    for kind in dict.fromkeys((record["descriptor"], record["flow"], record["matcher"]) for record in records):
        rows = [row for row in records if (row["descriptor"], row["flow"], row["matcher"]) == kind]
        mean = {"set": "mean"} | {name: float(np.mean([row[name] for row in rows])) for name in numbers}
        for row in [*rows, mean]:
            shares = " ".join(f"{row[f'pck_{alpha}']:<9.3f}" for alpha in ALPHAS)
            parts = " + ".join(f"{row[name]:.0f}" for name in numbers[len(ALPHAS) :])
            print(f"{kind[0]:20} {kind[1]:10} {kind[2]:20} {row['set']:14} {shares}  {parts}")
    print("ms: processor time per pair, appearance + matching + dense flow")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pf_willow", description="PCK of each matcher.")
    parser.add_argument("directory", type=Path, help="folder with one folder per image set")
    parser.add_argument("--matchers", nargs="+", type=Matcher, default=list(Matcher), choices=list(Matcher))
    parser.add_argument("--descriptors", nargs="+", help="hog, names of networks")
    parser.add_argument(
        "--flows", nargs="+", default=[TUNED], choices=[TUNED, REFERENCE], help="tuned, or as in the preset reference"
    )
    parser.add_argument("--limit-pairs", type=int, help="pairs per set, the same in every run; all when left out")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="threads")
    parser.add_argument("--seed", type=int, default=0, help="of the proposals")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
