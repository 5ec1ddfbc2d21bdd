"""What the benchmark of masks counts and how its columns are named; its times are nobody's test."""

import pytest
import torch
from torch import nn

from benchmarks.masks import Setting, main
from benchmarks.random_network import random_network
from benchmarks.step_operations import share_of_peak, step_operations
from vsum_core.networks import Network, NetworkSpecification


def test_operations_of_a_convolution_by_hand():
    specification = NetworkSpecification(
        name="one convolution",
        weights="random",
        input_height=8,
        input_width=8,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("one", "two"),
    )
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).requires_grad_(False)
    network = Network(specification=specification, module=module, device=torch.device("cpu"), weights_sha256="0" * 64)
    # 6 × 6 places, two channels, 27 products with their sums; the gradient in the image takes as many.
    assert step_operations(network, torch.zeros(3, 8, 8)) == 2 * (6 * 6 * 2 * 27 * 2)


def test_share_of_the_peak_by_hand():
    assert share_of_peak(10**9, steps=50, seconds=0.1, peak_tflops=2.0) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="positive"):
        share_of_peak(1, steps=1, seconds=1.0, peak_tflops=0.0)


def test_a_random_network_is_the_same_every_time_and_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again = (random_network("squeezenet1_1", device="cpu") for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert first.specification.weights == "random"
    assert first.weights_sha256 == again.weights_sha256
    assert first.logits(torch.rand(1, 3, 224, 224)).shape == (1, 1000)
    with pytest.raises(ValueError, match="vgg16"):
        random_network("efficientnet-lite0", device="cpu")


def test_settings_are_named_by_what_differs_from_a_plain_preset():
    assert Setting(preset="fast").name() == "fast"
    both = Setting(preset="fast", precision="bfloat16", compiled=True)
    assert both.name() == "fast, bfloat16, compiled"
    assert both.config().bfloat16
    assert both.config().compile_network


def test_every_precision_needs_its_peak(capsys):
    with pytest.raises(SystemExit):
        main(["nowhere", "--precision", "float32", "bfloat16", "--peak-tflops", "67"])
    assert "2 precisions, but got 1" in capsys.readouterr().err
