"""A Ray cluster: one actor per device, or per core or few, which may come, and be lost, at any time.

Ray (https://docs.ray.io) is not among the requirements: ``pip install -r requirements-ray.txt``.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import vsum_core
from vsum_core.engines.bench import RunBench, perform
from vsum_core.engines.engine import EngineError, Outcome, Work, Worker
from vsum_core.engines.registry import EngineOptions

WAIT_SECONDS = 1.0
"""How often it is looked whether machines have joined the cluster."""
PATIENCE_SECONDS = 300.0
"""How long there may be no worker at all before the run is given up."""


@dataclass
class _Actor:
    handle: Any
    on_device: bool
    starting: Any  # reference to the answer of its first call
    running: Any = None
    node: str = ""  # Ray's id of the machine

    @property
    def ready(self) -> bool:
        return self.starting is None


class RayEngine:
    """Actors on a Ray cluster.

    Where the run is on CUDA devices, each device of the cluster gets an actor that takes all tasks, and the cores left
    get actors for tasks without a network. Otherwise there are actors of ``threads`` cores that take all tasks.

    Args:
        address: of the cluster, such as ``auto`` or ``ray://host:10001``; None starts one on this machine.
        threads: cores of an actor without a device, 1 or more.
        device_type: ``cpu`` or ``cuda``.

    Raises:
        EngineError: Ray is not installed.
        ValueError: there are no threads.
    """

    def __init__(self, *, address: str | None, threads: int, device_type: str = "cpu") -> None:
        if threads < 1:
            raise ValueError(f"threads must be 1 or more, but it is {threads}.")
        try:
            self._ray = importlib.import_module("ray")
        except ModuleNotFoundError as error:
            raise EngineError(
                "The engine ray needs Ray, which is not installed: pip install -r requirements-ray.txt"
            ) from error
        self._address = address
        self.threads = threads
        self._device_type = device_type
        self._workplace: Any = None
        self._actors: dict[str, _Actor] = {}
        self._number = 0
        self._waited = 0.0
        self._own = False

    def open(self, workplace: bytes) -> None:
        """Connect to the cluster, or use the connection that there is, and start actors on all of it."""
        ray = self._ray
        if not ray.is_initialized():
            # Workers import this checkout; the packages have to be there.
            environment = {
                "PYTHONPATH": str(Path(vsum_core.__file__).parent.parent),
                "OMP_NUM_THREADS": str(self.threads),
            }
            try:
                ray.init(address=self._address, runtime_env={"env_vars": environment}, log_to_driver=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise EngineError(
                    f"There is no Ray cluster at {self._address!r}: {error} Start one with `ray start --head`, or "
                    "leave --address out to use this machine alone."
                ) from error
            self._own = True
        self._workplace = ray.put(workplace)
        self._start_missing()

    def idle(self) -> Sequence[Worker]:
        """Actors that have read the workplace and wait."""
        return [
            Worker(name, on_device=actor.on_device)
            for name, actor in self._actors.items()
            if actor.ready and actor.running is None
        ]

    def begin(self, worker: Worker, work: Work) -> None:
        """Call the actor."""
        actor = self._actors[worker.name]
        actor.running = actor.handle.perform.remote(work)

    def wait(self) -> Sequence[Outcome]:
        """Wait for calls to end, for a second at most; then see whether the cluster has grown."""
        references = {
            actor.running if actor.ready else actor.starting: name
            for name, actor in self._actors.items()
            if actor.running is not None or not actor.ready
        }
        ended, _ = self._ray.wait(list(references), num_returns=1, timeout=WAIT_SECONDS) if references else ([], [])
        outcomes = [outcome for reference in ended if (outcome := self._ended(references[reference], reference))]
        if not ended:
            self._start_missing()
        self._be_patient()
        return outcomes

    def close(self) -> None:
        """End the actors, and the connection if it is ours."""
        for actor in self._actors.values():
            with contextlib.suppress(Exception):  # one that is gone already cannot be ended
                self._ray.kill(actor.handle)
        self._actors.clear()
        if self._own:
            self._ray.shutdown()
            self._own = False

    def _ended(self, name: str, reference: Any) -> Outcome | None:
        actor, errors = self._actors[name], self._ray.exceptions
        was_starting = not actor.ready
        try:
            answer = self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, EngineError):
                raise error.cause from error
            raise EngineError(f"A worker failed outside its work: {error}") from error
        except errors.RayError:
            # The machine or the process is gone; what Ray calls it depends on when it noticed.
            del self._actors[name]
            return None if was_starting else Outcome(worker=name, lost=True)
        if was_starting:
            actor.starting, actor.node = None, answer
            return None
        actor.running = None
        outcome: Outcome = replace(answer, worker=name)
        return outcome

    def _start_missing(self) -> None:
        """One actor for every place that is free in the cluster and not yet taken by an actor about to start."""
        free = self._ray.available_resources()
        starting = [actor for actor in self._actors.values() if not actor.ready]
        cores = free.get("CPU", 0.0) - self.threads * sum(not actor.on_device or self._cpu for actor in starting)
        if not self._cpu:
            devices = int(free.get("GPU", 0.0)) - sum(actor.on_device for actor in starting)
            for _ in range(devices):
                self._start(on_device=True, num_gpus=1, num_cpus=1)
                cores -= 1
        for _ in range(int(cores // self.threads)):
            self._start(on_device=self._cpu, num_cpus=self.threads)

    @property
    def _cpu(self) -> bool:
        return self._device_type == "cpu"

    def _start(self, *, on_device: bool, **resources: int) -> None:
        device = self._device_type if on_device else "cpu"
        handle = self._ray.remote(_BenchActor).options(max_restarts=0, **resources).remote(self._workplace, device)
        self._number += 1
        self._actors[f"actor {self._number}"] = _Actor(handle, on_device, starting=handle.ready.remote())

    def _be_patient(self) -> None:
        if any(actor.ready for actor in self._actors.values()):
            self._waited = 0.0
            return
        self._waited += WAIT_SECONDS
        if self._waited > PATIENCE_SECONDS:
            raise EngineError(
                f"The Ray cluster has had no worker for {PATIENCE_SECONDS:.0f} seconds (an actor asks for "
                f"{self.threads} cores). Finished work is kept; add machines and run the same command again."
            )


def engine_of(options: EngineOptions) -> RayEngine:
    """Actors of one core where nothing else is said: PyTorch gains more from images side by side than from threads."""
    return RayEngine(address=options.address, threads=options.threads or 1, device_type=options.device_type)


class _BenchActor:
    """A worker of the cluster; Ray makes an actor of it. Its networks stay on its device as long as it lives."""

    def __init__(self, workplace: bytes, device: str) -> None:
        # An error here would only say that the actor died; it is told by the first call instead.
        self._error: EngineError | None = None
        try:
            self._bench = RunBench(workplace, device=torch.device(device))
        except EngineError as error:
            self._error = error

    def ready(self) -> str:
        """On which machine the worker is; raises what hinders it."""
        if self._error is not None:
            raise self._error
        node: str = importlib.import_module("ray").get_runtime_context().get_node_id()
        return node

    def perform(self, work: Work) -> Outcome:
        """Perform work."""
        return perform(self._bench, work)
