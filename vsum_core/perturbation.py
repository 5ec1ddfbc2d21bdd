"""Deleting evidence from an image: a blurred twin, and the blend of both by a mask.

Source: arXiv 1801.09103, section on crisp masks, after R. Fong, A. Vedaldi, "Interpretable Explanations of Black Boxes
by Meaningful Perturbation", ICCV 2017.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor


def gaussian_taps(kernel_size: int, sigma: float) -> tuple[float, ...]:
    """Weights of a sampled Gaussian that sum to 1, centre in the middle.

    Raises:
        ValueError: ``kernel_size`` is even or not positive, or ``sigma`` is not positive.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"The kernel size must be odd and positive, but it is {kernel_size}.")
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, but it is {sigma}.")
    radius = kernel_size // 2
    weights = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-radius, radius + 1)]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def blur(images: Tensor, *, kernel_size: int, sigma: float) -> Tensor:
    """Gaussian blur over the last two axes, differentiable.

    At the border the picture is mirrored without repeating the edge pixel (``reflect`` in PyTorch, ``mirror`` in SciPy,
    ``BORDER_REFLECT_101`` in OpenCV), as often as a large kernel needs.

    Args:
        images: float (..., H, W).
        kernel_size: taps per axis, odd.
        sigma: standard deviation in pixels.

    Returns:
        float (..., H, W); inside the range of ``images``.
    """
    rows, columns = (
        blur_matrix(size, kernel_size, sigma).to(device=images.device, dtype=images.dtype) for size in images.shape[-2:]
    )
    return rows @ images @ columns.T


@functools.lru_cache(maxsize=32)
def blur_matrix(size: int, kernel_size: int, sigma: float) -> Tensor:
    """The blur of one axis as a matrix: float32 (size, size) on the CPU, rows sum to 1.

    A product with a small dense matrix is as fast as a convolution here and needs no padded copy.
    """
    taps = gaussian_taps(kernel_size, sigma)
    period = max(1, 2 * (size - 1))
    matrix = np.zeros((size, size))
    for row in range(size):
        for offset, weight in enumerate(taps, start=row - kernel_size // 2):
            folded = offset % period
            matrix[row, min(folded, period - folded) if size > 1 else 0] += weight
    # The cached tensor outlives this call, and one made in inference mode could not take part in a gradient later.
    with torch.inference_mode(False):
        return torch.from_numpy(matrix).float()


def blend(images: Tensor, blurred: Tensor, masks: Tensor) -> Tensor:
    """``images * masks + blurred * (1 - masks)``: where the mask is 1 the image stays, where it is 0 it is blurred.

    Args:
        images: float (N, C, H, W).
        blurred: float (N, C, H, W).
        masks: float (N, 1, H, W) in [0, 1].

    Returns:
        float (N, C, H, W), differentiable in all three.

    Raises:
        ValueError: the shapes do not fit.
    """
    expected = (images.shape[0], 1, *images.shape[-2:])
    if images.shape != blurred.shape or tuple(masks.shape) != expected:
        raise ValueError(
            f"Images {tuple(images.shape)} need a blurred twin of the same shape and masks {expected}, "
            f"but got {tuple(blurred.shape)} and {tuple(masks.shape)}."
        )
    return torch.lerp(blurred, images, masks)
