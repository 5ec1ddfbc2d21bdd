"""Integrated gradients from the blurred image to the image; computed by Captum.

Source: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017; the blurred image as
baseline after P. Sturmfels, S. Lundberg, S.-I. Lee, "Visualizing the Impact of Feature Attribution Baselines", Distill
2020. Attributions are summed over the colours. As single pixels make no region, the map is smoothed by a Gaussian
before pixels are chosen (ours).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import IntegratedGradients

from vsum_core.methods.method import Maps, Method, Question
from vsum_core.perturbation import blur


@dataclass(frozen=True, kw_only=True)
class IntegratedGradientsConstants:
    """Points of the path (Gauss–Legendre), and the smoothing of the map as a share of the input's side."""

    steps: int = 32
    smoothing: float = 1 / 32


CONSTANTS = IntegratedGradientsConstants()


def relevance(question: Question) -> Maps:
    """What each neighbourhood contributes to the target's probability; negative where it speaks against the target."""
    explainer = IntegratedGradients(lambda images: question.network.logits(images).softmax(1))
    maps = []
    blurred = question.blurred
    with torch.enable_grad():
        for index in range(len(question.images)):
            one = slice(index, index + 1)
            attributions = explainer.attribute(
                question.images[one],
                baselines=blurred[one],
                target=question.targets[one],
                n_steps=CONSTANTS.steps,
                internal_batch_size=question.config.batch_size,
            )
            question.advance(1)
            maps.append(attributions.detach().float().sum(1))
    pixels = torch.cat(maps)
    sigma = CONSTANTS.smoothing * min(pixels.shape[-2:])
    smooth = blur(pixels, kernel_size=2 * int(np.ceil(3 * sigma)) + 1, sigma=sigma)
    return np.asarray(smooth.cpu().numpy(), dtype=np.float32)


METHOD = Method(
    name="integrated-gradients",
    source="Sundararajan, Taly, Yan, ICML 2017",
    constants=CONSTANTS,
    relevance=relevance,
)
