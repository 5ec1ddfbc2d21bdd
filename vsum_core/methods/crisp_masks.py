"""The method this project is about: crisp masks in two stages, as in :mod:`vsum_core.masks`, or of superpixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vsum_core.config import MaskVariant
from vsum_core.masks import MaskResult, optimise_masks
from vsum_core.methods.method import Explanation, Maps, Method, Question, mask_scores
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.superpixel_masks import SuperpixelResult, optimise_superpixel_masks


@dataclass(frozen=True, kw_only=True)
class CrispMaskConstants:
    """None of its own: the preset's ``masks`` say everything."""


def relevance(question: Question) -> Maps:
    """What the sharp mask deletes comes first; in it and around it, the order is that of the smooth mask."""
    result = _optimise(question)
    return np.asarray((1 - result.sharp + 1 - result.smooth) / 2, dtype=np.float32)


def masks(question: Question) -> Explanation:
    """The sharp masks, and the smooth ones they come from."""
    result = _optimise(question)
    if isinstance(result, MaskResult):
        return Explanation(masks=result.sharp, scores=result.scores, smooth=result.smooth)
    scores = mask_scores(question, result.sharp, p_smooth=result.p_smooth)
    return Explanation(masks=result.sharp, scores=scores, smooth=result.smooth)


def _optimise(question: Question) -> MaskResult | SuperpixelResult:
    network, images, targets, config = question.network, question.images, question.targets, question.config
    progress = image_progress(question)
    match config.variant:
        case MaskVariant.PIXELS:
            return optimise_masks(network, images, targets, config=config, progress=progress)
        case MaskVariant.SUPERPIXELS:
            return optimise_superpixel_masks(network, images, targets, config=config, progress=progress)


def image_progress(question: Question) -> Callable[[int, int], None]:
    """What tells the question about steps done, in images."""
    told = 0.0

    def progress(steps_done: int, steps_total: int) -> None:
        nonlocal told
        done = len(question.images) * steps_done / steps_total
        question.advance(done - told)
        told = done

    return progress


METHOD = Method(
    name=CRISP_MASKS,
    source="Carletti, Godi, Aghaei, Giuliari, Cristani, BMVC 2018 (arXiv 1801.09103)",
    constants=CrispMaskConstants(),
    relevance=relevance,
    masks=masks,
    finds_area=True,
)
