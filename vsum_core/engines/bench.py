"""What a worker of any engine does: read the workplace once, keep the networks on its device, perform work."""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import pickle
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vsum_core.config import PipelineConfig
from vsum_core.datasets import ImageFile, ImageSet
from vsum_core.engines.engine import EngineError, Outcome, Work
from vsum_core.freed_memory import keep_freed_memory
from vsum_core.networks import Network
from vsum_core.progress import Silent
from vsum_core.provenance import code_digest
from vsum_core.stages.classes import ClassChain, ExplainerMasks, Order, explain_images
from vsum_core.stages.proposing import make_proposals
from vsum_core.stages.run import Run
from vsum_core.stages.screening import screen
from vsum_core.store import Store

CLASSES_AT_HAND = 2
"""Classes whose masks and descriptors a worker keeps; descriptors of 100 images take 400 MB."""


class Surroundings(NamedTuple):
    """What results may depend on beside the keys of the store: code, libraries, instructions of the processor, threads.

    Results of unlike workers might differ in the last bit, and what is optimised makes much of the last bit.
    """

    code: str
    torch: str
    numpy: str
    instructions: str
    threads: int

    @classmethod
    def here(cls) -> Surroundings:
        """Those of this process."""
        return cls(
            code=code_digest("vsum_core.pipeline"),
            torch=torch.__version__,
            numpy=np.__version__,
            instructions=str(torch.backends.cpu.get_cpu_capability()),
            threads=torch.get_num_threads(),
        )


@dataclass(frozen=True)
class Workplace:
    """Everything a worker has to know of a run; pickled once, read once by every worker.

    Attributes:
        directory: the run directory, absolute; the same files must be there for all workers.
        images, config: as in :class:`vsum_core.stages.run.Run`.
        order: what is asked for; its networks are on the CPU.
        device: name of the device, such as ``NVIDIA H100``; empty for the CPU.
        threads: of PyTorch, linear algebra and the matching, in every worker.
        probe: name and content of a file that was written into the run directory just now.
        surroundings: of the process that asks.
    """

    directory: Path
    images: ImageSet
    config: PipelineConfig
    order: Order
    device: str
    threads: int
    probe: tuple[str, str]
    surroundings: Surroundings

    @classmethod
    def of(cls, run: Run, order: Order) -> Workplace:
        """The workplace of a run, with a probe file that :meth:`remove_probe` takes away."""
        name, content = f".probe-{secrets.token_hex(8)}", secrets.token_hex(16)
        run.store.write_text(name, content)
        networks = tuple(on_device(network, torch.device("cpu")) for network in order.networks)
        return cls(
            directory=run.store.directory.resolve(),
            images=dataclasses.replace(run.images, images=tuple(map(_absolute, run.images.images))),
            config=run.config,
            order=dataclasses.replace(order, networks=networks),
            device=_device_name(run.device),
            threads=torch.get_num_threads(),
            probe=(name, content),
            surroundings=Surroundings.here(),
        )

    def remove_probe(self) -> None:
        """Take the probe file away."""
        (self.directory / self.probe[0]).unlink(missing_ok=True)


def _absolute(image: ImageFile) -> ImageFile:
    parts = image.part_masks
    return dataclasses.replace(image, path=image.path.resolve(), part_masks=None if parts is None else parts.resolve())


def on_device(network: Network, device: torch.device) -> Network:
    """The network on a device; a copy, unless it is there already."""
    if network.device == device:
        return network
    return dataclasses.replace(network, module=copy.deepcopy(network.module).to(device), device=device)


def perform(bench: RunBench, work: Work) -> Outcome:
    """Perform work on a bench; whatever it raises becomes part of the outcome, whose worker is yet to be named."""
    started, processor = time.perf_counter(), time.process_time()
    error: Exception | None = None
    try:
        work.perform(bench)
    except Exception as raised:  # it is raised again by the process that asked
        error = _portable(raised)
    return Outcome(
        worker="",
        seconds=time.perf_counter() - started,
        processor_seconds=time.process_time() - processor,
        error=error,
    )


