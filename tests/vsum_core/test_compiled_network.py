"""Networks that are compiled; their masks are tested beside the others."""

import pytest
import torch
from torch import nn

from vsum_core.compiled_network import CompilationError, compiled_logits, forget_compiled
from vsum_core.networks import Network, NetworkSpecification

SIDE = 8
pytestmark = pytest.mark.compiles


def network(module=None):
    specification = NetworkSpecification(
        name="tiny",
        weights="none",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        categories=("one", "two"),
    )
    module = module or nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    module = module.eval().requires_grad_(False)
    return Network(specification=specification, module=module, device=torch.device("cpu"), weights_sha256="0" * 64)


@pytest.fixture(autouse=True)
def nothing_compiled():
    yield
    forget_compiled()


@pytest.mark.slow
def test_logits_and_gradient_are_those_of_the_network_and_stay(compiler):
    ours = network()
    parts = dict(vars(ours.module))
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)).requires_grad_()
    compiled = compiled_logits(ours, batch_size=2)
    found, expected = compiled(images), ours.logits(images)
    kept = found.detach().clone()
    for logits in (found, expected):
        assert logits.requires_grad
    (gradient,) = torch.autograd.grad(found[:, 0].sum(), images)
    (expected_gradient,) = torch.autograd.grad(expected[:, 0].sum(), images)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient, expected_gradient)
    compiled(torch.zeros_like(images))
    assert torch.equal(found, kept)
    assert vars(ours.module) == parts


def test_a_network_is_compiled_once_for_each_batch_size():
    ours = network()
    assert compiled_logits(ours, batch_size=2) is compiled_logits(ours, batch_size=2)
    assert compiled_logits(ours, batch_size=2) is not compiled_logits(ours, batch_size=1)
    assert compiled_logits(network(), batch_size=2) is not compiled_logits(ours, batch_size=2)


def test_only_a_few_are_kept():
    networks = [network() for _ in range(5)]
    first = [compiled_logits(one, batch_size=1) for one in networks[:4]]
    assert [compiled_logits(one, batch_size=1) for one in networks[:4]] == first
    fifth = compiled_logits(networks[4], batch_size=1)
    assert compiled_logits(networks[4], batch_size=1) is fifth
    assert compiled_logits(networks[0], batch_size=1) is not first[0]


class Hesitant(nn.Module):
    """What it does depends on the values it sees, which no one graph can say."""

    def forward(self, images):
        means = images.mean((1, 2, 3))
        return torch.stack([means, -means], dim=1) if means.sum() > 0 else torch.zeros(len(images), 2)


def test_a_network_that_is_no_single_graph_is_refused_and_not_run_in_pieces():
    compiled = compiled_logits(network(Hesitant()), batch_size=1)
    with pytest.raises(CompilationError, match=r"take tiny as one graph.*Leave compile_network") as caught:
        compiled(torch.rand(1, 3, SIDE, SIDE))
    assert "\n" not in str(caught.value)


def test_a_missing_compiler_is_said(monkeypatch, tmp_path):
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    with config.patch({"cpp.cxx": (None, "/nowhere/g++"), "fx_graph_cache": False}):
        compiled = compiled_logits(network(), batch_size=3)
        with pytest.raises(CompilationError, match=r"compiler.*install one"):
            compiled(torch.rand(3, 3, SIDE, SIDE))
