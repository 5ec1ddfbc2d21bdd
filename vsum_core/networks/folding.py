"""Exact folding of batch normalisation into the convolution before it, for faster inference."""

from __future__ import annotations

from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_weights

_PROBE_SIDE = 32  # pixels of the noise on which a folded subclass of Conv2d is compared with what it was


class _ConvolutionTracer(fx.Tracer):
    """Keeps subclasses of Conv2d (with padding of their own, say) as one node instead of looking inside them."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, (nn.Conv2d, nn.BatchNorm2d)) or super().is_leaf_module(m, module_qualified_name)


def fold_batch_norms(module: nn.Module) -> int:
    """Replace ``conv -> batch norm`` by one convolution, in place, and return how many pairs were folded.

    In eval mode a batch norm is a fixed scale and shift per channel, so the folded network computes the same function
    up to rounding. A pair is folded only where the convolution's result goes nowhere else and both are called once.
    A network whose forward cannot be traced symbolically is left as it is (0 is returned).

    Raises:
        ValueError: the module is in training mode, where the two are not the same.
    """
    if module.training:
        raise ValueError("Batch normalisation can be folded in eval mode only; call module.eval() first.")
    try:
        graph = _ConvolutionTracer().trace(module)
    except (fx.proxy.TraceError, TypeError, ValueError, RuntimeError):
        return 0
    calls = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
    folded = 0
    for node in graph.nodes:
        source = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(source, fx.Node) or source.op != "call_module" or len(source.users) != 1:
            continue
        names = str(source.target), str(node.target)
        convolution, norm = (module.get_submodule(name) for name in names)
        if any(calls[name] != 1 for name in names) or not _foldable(convolution, norm):
            continue
        if not _fold(convolution, norm):
            continue
        module.set_submodule(names[1], nn.Identity())
        folded += 1
    return folded


def _foldable(convolution: nn.Module, norm: nn.Module) -> bool:
    return (
        isinstance(convolution, nn.Conv2d)
        # A subclass may do more than normalise: those of timm hold the activation, too.
        and type(norm) is nn.BatchNorm2d
        and norm.running_mean is not None
        and not parametrize.is_parametrized(convolution)
        and not any(part._forward_hooks or part._forward_pre_hooks for part in (convolution, norm))
    )


def _fold(convolution: nn.Module, norm: nn.Module) -> bool:
    """Fold, and tell whether it was done; a convolution that standardises its weights, say, cannot be folded."""
    if not isinstance(convolution, nn.Conv2d):
        return False
    before = convolution.weight, convolution.bias
    weight, bias = fuse_conv_bn_weights(
        convolution.weight,
        convolution.bias,
        norm.running_mean,  # type: ignore[arg-type]
        norm.running_var,  # type: ignore[arg-type]
        norm.eps,  # type: ignore[arg-type]
        norm.weight,  # type: ignore[arg-type]
        norm.bias,  # type: ignore[arg-type]
    )
    if type(convolution) is nn.Conv2d:
        convolution.weight, convolution.bias = weight, bias
        return True
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        probe = torch.randn((1, convolution.in_channels, _PROBE_SIDE, _PROBE_SIDE), generator=generator)
        expected = norm(convolution(probe))
        convolution.weight, convolution.bias = weight, bias
        if torch.allclose(convolution(probe), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())):
            return True
    convolution.weight, convolution.bias = before
    return False
