"""Networks that go through ``torch.compile``, each compiled once and used for all batches.

On a CUDA device with CUDA graphs (``mode="reduce-overhead"``): the kernels of a step are recorded once and then
replayed in one go, which spares the processor the launching of each.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vsum_core.networks import Network

Logits = Callable[[Tensor], Tensor]

_AT_ONCE = 4  # with two precisions of each, as many as torch.compile keeps of one function before it gives up

_compiled: dict[tuple[Network, int], Logits] = {}


class CompilationError(RuntimeError):
    """A network could not be compiled; the message says why and what to do."""


def compiled_logits(network: Network, *, batch_size: int) -> Logits:
    """What computes :meth:`vsum_core.networks.Network.logits` of exactly ``batch_size`` images, compiled.

    It is compiled when it is first called, and comes back for the same network and batch size. Up to four are kept, and
    hold their networks; the next one takes the place of all of them (:func:`forget_compiled`). The network itself is
    not changed. Each call gives a tensor of its own, which later calls leave alone.

    Args:
        network: to be compiled.
        batch_size: how many images every call has.

    Returns:
        (batch_size, 3, H, W) to (batch_size, classes), differentiable. It raises ``CompilationError`` where the network
        cannot be compiled as a whole: no part of it falls back to the usual way.
    """
    key = (network, batch_size)
    if key not in _compiled:
        if len(_compiled) >= _AT_ONCE:
            forget_compiled()
        _compiled[key] = _compile(network)
    return _compiled[key]


def forget_compiled() -> None:
    """Forget every compiled network, with the memory that its CUDA graphs hold.

    This is ``torch.compiler.reset``: whatever else was compiled in this process is compiled again when it is next used.
    """
    _compiled.clear()
    torch.compiler.reset()


def _compile(network: Network) -> Logits:
    from torch._dynamo.exc import BackendCompilerFailed, TorchDynamoException  # takes seconds to import

    mode = "reduce-overhead" if network.device.type == "cuda" else "default"
    compiled = torch.compile(network.logits, fullgraph=True, dynamic=False, mode=mode)

    def logits(images: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        try:
            # Replayed CUDA graphs write to the same memory every time: hence the copy.
            return compiled(images).clone()
        except TorchDynamoException as error:
            if isinstance(error, BackendCompilerFailed) and isinstance(error.inner_exception, torch.OutOfMemoryError):
                raise error.inner_exception from error
            reason = str(error).strip().splitlines()[0]
            raise CompilationError(
                f"Expected torch.compile to take {network.specification.name} as one graph, but it stopped: {reason}. "
                "Leave compile_network (--compile) off for this network, or, where a compiler is missing, install one "
                "(g++ for the CPU)."
            ) from error

    return logits
