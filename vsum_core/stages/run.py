"""What every stage of a run needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from vsum_core.config import PipelineConfig
from vsum_core.datasets import ImageSet
from vsum_core.progress import Progress
from vsum_core.store import Store


class Explainer(NamedTuple):
    """One explanation method applied to one network, both by name; what masks, regions and clusters belong to."""

    network: str
    method: str

    def __str__(self) -> str:
        return f"{self.network}, {self.method}"


@dataclass(frozen=True)
class Run:
    """One run: where it is kept, what it is made of, and how it is computed.

    Attributes:
        store: the run directory.
        images: all readable images of the classes, and those already skipped.
        config: every constant.
        device: where networks live.
        workers: threads or processes for work on the CPU, 1 or more.
        progress: receiver of progress.
    """

    store: Store
    images: ImageSet
    config: PipelineConfig
    device: torch.device
    workers: int
    progress: Progress
