"""Several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from vsum_core.engines.bench import RunBench, perform
from vsum_core.engines.engine import EngineError, Outcome, Work, Worker
from vsum_core.engines.registry import EngineOptions

_READY = "ready"


@dataclass
class _Process:
    process: BaseProcess
    connection: Connection[Any, Any]
    index: int
    device: str | None
    ready: bool = False
    busy: bool = False


class LocalEngine:
    """A pool of processes. One that ends unasked is replaced, and its task begun again.

    Args:
        processes: 1 or more. On a machine with CUDA devices the first processes have one each, the others none.
        threads: of each process, 1 or more.
        device_type: ``cpu`` or ``cuda``.

    Raises:
        ValueError: there are no processes or no threads.
    """

    def __init__(self, *, processes: int, threads: int = 1, device_type: str = "cpu") -> None:
        if processes < 1 or threads < 1:
            raise ValueError(f"processes and threads must be 1 or more, but they are {processes} and {threads}.")
        self.threads = threads
        self._count = processes
        self._device_type = device_type
        self._workplace = b""
        self._processes: dict[str, _Process] = {}

    def open(self, workplace: bytes) -> None:
        """Start the processes; they read the workplace by themselves."""
        self._workplace = workplace
        for index in range(self._count):
            self._start(index)

    def idle(self) -> Sequence[Worker]:
        """Processes that have read the workplace and wait."""
        return [
            Worker(name, on_device=process.device is not None)
            for name, process in self._processes.items()
            if process.ready and not process.busy
        ]

    def begin(self, worker: Worker, work: Work) -> None:
        """Send work to a process; that it is gone meanwhile shows in :meth:`wait`."""
        process = self._processes[worker.name]
        process.busy = True
        try:
            process.connection.send(work)
        except OSError:
            return

    def wait(self) -> Sequence[Outcome]:
        """Wait for a message, or for the end of a process."""
        by_connection = {process.connection: name for name, process in self._processes.items()}
        outcomes = []
        for connection in wait(list(by_connection)):
            name = by_connection[connection]  # type: ignore[index]
            outcome = self._received(name)
            if outcome is not None:
                outcomes.append(replace(outcome, worker=name))
        return outcomes

    def close(self) -> None:
        """End the processes, whatever they do: files in the run directory appear whole or not at all."""
        for process in self._processes.values():
            process.process.kill()
        for process in self._processes.values():
            process.process.join()
            process.connection.close()
        self._processes.clear()

    def _received(self, name: str) -> Outcome | None:
        process = self._processes[name]
        try:
            message = process.connection.recv()
        except (EOFError, OSError):
            return self._replaced(name)
        if isinstance(message, Outcome):
            process.busy = False
            return message
        if message != _READY:
            raise EngineError(message)
        process.ready = True
        return None

    def _replaced(self, name: str) -> Outcome | None:
        """Start another process of this name; the outcome is that of the task that was lost, if there was one."""
        process = self._processes[name]
        process.process.join()
        process.connection.close()
        if not process.ready:
            raise EngineError(
                f"A process ended with status {process.process.exitcode} before it could work. Is there enough memory? "
                "Use fewer processes and run the same command again."
            )
        self._start(process.index)
        return Outcome(worker=name, lost=True) if process.busy else None

    def _start(self, index: int) -> None:
        # Spawned, not forked: a fork of a process with threads, which PyTorch has, may hang.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        device = self._device(index)
        process = context.Process(target=_serve, args=(theirs, self._workplace, device), daemon=True)
        process.start()
        theirs.close()
        self._processes[f"process {index}"] = _Process(process, ours, index, device)

    def _device(self, index: int) -> str | None:
        if self._device_type == "cpu":
            return "cpu"
        return f"cuda:{index}" if index < torch.cuda.device_count() else None


def engine_of(options: EngineOptions) -> LocalEngine | None:
    """Processes that share the cores; none but this one where one is asked for."""
    if options.processes == 1:
        return None
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.processes)
    return LocalEngine(processes=options.processes, threads=threads, device_type=options.device_type)


def _serve(connection: Connection[Any, Any], workplace: bytes, device: str | None) -> None:
    """What a process does: say when it is ready or why it cannot be, then work until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the process that asked, which then ends this one
    try:
        bench = RunBench(workplace, device=torch.device(device or "cpu"))
    except EngineError as error:
        connection.send(str(error))
        return
    connection.send(_READY)
    while True:
        try:
            work = connection.recv()
        except EOFError:
            return
        connection.send(perform(bench, work))
