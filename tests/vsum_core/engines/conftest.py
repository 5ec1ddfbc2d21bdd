"""Runs of the striped things with a network of PyTorch's own modules, which other processes can unpickle."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from vsum_core.config import Arm, QualityConfig, preset
from vsum_core.datasets import read_image_folder
from vsum_core.networks import NetworkSpecification
from vsum_core.networks import network_of as network_of_module
from vsum_core.pipeline import pregenerate

SIDE = 64


def stripes_network():
    """Logits: edges down the columns in what is redder than blue, and in what is bluer than red."""
    colour = nn.Conv2d(3, 2, 1, bias=False)
    edges = nn.Conv2d(2, 4, (2, 1), groups=2)
    mean = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        colour.weight[:] = torch.tensor([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]]).view(2, 3, 1, 1)
        edges.weight[:] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]] * 2).view(4, 1, 2, 1)
        edges.bias[:] = -0.15
        mean.weight[:] = 200 * torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    module = nn.Sequential(colour, nn.ReLU(), edges, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), mean)
    specification = NetworkSpecification(
        name="stripes",
        weights="hand-made",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("red thing", "blue thing"),
    )
    return network_of_module(module, specification)


@pytest.fixture
def one_thread():
    """Results may depend on the number of PyTorch's threads, so all sides have one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny_run(thing_folder, one_thread):
    """Calls pregenerate with a directory and, optionally, a preparation; returns the bytes of the manifest."""
    base = preset("fast", seed=3)
    config = dataclasses.replace(
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

    def run(directory, prepare=None, **options):
        manifest = pregenerate(
            read_image_folder(thing_folder),
            [stripes_network()],
            config=config,
            arms=(Arm.RANDOM_REGIONS,),
            directory=directory,
            device=torch.device("cpu"),
            held_out=1,
            prepare=prepare,
            **options,
        )
        assert manifest["summaries"]
        return (directory / "manifest.json").read_bytes()

    return run
