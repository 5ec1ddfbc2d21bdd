"""A whole run that takes two seconds: striped things on noise, and a network of PyTorch's own modules that tells them.

For measurements and tests of what surrounds the stages: engines, interruptions, kills. Any process can unpickle it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from vsum_core.config import Arm, PipelineConfig, QualityConfig, preset
from vsum_core.datasets import read_image_folder
from vsum_core.networks import Network, NetworkSpecification, network_of
from vsum_core.pipeline import pregenerate
from vsum_core.progress import Progress
from vsum_core.stages.classes import Order
from vsum_core.stages.run import Run

SIDE = 64  # pixels of the network's input
CLASSES = {"red_thing": (220, 30, 30), "blue_thing": (30, 40, 220)}

Picture = npt.NDArray[np.uint8]


def write_things(folder: Path, *, per_class: int = 5, seed: int = 0) -> Path:
    """Draw images of two classes into class folders, and return the folder."""
    generator = np.random.default_rng(seed)
    for name, colour in CLASSES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(per_class):
            Image.fromarray(draw_thing(colour, generator)).save(folder / name / f"{index}.png")
    return folder


def draw_thing(colour: tuple[int, int, int], generator: np.random.Generator) -> Picture:
    """A striped disc above a bar, both of one colour, somewhere on grey noise: uint8 (200, 240, 3)."""
    noise = generator.integers(90, 150, size=(200, 240, 1), dtype=np.uint8).repeat(3, axis=2)
    picture = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), dtype=np.uint8)
    x, y = int(generator.integers(70, 170)), int(generator.integers(55, 80))
    cv2.circle(picture, (x, y), 34, colour, -1, cv2.LINE_AA)
    for offset in range(-24, 25, 12):
        cv2.line(picture, (x + offset, y - 22), (x + offset, y + 22), (250, 250, 250), 2, cv2.LINE_AA)
    cv2.rectangle(picture, (x - 60, y + 60), (x + 60, y + 90), colour, -1)
    cv2.rectangle(picture, (x - 60, y + 72), (x + 60, y + 77), (20, 20, 20), -1)
    return picture


def stripes_network(name: str = "stripes") -> Network:
    """Logits: edges along the columns in what is redder than blue, and in what is bluer than red."""
    colour = nn.Conv2d(3, 2, 1, bias=False)
    edges = nn.Conv2d(2, 4, (2, 1), groups=2)
    mean = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        colour.weight.copy_(torch.tensor([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]]).view(2, 3, 1, 1))
        edges.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]] * 2).view(4, 1, 2, 1))
        torch.nn.init.constant_(edges.bias, -0.15)  # type: ignore[arg-type]
        mean.weight.copy_(200 * torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]))
    module = nn.Sequential(colour, nn.ReLU(), edges, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), mean)
    specification = NetworkSpecification(
        name=name,
        weights="hand-made",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("red thing", "blue thing"),
    )
    return network_of(module, specification)


def tiny_config(*, seed: int = 3) -> PipelineConfig:
    """As ``fast``, with few steps, a small frame, few proposals and two scatterings."""
    base = preset("fast", seed=seed)
    return dataclasses.replace(
        base,
        masks=dataclasses.replace(
            base.masks,
            batch_size=3,
            smooth=dataclasses.replace(base.masks.smooth, steps=10),
            sharp=dataclasses.replace(base.masks.sharp, steps=10),
        ),
        proposals=dataclasses.replace(
            base.proposals, frame_side=112, minimum_side=10, maximum=60, segmentation_scales=(100,)
        ),
        quality=QualityConfig(minimum_members=2, scatterings=2),
        rendering=dataclasses.replace(base.rendering, cell_side=120),
    )


def make(
    images: Path,
    directory: Path,
    *,
    config: PipelineConfig | None = None,
    prepare: Callable[[Run, Order], Run] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The run, into a directory; returns the manifest."""
    return pregenerate(
        read_image_folder(images),
        [stripes_network()],
        config=config or tiny_config(),
        arms=(Arm.RANDOM_REGIONS,),
        directory=directory,
        device=torch.device("cpu"),
        held_out=1,
        prepare=prepare,
        progress=progress,
    )
