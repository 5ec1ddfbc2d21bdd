"""Floating point operations of a step of a mask, and what share of a machine's peak they make."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from vsum_core.networks import Network


def step_operations(network: Network, image: Tensor) -> int:
    """Operations of the network for one image (3, H, W): scores, and their gradient in the image.

    Counted are products and sums of convolutions and products of matrices, a multiplication and an addition as two.
    Mask, blur and optimiser are not counted.
    """
    with FlopCounterMode(display=False) as counter:
        variable = image.unsqueeze(0).to(network.device).requires_grad_()
        torch.autograd.grad(network.logits(variable).sum(), variable)
    return int(counter.get_total_flops())


def share_of_peak(operations: int, *, steps: int, seconds: float, peak_tflops: float) -> float:
    """Operations that were needed per second, as a share of those the machine could do.

    Args:
        operations: of a step of one image.
        steps: of one image.
        seconds: that one image took in all.
        peak_tflops: of the machine in this precision, 10¹² operations per second; positive.

    Raises:
        ValueError: the peak is not positive.
    """
    if peak_tflops <= 0:
        raise ValueError(f"The peak must be positive, but it is {peak_tflops} TFLOPS.")
    return operations * steps / seconds / (peak_tflops * 1e12)
