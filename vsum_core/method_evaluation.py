"""Explanation methods held against each other on the same images: every figure of :mod:`vsum_core.metrics` and kin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vsum_core.masks import target_probabilities
from vsum_core.methods import Explanation, Method, Question
from vsum_core.methods.method import Maps
from vsum_core.metrics_curves import (
    Score,
    average_drop,
    deletion_curve,
    increase_in_confidence,
    insertion_curve,
)
from vsum_core.metrics_maps import mu_fidelity, points_at, rank_correlation, sparsity
from vsum_core.perturbation import blend
from vsum_core.randomisation import randomised

Figures = dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class MethodEvaluation:
    """What one method yields on the images of a question.

    Attributes:
        method: its name.
        explanation: masks and their scores.
        relevance: (N, H, W).
        figures: means over the images by name; None where a figure is defined for none of them.
    """

    method: str
    explanation: Explanation
    relevance: Maps
    figures: Figures


def score_of(question: Question, index: int) -> Score:
    """The target's probability of one image under masks (M, H, W); 0 shows the blurred image."""
    image, blurred = question.images[index : index + 1], question.blurred[index : index + 1]

    def score(masks: NDArray[np.float32]) -> NDArray[np.float64]:
        parts = []
        for part in torch.split(torch.from_numpy(masks), question.config.batch_size):
            copies = (len(part), *image.shape[1:])
            kept = part.to(image.device).unsqueeze(1)
            shown = blend(image.expand(copies), blurred.expand(copies), kept)
            parts.append(target_probabilities(question.network, shown, question.targets[index].expand(len(part))))
        return torch.cat(parts).double().cpu().numpy()

    return score


def evaluate(
    method: Method,
    question: Question,
    *,
    boxes: Sequence[Sequence[ArrayLike]] | None = None,
    steps: int = 28,
    samples: int = 60,
    randomise: Sequence[float] = (1.0,),
) -> MethodEvaluation:
    """All figures of one method.

    Args:
        method: of explanation.
        question: images, targets and areas.
        boxes: per image the boxes of its object in pixels of the input, for the pointing game; None: no pointing game.
        steps: of the insertion and deletion curves.
        samples: of μ-fidelity.
        randomise: shares of the layers whose weights are made random for the sanity check; empty leaves it out.

    Raises:
        UnsuitableNetworkError: the method cannot explain this network.
    """
    explanation = method.explain(question)
    relevance = method.relevance(question)
    scores = [score_of(question, index) for index in range(len(question.images))]
    shown = [float(score(1 - mask[None])[0]) for score, mask in zip(scores, explanation.masks, strict=True)]
    p0 = [float(one.p0) for one in explanation.scores]
    per_image = [
        {
            "deletion": deletion_curve(relevance[index], score, steps=steps).area,
            "insertion": insertion_curve(relevance[index], score, steps=steps).area,
            "mu_fidelity": mu_fidelity(
                relevance[index], score, generator=np.random.default_rng([question.seed, index]), samples=samples
            ),
            "sparsity": sparsity(relevance[index]),
            "pointing": None if boxes is None else float(points_at(relevance[index], boxes[index])),
        }
        for index, score in enumerate(scores)
    ]
    masks = explanation.scores
    figures: Figures = {
        "drop": _mean([one.drop for one in masks]),
        "p_thresholded": _mean([one.p_thresholded for one in masks]),
        "normalised_score": _mean([one.normalised_score for one in masks]),
        "area": _mean([one.area for one in masks]),
        "area_times_p": _mean([one.area_times_p for one in masks]),
        **{name: _mean([figure[name] for figure in per_image]) for name in per_image[0]},
        "average_drop": average_drop(p0, shown),
        "increase": increase_in_confidence(p0, shown),
    }
    for share in randomise:
        figures[f"randomised {share:g}"] = _mean(randomisation_check(method, question, relevance, share=share))
    return MethodEvaluation(method=method.name, explanation=explanation, relevance=relevance, figures=figures)


def randomisation_check(method: Method, question: Question, relevance: Maps, *, share: float) -> list[float | None]:
    """Rank correlation per image of relevance and what the method says about the same network with random weights.

    Near 0 is good: the explanation depends on what the network has learned.
    """
    network = randomised(question.network, share=share, seed=question.seed)
    other = method.relevance(dataclasses.replace(question, network=network))
    return [rank_correlation(one, two) for one, two in zip(relevance, other, strict=True)]


def table(evaluations: Mapping[str, Figures]) -> str:
    """One line per figure, one column per method; a dash where a figure is not defined."""
    names = list(evaluations)
    rows = [["", *names]]
    for figure in next(iter(evaluations.values()), {}):
        values = [evaluations[name].get(figure) for name in names]
        rows.append([figure, *("–" if value is None else f"{value:.3f}" for value in values)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
