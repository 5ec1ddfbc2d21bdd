"""Which engines there are. A further one is one file and a line in ``_ENGINE_MODULES``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import torch

from vsum_core.engines.engine import Engine, EngineError
from vsum_core.freed_memory import keep_freed_memory

_ENGINE_MODULES = {"local": "vsum_core.engines.local", "ray": "vsum_core.engines.ray_engine"}
"""By name; each module defines ``engine_of(options)``, which gives an engine or None."""


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What people can say about an engine.

    Attributes:
        processes: of the engine local, 1 or more; with 1 everything happens in the process that asks.
        threads: of PyTorch and linear algebra in every worker, 1 or more; None: what the engine thinks best.
        address: of the cluster; None: none but this machine.
        device_type: ``cpu`` or ``cuda``.

    Raises:
        ValueError: a number is below 1.
    """

    processes: int = 1
    threads: int | None = None
    address: str | None = None
    device_type: str = "cpu"

    def __post_init__(self) -> None:
        for name, value in (("processes", self.processes), ("threads", self.threads)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, but it is {value}.")


def engine_names() -> tuple[str, ...]:
    """Every name that :func:`load_engine` knows."""
    return tuple(_ENGINE_MODULES)


def load_engine(name: str, options: EngineOptions) -> Engine | None:
    """The named engine, not yet open; None where all is done in this process.

    Sets the number of PyTorch's threads in this process to that of the workers: the last bit of a result may depend on
    it, and what this process computes itself must be as if a worker had. Large buffers stay with this process
    (:func:`vsum_core.freed_memory.keep_freed_memory`).

    Raises:
        EngineError: no such engine, or what it needs is not installed.
    """
    if name not in _ENGINE_MODULES:
        raise EngineError(f"Unknown engine {name!r}; known engines: {', '.join(_ENGINE_MODULES)}.")
    make: Callable[[EngineOptions], Engine | None] = importlib.import_module(_ENGINE_MODULES[name]).engine_of
    engine = make(options)
    keep_freed_memory()
    if engine is not None:
        torch.set_num_threads(engine.threads)
    elif options.threads is not None:
        torch.set_num_threads(options.threads)
    return engine
