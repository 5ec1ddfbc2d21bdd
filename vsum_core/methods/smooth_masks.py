"""Meaningful perturbation: the smooth stage of the masks alone, without the sharp one.

Source: R. Fong, A. Vedaldi, "Interpretable Explanations of Black Boxes by Meaningful Perturbation", ICCV 2017.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from vsum_core.masks import optimise_masks
from vsum_core.methods.crisp_masks import image_progress
from vsum_core.methods.method import Maps, Method, Question


@dataclass(frozen=True, kw_only=True)
class SmoothMaskConstants:
    """None of its own: the preset's ``masks.smooth`` says everything."""


def relevance(question: Question) -> Maps:
    """How strongly the smooth mask deletes a pixel, in [0, 1]."""
    config = question.config
    smooth_only = dataclasses.replace(config, sharp=dataclasses.replace(config.sharp, steps=0))
    result = optimise_masks(
        question.network, question.images, question.targets, config=smooth_only, progress=image_progress(question)
    )
    return np.asarray(1 - result.smooth, dtype=np.float32)


METHOD = Method(
    name="smooth-masks",
    source="Fong, Vedaldi, ICCV 2017",
    constants=SmoothMaskConstants(),
    relevance=relevance,
)
