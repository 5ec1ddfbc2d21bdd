"""A tiny world for tests of whole runs: striped discs and bars on noise, and a network that counts coloured stripes."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vsum_core.networks import Network, NetworkSpecification

SIDE = 64


class ColourDetector(torch.nn.Module):
    """Logits: how much of the image is red in stripes, and how much is blue in stripes; blur takes the stripes away.

    Only the left ``seen`` columns are looked at, and red is preferred by ``bias``.
    """

    def __init__(self, *, seen=SIDE, bias=0.0):
        super().__init__()
        self.seen = seen
        self.bias = torch.tensor([bias, 0.0])

    def forward(self, images):
        images = images[..., : self.seen]
        red = torch.relu(images[:, 0] - images[:, 2])
        blue = torch.relu(images[:, 2] - images[:, 0])
        stripes = [torch.relu(colour.diff(dim=2).abs() - 0.15).mean(dim=(1, 2)) for colour in (red, blue)]
        return 200 * torch.stack(stripes, dim=1) + self.bias


def network_of(module, *, name):
    specification = NetworkSpecification(
        name=name,
        weights="hand-made",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("red thing", "blue thing"),
    )
    return Network(
        specification=specification,
        module=module.eval(),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(name.encode()).hexdigest(),
    )


@pytest.fixture
def colour_network():
    return network_of(ColourDetector(), name="colour-detector")


@pytest.fixture
def short_sighted_network():
    """Sees the left half of each image only, and takes one of the five blue things for red."""
    return network_of(ColourDetector(seen=SIDE // 2, bias=1.9), name="short-sighted")


def draw_thing(colour, generator):
    """A striped disc above a bar, both of one colour, somewhere on grey noise: uint8 (200, 240, 3)."""
    picture = generator.integers(90, 150, size=(200, 240, 1), dtype=np.uint8).repeat(3, axis=2)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    x, y = int(generator.integers(70, 170)), int(generator.integers(55, 80))
    cv2.circle(picture, (x, y), 34, colour, -1, cv2.LINE_AA)
    for offset in range(-24, 25, 12):
        cv2.line(picture, (x + offset, y - 22), (x + offset, y + 22), (250, 250, 250), 2, cv2.LINE_AA)
    cv2.rectangle(picture, (x - 60, y + 60), (x + 60, y + 90), colour, -1)
    cv2.rectangle(picture, (x - 60, y + 72), (x + 60, y + 77), (20, 20, 20), -1)
    return picture


@pytest.fixture
def thing_folder(tmp_path):
    """Two classes of five images each."""
    generator = np.random.default_rng(0)
    for name, colour in (("red_thing", (220, 30, 30)), ("blue_thing", (30, 40, 220))):
        folder = tmp_path / "things" / name
        folder.mkdir(parents=True)
        for index in range(5):
            Image.fromarray(draw_thing(colour, generator)).save(folder / f"{index}.png")
    return tmp_path / "things"
