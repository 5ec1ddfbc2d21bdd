"""What an engine costs beside the work: a run in one process, and the same run by engines, with where the time went.

    python -m benchmarks.engines [DIR] [--network efficientnet-lite0] [--per-class 16] [--classes NAME ...]
        [--preset default] [--processes 1 2] [--ray] [--empty 500] [--json FILE]

DIR holds one folder of images per class; without it the tiny run of ``benchmarks.tiny_run`` is made. Every process has
one thread. Of each engine are printed: until the workers were ready; the work, that is the time inside tasks, of all
workers; what was outside tasks while the workers had work, as a share of all their time; and the time in which the
manifest was put together at the end. With more than one worker the share outside also holds the waiting of workers that
had nothing to do. Last, what handing out a task that does nothing takes. All manifests must be those of one process.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.tiny_run import stripes_network, tiny_config, write_things
from vsum_core.config import Arm, PipelineConfig, preset, preset_names
from vsum_core.datasets import ImageSet, read_image_folder
from vsum_core.engines.bench import RunBench, Workplace
from vsum_core.engines.engine import Engine, Outcome, Task, Work, Worker, perform_all
from vsum_core.engines.local import LocalEngine
from vsum_core.engines.preparation import Preparation
from vsum_core.engines.ray_engine import RayEngine
from vsum_core.methods import methods_named
from vsum_core.networks import Network, load_network
from vsum_core.pipeline import pregenerate
from vsum_core.progress import Silent
from vsum_core.stages.classes import Order
from vsum_core.stages.run import Run
from vsum_core.store import Store

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Nothing:
    """Work that is none."""

    def perform(self, bench: RunBench) -> None:
        """Do nothing."""


@dataclass
class Watched:
    """An engine whose opening and whose workers' time are measured."""

    engine: Engine
    opened: float = 0.0
    ready: float = 0.0
    closed: float = 0.0
    workers: set[str] = field(default_factory=set)

    @property
    def threads(self) -> int:
        """Of a worker."""
        return self.engine.threads

    def open(self, workplace: bytes) -> None:
        """Note when."""
        self.opened = time.perf_counter()
        self.engine.open(workplace)

    def idle(self) -> Sequence[Worker]:
        """Note when the first is ready, and all names."""
        idle = self.engine.idle()
        if idle and not self.ready:
            self.ready = time.perf_counter()
        self.workers |= {worker.name for worker in idle}
        return idle

    def begin(self, worker: Worker, work: Work) -> None:
        """As it is."""
        self.engine.begin(worker, work)

    def wait(self) -> Sequence[Outcome]:
        """As it is."""
        return self.engine.wait()

    def close(self) -> None:
        """Note when."""
        self.closed = time.perf_counter()
        self.engine.close()


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(1)
    engines: dict[str, Callable[[], Engine]] = {
        f"local, {count} processes": lambda count=count: LocalEngine(processes=count)  # type: ignore[misc]
        for count in options.processes
    }
    if options.ray:
        engines["ray"] = lambda: RayEngine(address=None, threads=1)
    records = []
    with tempfile.TemporaryDirectory() as temporary:
        images, network, config = _material(options, Path(temporary))
        _make(images, network, config, Path(temporary) / "warm")  # compiles, reads weights and statistics
        started = time.perf_counter()
        expected = _make(images, network, config, Path(temporary) / "alone")
        alone = time.perf_counter() - started
        print(f"{len(images.images)} images, one process, no engine: {alone:.1f} s")
        for name, make_engine in engines.items():
            directory = Path(temporary) / name
            records.append(measure(images, network, config, make_engine(), directory, expected) | {"engine": name})
            print(describe(records[-1], alone), flush=True)
        for name, make_engine in engines.items():
            each = empty_task_seconds(images, network, config, make_engine(), Path(temporary) / "empty", options.empty)
            print(f"{name}: {1000 * each:.2f} ms for a task that does nothing")
            records.append({"engine": name, "empty_task_s": each})
    if options.json is not None:
        options.json.write_text(json.dumps([{"alone_s": alone}, *records], indent=2) + "\n", encoding="utf-8")


def measure(
    images: ImageSet, network: Network, config: PipelineConfig, engine: Engine, directory: Path, expected: bytes
) -> dict[str, Any]:
    """Seconds of a run by an engine, by where they went.

    Raises:
        ValueError: the manifest differs from the one expected.
    """
    watched = Watched(engine)
    preparation = Preparation(watched)
    started = time.perf_counter()
    manifest = _make(images, network, config, directory, preparation)
    wall = time.perf_counter() - started
    if manifest != expected:
        raise ValueError(f"The manifest in {directory} is not that of one process.")
    work = sum(preparation.spent.seconds.values())
    capacity = (watched.closed - watched.ready) * len(watched.workers)
    return {
        "wall_s": wall,
        "workers": len(watched.workers),
        "tasks": sum(preparation.spent.tasks.values()),
        "start_s": watched.ready - watched.opened,
        "work_s": work,
        "outside_share": 1 - work / capacity,
        "end_s": wall - (watched.closed - started),
    }


def describe(record: dict[str, Any], alone: float) -> str:
    """The figures of an engine in one line."""
    return (
        f"{record['engine']}: {record['wall_s']:.1f} s ({alone / record['wall_s']:.2f} times as fast), of which the "
        f"start took {record['start_s']:.1f} and the end {record['end_s']:.2f}; {record['tasks']} tasks, "
        f"{record['work_s']:.1f} s of work, {100 * record['outside_share']:.1f} % of the workers' time outside tasks"
    )


def empty_task_seconds(
    images: ImageSet, network: Network, config: PipelineConfig, engine: Engine, directory: Path, count: int
) -> float:
    """By the clock, per task, with all workers of the engine at work."""
    run = Run(store=Store(directory), images=images, config=config, device=CPU, workers=1, progress=Silent())
    workplace = Workplace.of(run, Order(networks=(network,), methods=methods_named("visual-summaries")))
    try:
        engine.open(pickle.dumps(workplace))
        perform_all(engine, [Task("first", "nothing", 1, Nothing())], progress=Silent())
        started = time.perf_counter()
        tasks = [Task(f"task {number}", "nothing", 1, Nothing()) for number in range(count)]
        perform_all(engine, tasks, progress=Silent())
        return (time.perf_counter() - started) / count
    finally:
        engine.close()
        workplace.remove_probe()


def _make(
    images: ImageSet,
    network: Network,
    config: PipelineConfig,
    directory: Path,
    preparation: Preparation | None = None,
) -> bytes:
    pregenerate(
        images,
        [network],
        config=config,
        arms=(Arm.RANDOM_REGIONS,),
        directory=directory,
        device=CPU,
        prepare=preparation,
    )
    return (directory / "manifest.json").read_bytes()


def _material(options: argparse.Namespace, temporary: Path) -> tuple[ImageSet, Network, PipelineConfig]:
    if options.directory is None:
        folder = write_things(temporary / "things", per_class=options.per_class)
        return read_image_folder(folder), stripes_network(), tiny_config()
    images = read_image_folder(options.directory, classes=options.classes, per_class=options.per_class)
    return images, load_network(options.network), preset(options.preset)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description="What engines cost.")
    parser.add_argument("directory", type=Path, nargs="?", help="folder of class folders; a tiny run when left out")
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--classes", nargs="+")
    parser.add_argument("--per-class", type=int, default=16)
    parser.add_argument("--preset", default="default", choices=preset_names())
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ray", action="store_true", help="also a Ray cluster of this machine")
    parser.add_argument("--empty", type=int, default=500, help="tasks that do nothing")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
