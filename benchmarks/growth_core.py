"""How the cost of the core grows: processor time against images, networks and regions, with fitted exponents.

    python -m benchmarks.growth_core [--images 8 16 32 64] [--networks 1 2 4] [--regions 250 500 1000 2000]
        [--repeats 3] [--figure docs/figures/growth_core.svg] [--json FILE]

Images: masks of one network (``default``, steps cut to 2 + 2, EfficientNet-Lite0; batches are filled to eight, so take
multiples of it), proposals of striped things on noise, and the flow of a class with boxes and descriptors drawn at
random, 500 and 100 kept proposals. Networks: masks of eight images, network after network. Regions: affinity
propagation of similarities drawn at random in groups. Each point is the least of ``--repeats`` processor times, with
one thread; the exponent is the slope of a straight line through the logarithms. Where it is below 1, a cost that does
not grow is in it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot is imported

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.flow import measure_class
from benchmarks.tiny_run import CLASSES, draw_thing
from vsum_core.clustering import affinity_propagation
from vsum_core.config import ClusteringConfig, ProposalConfig, preset
from vsum_core.masks import optimise_masks
from vsum_core.networks import Network, load_network
from vsum_core.proposals import region_proposals

Points = dict[int, float]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth_core", description="How cost grows.")
    parser.add_argument("--images", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--networks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--regions", type=int, nargs="+", default=[250, 500, 1000, 2000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--figure", type=Path, help="write the plot here, as SVG")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    network = load_network("efficientnet-lite0")
    with threadpool_limits(limits=1):
        curves = {
            "masks against images": _curve(options.images, options.repeats, lambda n: _masks(network, n)),
            "proposals against images": _curve(options.images, options.repeats, _proposals),
            "flow against images": _curve(options.images, options.repeats, _flow),
            "masks against networks": _curve(options.networks, options.repeats, lambda n: _networks(network, n)),
            "clustering against regions": _curve(options.regions, options.repeats, _clustering),
        }
    records = [{"what": name, "points": points, "exponent": exponent(points)} for name, points in curves.items()]
    for record in records:
        points = ", ".join(f"{size}: {seconds:.3g} s" for size, seconds in record["points"].items())  # type: ignore[attr-defined]
        print(f"{record['what']}: exponent {record['exponent']:.2f} ({points})")
    if options.figure is not None:
        options.figure.parent.mkdir(parents=True, exist_ok=True)
        draw(records, options.figure)
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def exponent(points: Points) -> float:
    """Slope of the least-squares line through the logarithms of sizes and costs.

    Raises:
        ValueError: there are fewer than two sizes.
    """
    if len(points) < 2:
        raise ValueError(f"An exponent needs two sizes or more, but there are {len(points)}.")
    slope, _ = np.polyfit(np.log(list(points)), np.log(list(points.values())), 1)
    return float(slope)


def draw(records: Sequence[dict[str, Any]], path: Path) -> None:
    """One panel per curve, both axes logarithmic."""
    plt.rcParams["svg.hashsalt"] = "growth"  # the same figures give the same file
    figure, panels = plt.subplots(1, len(records), figsize=(3.2 * len(records), 3.0), layout="constrained")
    for panel, record in zip(panels, records, strict=True):
        sizes, seconds = list(record["points"]), list(record["points"].values())
        fitted = np.exp(np.polyval(np.polyfit(np.log(sizes), np.log(seconds), 1), np.log(sizes)))
        panel.loglog(sizes, fitted, color="0.6", linewidth=1)
        panel.loglog(sizes, seconds, "o", color="#0b6e99")
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.set_title(f"{record['what']}\nexponent {record['exponent']:.2f}", fontsize=9)
        panel.set_xlabel(record["what"].rsplit(" ", 1)[1], fontsize=9)
    panels[0].set_ylabel("processor seconds", fontsize=9)
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def _curve(sizes: Sequence[int], repeats: int, work: Callable[[int], float]) -> Points:
    work(sizes[0])  # compilation and first calls are not counted
    return {size: min(work(size) for _ in range(repeats)) for size in sizes}


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _masks(network: Network, images: int) -> float:
    config = preset("default").masks
    short = dataclasses.replace(
        config,
        smooth=dataclasses.replace(config.smooth, steps=2),
        sharp=dataclasses.replace(config.sharp, steps=2),
    )
    pixels = torch.rand(images, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return _timed(lambda: optimise_masks(network, pixels, [0] * images, config=short))


def _networks(network: Network, networks: int) -> float:
    return sum(_masks(network, 8) for _ in range(networks))


def _proposals(images: int) -> float:
    generator = np.random.default_rng(0)
    colours = list(CLASSES.values())
    config = ProposalConfig()
    size = (config.frame_side, config.frame_side)
    things = [draw_thing(colours[index % 2], generator) for index in range(images)]
    pictures = [np.asarray(cv2.resize(thing, size), dtype=np.uint8) for thing in things]
    return _timed(lambda: [region_proposals(picture, config=config, seed=0) for picture in pictures])


def _flow(images: int) -> float:
    return float(measure_class(images, 500, 100, 1)["processor_s"])


def _clustering(regions: int) -> float:
    generator = np.random.default_rng(0)
    places = generator.normal(size=(max(2, regions // 40), 8))[generator.integers(0, max(2, regions // 40), regions)]
    places = places + 0.3 * generator.normal(size=places.shape)
    similarity = np.exp(-((places[:, None] - places[None]) ** 2).sum(2)).astype(np.float32)
    return _timed(lambda: affinity_propagation(similarity, config=ClusteringConfig(), seed=0))


if __name__ == "__main__":
    main()
