"""Affinity propagation against scikit-learn's: same noise, same parameters, both in one run, float32.

    python -m benchmarks.clustering [--regions 500 1000 2000 4000] [--threads 2] [--device cuda] [--json FILE]

The similarities are those of points around a hundred centres, with noise that makes them asymmetric like those of
Proposal Flow. Both run to convergence. Printed are wall and processor time, their ratios, whether the labels and the
number of iterations agree, and the memory our run takes beside the input. With ``--device`` the messages are passed
there by PyTorch as well, the way from and to the processor included in the time; its ratio is again to
scikit-learn, and its memory that of a CUDA device at its highest.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import affinity_propagation as scikit_learn_propagation
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vsum_core.clustering import Propagation, affinity_propagation
from vsum_core.config import ClusteringConfig

CENTRES = 100


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clustering", description="Speed of clustering.")
    parser.add_argument("--regions", type=int, nargs="+", default=[500, 1000, 2000, 4000])
    parser.add_argument(
        "--threads", type=int, default=min(2, os.cpu_count() or 1), help="that linear algebra may use; ours uses one"
    )
    parser.add_argument("--device", type=torch.device, help="of PyTorch, such as cuda, to pass messages on as well")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    records = []
    print(f"{'regions':>7} {'iterations':>10} {'clusters':>8} {'same labels':>11} {'wall s':>17} {'ratio':>6}", end="")
    print(f" {'processor s':>17} {'ratio':>6} {'our MB':>7}")
    with threadpool_limits(limits=options.threads):
        for count in options.regions:
            record = measure(count, device=options.device)
            records.append(record)
            print(
                f"{count:7} {record['iterations']:10} {record['clusters']:8} {record['same_labels']!s:>11} "
                f"{record['wall_s']:7.2f} : {record['sklearn_wall_s']:7.2f} {record['wall_ratio']:6.1f} "
                f"{record['processor_s']:7.2f} : {record['sklearn_processor_s']:7.2f} {record['processor_ratio']:6.1f} "
                f"{record['megabytes']:7.0f}",
                flush=True,
            )
            if options.device is not None:
                print(
                    f"{'':7} on {options.device}: {record['device_wall_s']:.2f} s by the clock, ratio "
                    f"{record['device_wall_ratio']:.1f}, same labels {record['device_same_labels']}, "
                    f"{_shown(record['device_megabytes'])}",
                    flush=True,
                )
    print("ours : scikit-learn's; a ratio above 1 is in our favour")
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def measure(count: int, *, device: torch.device | None = None) -> dict[str, Any]:
    """One size, both sides, and ours once more on the device."""
    config = ClusteringConfig(maximum_iterations=2000)
    similarity = _similarity(count)
    noise = np.random.RandomState(0).standard_normal(size=similarity.shape)
    affinity_propagation(similarity[:50, :50], config=config, seed=0)  # compiles
    ours, wall, processor = _timed(lambda: affinity_propagation(similarity, config=config, seed=0, noise=noise))
    shifted = similarity - similarity[~np.eye(count, dtype=bool)].max()
    theirs, other_wall, other_processor = _timed(lambda: _scikit_learn(shifted, ours, config))
    on_device = {} if device is None else _on_device(device, similarity, noise, config, theirs, other_wall)
    return {
        "regions": count,
        "iterations": ours.iterations,
        "clusters": len(ours.exemplars),
        "converged": ours.converged,
        "same_labels": bool(np.array_equal(ours.labels, theirs[1]) and ours.iterations == theirs[2]),
        "wall_s": wall,
        "sklearn_wall_s": other_wall,
        "wall_ratio": other_wall / wall,
        "processor_s": processor,
        "sklearn_processor_s": other_processor,
        "processor_ratio": other_processor / processor,
        "megabytes": _megabytes(lambda: affinity_propagation(similarity, config=_brief(config), seed=0)),
        **on_device,
    }


def _on_device(
    device: torch.device,
    similarity: npt.NDArray[np.float32],
    noise: npt.NDArray[np.float64],
    config: ClusteringConfig,
    theirs: tuple[Any, npt.NDArray[np.int64], int],
    other_wall: float,
) -> dict[str, Any]:
    affinity_propagation(similarity, config=_brief(config), seed=0, device=device)  # the first use of a device is slow
    is_cuda = device.type == "cuda"
    if is_cuda:
        torch.cuda.reset_peak_memory_stats(device)
    found, wall, _ = _timed(lambda: affinity_propagation(similarity, config=config, seed=0, noise=noise, device=device))
    return {
        "device": torch.cuda.get_device_name(device) if is_cuda else str(device),
        "device_same_labels": bool(np.array_equal(found.labels, theirs[1]) and found.iterations == theirs[2]),
        "device_wall_s": wall,
        "device_wall_ratio": other_wall / wall,
        "device_megabytes": torch.cuda.max_memory_allocated(device) / 1e6 if is_cuda else None,
    }


def _shown(megabytes: float | None) -> str:
    return "memory not known" if megabytes is None else f"{megabytes:.0f} MB"


def _similarity(count: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CENTRES, 8))
    points = (centres[generator.integers(CENTRES, size=count)] + 0.3 * generator.normal(size=(count, 8))).astype("f4")
    squares = (points**2).sum(axis=1)
    similarity = 2 * points @ points.T - squares[:, None] - squares
    noisy: npt.NDArray[np.float32] = similarity + generator.uniform(0, 0.2, similarity.shape).astype(np.float32)
    return noisy


def _scikit_learn(
    shifted: npt.NDArray[np.float32], ours: Propagation, config: ClusteringConfig
) -> tuple[Any, npt.NDArray[np.int64], int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exemplars, labels, iterations = scikit_learn_propagation(
            shifted,
            preference=ours.preference,
            damping=ours.damping,
            max_iter=config.maximum_iterations,
            convergence_iter=config.convergence_window,
            return_n_iter=True,
            random_state=np.random.RandomState(0),
        )
    return exemplars, labels, iterations


def _brief(config: ClusteringConfig) -> ClusteringConfig:
    return ClusteringConfig(
        preference_factor=config.preference_factor, maximum_iterations=2, convergence_window=1, retry_dampings=()
    )


def _timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    result = run()
    return result, time.perf_counter() - wall, time.process_time() - processor


def _megabytes(run: Callable[[], object]) -> float:
    """Highest memory taken while it runs; NumPy and Numba report theirs to Python."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
