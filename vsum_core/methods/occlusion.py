"""Occlusion: a window slides over the image, and the score that is lost with it is what it hides; computed by Captum.

Source: M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014. The window shows the
blurred image instead of grey, so that all methods take evidence away alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import Occlusion

from vsum_core.methods.method import Maps, Method, Question


@dataclass(frozen=True, kw_only=True)
class OcclusionConstants:
    """Side and step of the window as shares of the input's shorter side."""

    window: float = 1 / 7
    step: float = 1 / 14


CONSTANTS = OcclusionConstants()


def relevance(question: Question) -> Maps:
    """Mean loss of the target's probability over the windows that hide a pixel."""
    shorter = min(question.images.shape[-2:])
    window, step = (max(1, round(share * shorter)) for share in (CONSTANTS.window, CONSTANTS.step))
    explainer = Occlusion(lambda images: question.network.logits(images).softmax(1))
    maps = []
    blurred = question.blurred
    with torch.no_grad():
        for index in range(len(question.images)):
            one = slice(index, index + 1)
            lost = explainer.attribute(
                question.images[one],
                sliding_window_shapes=(3, window, window),
                strides=(3, step, step),
                baselines=blurred[one],
                target=question.targets[one],
                perturbations_per_eval=question.config.batch_size,
            )
            question.advance(1)
            maps.append(lost[0].float().mean(0).cpu().numpy())
    return np.stack(maps)


METHOD = Method(
    name="occlusion",
    source="Zeiler, Fergus, ECCV 2014",
    constants=CONSTANTS,
    relevance=relevance,
)
