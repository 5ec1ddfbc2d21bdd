"""Detectors of single summaries, and what their evidence adds to the network they came from.

Source: the idea of summary-driven specialisation is that of the later versions of arXiv 1801.09103; the detectors here
are ours: a linear discriminant (Fisher, 1936) on the network's own features of a box, from the members of a summary
against boxes of other classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torchvision.ops import roi_align

from vsum_core.methods.grad_cam import last_feature_layer
from vsum_core.networks import Network

Features = NDArray[np.float32]

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Weights of the evidence among which :func:`choose_weight` chooses."""


@dataclass(frozen=True, eq=False)
class Detector:
    """Tells boxes that look like a summary's members from others.

    Attributes:
        summary: identifier.
        class_index: of the network's outputs.
        weights: float64 (C,), on features of unit length.
        bias: added; 0 lies halfway between members and others.
    """

    summary: str
    class_index: int
    weights: NDArray[np.float64]
    bias: float

    def scores(self, features: Features) -> NDArray[np.float64]:
        """Score of each box, (B,)."""
        return features.astype(np.float64) @ self.weights + self.bias


def box_features(network: Network, image: torch.Tensor, boxes: ArrayLike) -> Features:
    """The network's last feature maps, averaged over each box: float32 (B, C), of unit length.

    Args:
        network: left as it was; hooks are set for the time of the call.
        image: float32 (3, H, W) in [0, 1] at the network's input size.
        boxes: (B, 4) as fractions of the image: left, top, right, bottom.

    Raises:
        UnsuitableNetworkError: the network has no feature maps.
    """
    layer = last_feature_layer(network, image[None])
    maps: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: maps.append(output))
    try:
        with torch.no_grad():
            network.logits(image[None])
    finally:
        handle.remove()
    rows, columns = maps[-1].shape[-2:]
    scale = np.array([columns, rows, columns, rows])
    places = torch.from_numpy((np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * scale).astype(np.float32))
    pooled = roi_align(maps[-1].float(), [places.to(image.device)], output_size=1, aligned=True)[:, :, 0, 0]
    return np.asarray(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy(), dtype=np.float32)


def train_detector(
    summary: str, class_index: int, members: Features, others: Features, *, shrinkage: float = 0.1
) -> Detector:
    """Linear discriminant of members against others, with the covariance shrunk towards a multiple of the identity.

    Args:
        summary: identifier.
        class_index: of the network's outputs.
        members: (M, C), M at least 1.
        others: (B, C), B at least 2.
        shrinkage: share of the identity, in (0, 1] (Ledoit, Wolf, 2004, with a fixed share).

    Raises:
        ValueError: too few rows, or shapes that differ.
    """
    if len(members) < 1 or len(others) < 2 or members.shape[1:] != others.shape[1:]:
        raise ValueError(f"Expected members (M, C) and others (B, C), but got {members.shape} and {others.shape}.")
    positive, negative = members.astype(np.float64), others.astype(np.float64)
    spread = np.cov(negative, rowvar=False)
    size = float(np.trace(spread)) / len(spread) or 1.0
    covariance = (1 - shrinkage) * spread + shrinkage * size * np.eye(len(spread))
    weights = np.linalg.solve(covariance, positive.mean(axis=0) - negative.mean(axis=0))
    middle = (positive.mean(axis=0) + negative.mean(axis=0)) / 2
    return Detector(summary=summary, class_index=class_index, weights=weights, bias=-float(weights @ middle))


def evidence(detectors: Sequence[Detector], features: Features) -> dict[int, float]:
    """Evidence of one image for each class that has detectors: the mean over them of the best box's score."""
    best: dict[int, list[float]] = {}
    for detector in detectors:
        best.setdefault(detector.class_index, []).append(float(detector.scores(features).max()))
    return {index: float(np.mean(scores)) for index, scores in best.items()}


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of the evidence for a class over images of other classes."""

    mean: float
    deviation: float


def standards(evidences: Sequence[Mapping[int, float]], targets: Sequence[int]) -> dict[int, Standard]:
    """What evidence for each class is where the class is not shown, so that classes can be compared."""
    result = {}
    for index in sorted({index for one in evidences for index in one}):
        values = [one[index] for one, target in zip(evidences, targets, strict=True) if target != index]
        deviation = float(np.std(values)) if values else 0.0
        result[index] = Standard(mean=float(np.mean(values)) if values else 0.0, deviation=deviation or 1.0)
    return result


def specialised_logits(
    logits: NDArray[np.floating[Any]],
    evidences: Sequence[Mapping[int, float]],
    known: Mapping[int, Standard],
    *,
    weight: float,
) -> NDArray[np.float64]:
    """Logits (N, classes) plus ``weight`` times the standardised evidence of the classes that have detectors."""
    result = np.array(logits, dtype=np.float64)
    for row, one in zip(result, evidences, strict=True):
        for index, value in one.items():
            row[index] += weight * (value - known[index].mean) / known[index].deviation
    return result


def choose_weight(
    logits: NDArray[np.floating[Any]],
    evidences: Sequence[Mapping[int, float]],
    known: Mapping[int, Standard],
    targets: Sequence[int],
) -> float:
    """The weight of ``WEIGHTS`` with the most right answers on the images given; of equal ones the smallest."""
    answers = [specialised_logits(logits, evidences, known, weight=weight).argmax(axis=1) for weight in WEIGHTS]
    right = [int((answer == np.asarray(targets)).sum()) for answer in answers]
    return WEIGHTS[int(np.argmax(right))]
