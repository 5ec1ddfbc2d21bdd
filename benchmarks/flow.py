"""Speed of matching: the compiled matchers against plain NumPy in one run, and a whole class of images.

    python -m benchmarks.flow [--proposals 500] [--repeats 5] [--images 100] [--kept 100] [--workers 2] [--json FILE]

One pair is timed on one thread, in processor time. The plain versions are those that the tests compare with
(``tests/vsum_core/reference_flow.py``). A class is timed as the pipeline matches it: appearance from decorrelated
descriptors, LOM of all pairs, and of every image the similarities of ``--kept`` proposals that a mask would leave; its
time is given by the clock and by the processors, and its memory as what the process took more at its peak. Boxes and
descriptors are random: speed depends on their number, their overlap (here 0.3 to 0.4 of all pairs) and the share of
zeros.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import runpy
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vsum_core.class_flow import match_class
from vsum_core.config import FlowConfig, FlowField, Matcher, PruningConfig
from vsum_core.dense_flow import dense_flow
from vsum_core.descriptors import appearance_similarity
from vsum_core.flow import match

SIDE = 224
NUMBERS = 1984  # of a descriptor
PLAIN = Path(__file__).parents[1] / "tests" / "vsum_core" / "reference_flow.py"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow", description="Speed of matching.")
    parser.add_argument("--proposals", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--images", type=int, default=100, help="of the class; 0 leaves it out")
    parser.add_argument("--kept", type=int, default=100, help="proposals of an image that its mask leaves")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="threads for the class")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    with threadpool_limits(limits=1):
        records = measure(options.proposals, options.repeats)
    for record in records:
        plain = f"{record['plain_ms']:9.1f} ms plain, {record['ratio']:5.1f} times" if "plain_ms" in record else ""
        print(f"{record['what']:22} {record['ms']:8.1f} ms {plain}", flush=True)
    if options.images:
        record = measure_class(options.images, options.proposals, options.kept, options.workers)
        records.append(record)
        print(
            f"{record['images']} images, {record['pairs']} pairs, {record['workers']} workers: "
            f"{record['wall_s']:.1f} s, "
            f"{record['processor_s']:.1f} s of processors ({record['ms_per_pair']:.1f} ms per pair), "
            f"{record['megabytes']:.0f} MB more at the peak, of which descriptors {record['descriptor_megabytes']:.0f}"
        )
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def measure(proposals: int, repeats: int) -> list[dict[str, Any]]:
    """Median milliseconds of processor time for one pair of images; compilation is not counted."""
    generator = np.random.default_rng(0)
    boxes_a, boxes_b = _random_boxes(generator, proposals), _random_boxes(generator, proposals)
    appearance = np.maximum(generator.normal(size=(proposals, proposals)), 0).astype(np.float32)
    plain = runpy.run_path(str(PLAIN))
    weights = plain["filtered_appearance"](boxes_a, boxes_b, appearance)
    hough, local = FlowConfig(matcher=Matcher.PROBABILISTIC_HOUGH), FlowConfig(matcher=Matcher.LOCAL_OFFSET)
    sides = {"side": hough.hough_bin, "scale_side": hough.hough_scale_bin, "sigma": hough.hough_sigma}
    records = []
    for config, slow in (
        (hough, functools.partial(plain["probabilistic_hough"], **sides)),
        (local, plain["local_offset"]),
    ):
        compiled_ms = _milliseconds(functools.partial(match, boxes_a, boxes_b, appearance, config=config), repeats)
        plain_ms = _milliseconds(functools.partial(slow, boxes_a, boxes_b, weights), repeats)
        figures = {"what": config.matcher.value, "ms": compiled_ms, "plain_ms": plain_ms}
        records.append(figures | {"ratio": plain_ms / compiled_ms})
    confidence = match(boxes_a, boxes_b, appearance, config=local)
    picture = generator.integers(0, 256, size=(SIDE, SIDE, 3), dtype=np.uint8)
    for field in FlowField:
        config = FlowConfig(field=field)
        run = functools.partial(dense_flow, boxes_a, boxes_b, confidence, picture, config=config)
        records.append({"what": f"dense flow, {field.value}", "ms": _milliseconds(run, repeats)})
    return records


def measure_class(images: int, proposals: int, kept: int, workers: int) -> dict[str, Any]:
    """Time and memory of matching all pairs of images once."""
    generator = np.random.default_rng(0)
    before = _peak_megabytes()
    boxes = [_random_boxes(generator, proposals) for _ in range(images)]
    descriptors = [generator.normal(size=(proposals, NUMBERS)).astype(np.float32) for _ in range(images)]
    rows = [generator.choice(proposals, size=min(kept, proposals), replace=False) for _ in range(images)]
    started, processor = time.perf_counter(), time.process_time()
    flow = match_class(
        boxes,
        lambda i, j: appearance_similarity(descriptors[i], descriptors[j], whitening=None),
        rows=rows,
        strongest=PruningConfig().strongest,
        config=FlowConfig(),
        workers=workers,
    )
    wall, processor = time.perf_counter() - started, time.process_time() - processor
    return {
        "what": "class",
        "images": images,
        "pairs": len(flow.blocks),
        "workers": workers,
        "wall_s": wall,
        "processor_s": processor,
        "ms_per_pair": 1000 * processor / len(flow.blocks),
        "megabytes": _peak_megabytes() - before,
        "descriptor_megabytes": images * proposals * NUMBERS * 4 / 1e6,
    }


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _random_boxes(generator: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    sizes = generator.integers(20, 150, size=(count, 2))
    corners = (generator.random((count, 2)) * (SIDE - sizes)).astype(int)
    return np.concatenate([corners, corners + sizes], axis=1)


def _milliseconds(function: Callable[[], object], repeats: int) -> float:
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


if __name__ == "__main__":
    main()
