"""Kill runs with SIGKILL at random moments, resume them, and compare what comes out with an undisturbed run.

    python -m benchmarks.pregeneration_torture --kills 300 [--seed 0] [--processes 2] [--directory DIR]

A tiny run (``benchmarks.tiny_run``) is started, killed after a random part of the time that an undisturbed one takes,
and started again in the same directory, until it ends by itself. Its manifest must have the bytes of the undisturbed
one, and every object the content of its name. Then the next directory begins, until there were ``--kills`` kills. With
``--processes`` above 1 the work is done by an engine of processes, of which those of a killed run may still be writing
when the next begins. Exits with status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import torch

from benchmarks.tiny_run import make, write_things
from vsum_core.engines.local import LocalEngine
from vsum_core.engines.preparation import Preparation

PATIENCE_SECONDS = 600.0


class DamageError(AssertionError):
    """A run that was killed and resumed is not what an undisturbed run is."""


@dataclass(frozen=True)
class Survived:
    """Kills with SIGKILL, runs that were resumed to their end, and how long an undisturbed run took."""

    kills: int
    runs: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pregeneration_torture", description="Kill, resume.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--directory", type=Path, help="where the runs are kept; a temporary one when left out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.directory or Path(temporary)
        try:
            survived = torture(directory, kills=options.kills, seed=options.seed, processes=options.processes)
        except DamageError as damage:
            sys.exit(f"DAMAGED: {damage}")
    print(
        f"{survived.kills} kills of {survived.runs} runs survived; every manifest is that of the undisturbed run "
        f"(which took {survived.seconds:.1f} s)."
    )


def torture(directory: Path, *, kills: int, seed: int, processes: int = 1) -> Survived:
    """Kill and resume runs until there were enough kills.

    Raises:
        DamageError: a manifest or an object is not what it should be, or a run fails or does not end.
    """
    # Children are forked from a server that has imported everything: a run begins in a moment, as hundreds must.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vsum_core.pipeline", "benchmarks.tiny_run", __name__])
    images = write_things(directory / "things")
    _start(context, images, directory / "warm", processes).join(PATIENCE_SECONDS)  # compiles what is not yet compiled
    started = time.perf_counter()
    _start(context, images, directory / "undisturbed", processes).join(PATIENCE_SECONDS)
    seconds = time.perf_counter() - started
    expected = _manifest(directory / "undisturbed")
    generator = np.random.default_rng(seed)
    killed = runs = 0
    while killed < kills:
        runs += 1
        killed += _one_run(context, images, directory / f"run {runs}", seconds, generator, processes)
        if _manifest(directory / f"run {runs}") != expected:
            raise DamageError(f"{directory / f'run {runs}'} has another manifest than the undisturbed run.")
        _check_objects(directory / f"run {runs}")
    return Survived(kills=killed, runs=runs, seconds=seconds)


def _one_run(
    context: ForkServerContext,
    images: Path,
    directory: Path,
    seconds: float,
    generator: np.random.Generator,
    processes: int,
) -> int:
    """Kill a run again and again until it ends by itself; returns the number of kills."""
    killed = 0
    while True:
        process = _start(context, images, directory, processes)
        process.join(float(generator.uniform(0, 0.8 * seconds)))
        if process.is_alive():
            process.kill()
            process.join()
            killed += 1
        elif process.exitcode != 0:
            raise DamageError(f"A resumed run in {directory} ended with status {process.exitcode}.")
        else:
            return killed


def _start(
    context: ForkServerContext, images: Path, directory: Path, processes: int
) -> multiprocessing.process.BaseProcess:
    process = context.Process(target=_run, args=(images, directory, processes))
    process.start()
    return process


def _run(images: Path, directory: Path, processes: int) -> None:
    torch.set_num_threads(1)
    make(images, directory, prepare=None if processes == 1 else Preparation(LocalEngine(processes=processes)))


def _manifest(directory: Path) -> bytes:
    path = directory / "manifest.json"
    if not path.exists():
        raise DamageError(f"{path} is missing.")
    return path.read_bytes()


def _check_objects(directory: Path) -> None:
    for path in (directory / "objects").glob("*/*.*"):
        if not path.name.startswith(".writing-") and hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
            raise DamageError(f"The content of {path} does not match its name.")


if __name__ == "__main__":
    main()