def _portable(error: Exception) -> Exception:
    """The error, or its words where it cannot travel between processes."""
    try:
        if isinstance(pickle.loads(pickle.dumps(error)), type(error)):  # noqa: S301
            return error
    except Exception as hindrance:  # anything can go wrong in another's pickling
        return EngineError(f"{type(error).__name__}: {error} (it could not be sent as it is: {hindrance})")
    return EngineError(f"{type(error).__name__}: {error}")


class RunBench:
    """The run as a worker sees it: networks resident, and the classes it worked on last.

    Args:
        content: the pickled :class:`Workplace`.
        device: where its networks live.

    Raises:
        EngineError: the worker does not see the files, or runs other code or libraries.
    """

    def __init__(self, content: bytes, *, device: torch.device) -> None:
        workplace: Workplace = pickle.loads(content)  # noqa: S301 - made by the process that started this one
        keep_freed_memory()
        torch.set_num_threads(workplace.threads)
        self._limits = threadpool_limits(limits=workplace.threads)
        _check_surroundings(workplace, device)
        _check_files(workplace)
        self._workplace = workplace
        self.device = device
        self.order = dataclasses.replace(
            workplace.order, networks=tuple(on_device(network, device) for network in workplace.order.networks)
        )
        self.run = Run(
            store=Store(workplace.directory),
            images=workplace.images,
            config=workplace.config,
            device=device,
            workers=workplace.threads,
            progress=Silent(),
        )
        self._images = {image.id: image for image in workplace.images.images}
        self._chains: OrderedDict[str, ClassChain] = OrderedDict()

    def images(self, identifiers: tuple[str, ...]) -> list[ImageFile]:
        """Images by their ids."""
        return [self._images[identifier] for identifier in identifiers]

    @functools.cached_property
    def explained(self) -> dict[str, list[ImageFile]]:
        """By network, the images that are explained; their screening must be finished."""
        found = {}
        for network in self.order.networks:
            correct = screen(self.run, network).correct
            found[network.specification.name] = [image for image in correct if image.id not in self.order.kept]
        return found

    def chain(self, name: str) -> ClassChain:
        """The chain of a class; its masks and proposals should be finished."""
        if name in self._chains:
            self._chains.move_to_end(name)
            return self._chains[name]
        label = next(label for label in self.run.images.classes if label.name == name)
        masks: ExplainerMasks = {}
        for network in self.order.networks:
            own = [image for image in self.explained[network.specification.name] if image.label.name == name]
            masks |= explain_images(self.run, network, self.order.methods, own)
        of_class = [image for image in self.run.images.images if any(image.id in found for found in masks.values())]
        chain = ClassChain(self.run, self.order, label, of_class, make_proposals(self.run, of_class), masks)
        self._chains[name] = chain
        while len(self._chains) > CLASSES_AT_HAND:
            self._chains.popitem(last=False)
        return chain


def _device_name(device: torch.device) -> str:
    return "" if device.type == "cpu" else torch.cuda.get_device_name(device)


def _check_surroundings(workplace: Workplace, device: torch.device) -> None:
    expected_of = {**workplace.surroundings._asdict(), "device": workplace.device}
    here = {**Surroundings.here()._asdict(), "device": _device_name(device)}
    if device.type == "cpu":  # where networks run on devices, workers without one do not run any
        here["device"] = workplace.device
    for name, expected in expected_of.items():
        actual = here[name]
        if expected != actual:
            raise EngineError(
                f"A worker's {name} is {actual!r}, but {expected!r} where the run was started. Results could differ; "
                "give all machines the same checkout, the same packages and processors of one kind."
            )


def _check_files(workplace: Workplace) -> None:
    name, content = workplace.probe
    path = workplace.directory / name
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        raise EngineError(
            f"A worker does not see {path}. All machines must see the run directory under the same path; "
            "put it on a shared file system."
        )
    for image in workplace.images.images[:1]:
        if not image.path.exists() or hashlib.sha256(image.path.read_bytes()).hexdigest() != image.sha256:
            raise EngineError(
                f"A worker does not see {image.path} as it is where the run was started. All machines must see the "
                "images under the same path; put them on a shared file system."
            )
