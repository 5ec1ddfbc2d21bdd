"""What a mask is optimised for: a low score, a small area, smoothness, and values near 0 and 1; per image.

Source: arXiv 1801.09103 (BMVC 2018) and R. Fong, A. Vedaldi, ICCV 2017; the log-odds are this project's (see
:class:`vsum_core.config.MaskStageConfig` and ``docs/method.md``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vsum_core.config import MaskStageConfig

_MARGIN = 1.0  # nats above the wanted log-odds at which the area has half its weight


def log_odds(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-odds ``log(p / (1 - p))`` of the target classes, exact also where p is 1 in floats: (N, C), (N,) → (N,)."""
    own = targets.view(-1, 1)
    others = logits.scatter(1, own, -math.inf).logsumexp(1)
    return logits.gather(1, own).squeeze(1) - others


def wanted_log_odds(logits0: Tensor, targets: Tensor, *, share: float) -> Tensor:
    """Log-odds at which the target's probability is ``share`` of what it is for ``logits0``: (N, C), (N,) → (N,)."""
    p = share * logits0.softmax(1).gather(1, targets.view(-1, 1)).squeeze(1)
    return torch.logit(p, eps=torch.finfo(p.dtype).tiny)


def odds_terms(
    logits: Tensor, targets: Tensor, wanted: Tensor, masks: Tensor, *, stage: MaskStageConfig
) -> Tensor | float:
    """The terms that press the log-odds down to ``wanted`` and then the area; (N,), or 0 where both weights are 0.

    Args:
        logits: (N, C) of the perturbed images.
        targets: (N,) output indices.
        wanted: (N,) log-odds that are low enough; see :class:`vsum_core.config.MaskStageConfig`.
        masks: (N, 1, h, w) in [0, 1].
        stage: the weights.
    """
    if not stage.odds_weight and not stage.reached_area_weight:
        return 0.0
    odds = log_odds(logits, targets)
    # Without gradient: the score shall not stay high in order to spare the area.
    reached = torch.sigmoid(wanted + _MARGIN - odds.detach())
    area = (1 - masks).abs().mean((1, 2, 3))
    return stage.odds_weight * functional.softplus(odds - wanted) + stage.reached_area_weight * reached * area


def regularisation(masks: Tensor, *, stage: MaskStageConfig) -> Tensor:
    """Area, total variation and binary terms of the loss, weighted, per image: (N, 1, h, w) → (N,).

    The bars of ``|1 - m|`` and ``|m (1 - m)|`` are kept, so
    at their zeros the gradient is 0.

    Raises:
        ValueError: a mask has fewer than two rows or columns, so it has no differences.
    """
    if min(masks.shape[-2:]) < 2:
        raise ValueError(f"A mask needs at least 2 x 2 values, but got {tuple(masks.shape[-2:])}.")
    total = stage.area_weight * (1 - masks).abs().mean((1, 2, 3))
    if stage.total_variation_weight:
        rows, columns = (
            masks.diff(dim=axis).abs().pow(stage.total_variation_power).mean((1, 2, 3)) for axis in (-2, -1)
        )
        total = total + stage.total_variation_weight * (rows + columns)
    if stage.binary_weight:
        total = total + stage.binary_weight * (masks * (1 - masks)).abs().mean((1, 2, 3))
    return total
