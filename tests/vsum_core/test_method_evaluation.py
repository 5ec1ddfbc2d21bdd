"""Methods held against each other on striped pictures whose evidence lies in a known place."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from vsum_core.config import MaskConfig, MaskStageConfig
from vsum_core.method_evaluation import evaluate, score_of, table
from vsum_core.methods import Question, load_method
from vsum_core.networks import Network, NetworkSpecification
from vsum_core.randomisation import randomised


@pytest.fixture
def question():
    """A network that looks for red with a convolution, and pictures with a red chequered square at [8:24, 8:24]."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    with torch.no_grad():
        module[0].weight.zero_()
        module[0].bias.fill_(-0.5)  # the blurred square has edges, too, but weak ones
        module[0].weight[0, 0, 1, 1], module[0].weight[0, 0, 1, 2] = 4.0, -4.0  # red here, not at the right
        module[4].weight.copy_(torch.tensor([[20.0, 0, 0, 0], [0, 0, 0, 0]]))
        module[4].bias.copy_(torch.tensor([-3.0, 0.0]))
    network = Network(
        specification=NetworkSpecification(
            name="red", weights="none", input_height=32, input_width=32, mean=(0.0,) * 3, std=(1.0,) * 3,
            categories=("red", "other"),
        ),
        module=module.eval().requires_grad_(False),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(b"red").hexdigest(),
    )  # fmt: skip
    images = torch.full((2, 3, 32, 32), 0.2)
    images[:, 0, 8:24, 8:24:2] = 1.0
    stage = MaskStageConfig(steps=2, learning_rate=0.1, area_weight=0.1, total_variation_weight=0.0)
    return Question(
        network=network,
        images=images,
        targets=torch.tensor([0, 0]),
        areas=np.array([0.25, 0.25]),
        config=MaskConfig(batch_size=8, smooth=stage, sharp=stage),
    )


def test_the_score_of_everything_and_nothing(question):
    score = score_of(question, 0)
    p = score(np.stack([np.ones((32, 32)), np.zeros((32, 32))]).astype(np.float32))
    with torch.no_grad():
        both = torch.cat([question.images[:1], question.blurred[:1]])
        expected = question.network.logits(both).softmax(1)[:, 0].numpy()
    np.testing.assert_allclose(p, expected, rtol=1e-6)
    assert p[0] > 0.9 > 0.5 > p[1]


@pytest.mark.parametrize("name", ["grad-cam", "occlusion"])
def test_figures_of_methods_that_see_the_evidence(question, name):
    result = evaluate(load_method(name), question, boxes=[[[8, 8, 24, 24]]] * 2, steps=8, samples=12)
    figures = result.figures
    assert figures["drop"] > 0.5 and figures["area"] == pytest.approx(0.25)
    assert figures["deletion"] < figures["insertion"]
    assert figures["pointing"] == 1
    assert figures["mu_fidelity"] > 0.3
    assert figures["average_drop"] < 0.3  # the evidence alone nearly suffices
    assert set(figures) >= {"p_thresholded", "normalised_score", "area_times_p", "sparsity", "increase", "randomised 1"}


def test_without_boxes_there_is_no_pointing_game(question):
    assert evaluate(load_method("grad-cam"), question, steps=2, samples=4, randomise=()).figures["pointing"] is None


def test_randomised_networks_are_copies(question):
    network = question.network
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    random = randomised(network, seed=1)
    top = randomised(network, share=0.5, seed=1)
    assert all(torch.equal(value, before[name]) for name, value in network.module.state_dict().items())
    assert not torch.equal(random.module[0].weight, network.module[0].weight)
    assert torch.equal(top.module[0].weight, network.module[0].weight)  # the layers nearest the output come first
    assert not torch.equal(top.module[4].weight, network.module[4].weight)
    assert random.weights_sha256 != network.weights_sha256 != top.weights_sha256
    assert torch.equal(randomised(network, seed=1).module[4].weight, random.module[4].weight)
    with pytest.raises(ValueError, match="share"):
        randomised(network, share=0.0)


def test_table_by_hand():
    text = table({"one": {"drop": 0.5, "pointing": None}, "other": {"drop": 0.25, "pointing": 1.0}})
    assert text.splitlines()[1].split() == ["drop", "0.500", "0.250"]
    assert text.splitlines()[2].split() == ["pointing", "–", "1.000"]
