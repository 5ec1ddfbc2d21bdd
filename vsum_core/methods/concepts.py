"""Concepts after ACE: superpixels, described by the network's own features and grouped by k-means.

Source: A. Ghorbani, J. Wexler, J. Zou, B. Kim, "Towards Automatic Concept-based Explanations", NeurIPS 2019: images are
cut into superpixels at several resolutions (SLIC; Achanta et al., PAMI 2012), each is shown to the network alone on
grey, its features are those of the last layer before the classifier, and k-means over the class gives concepts.

Differences: a concept's weight is the score drop of its segments, as for every other method here, instead of TCAV; two
resolutions instead of three; and the images are those of the run, the same for all methods. The groups are made by
:mod:`vsum_core.stages.concepts`, without proposals, flow or quality filter: that is what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from skimage.segmentation import slic

from vsum_core.methods.grad_cam import last_feature_layer
from vsum_core.methods.method import Maps, Method, Question
from vsum_core.networks import Network
from vsum_core.regions import region_drops

Outlines = NDArray[np.bool_]
"""(S, H, W): True inside each segment; segments of different resolutions overlap."""


@dataclass(frozen=True, kw_only=True)
class ConceptConstants:
    """Constants of the segments and of their groups.

    Attributes:
        segments: superpixels asked for, per resolution (the paper: 15, 50, 80).
        compactness: of SLIC.
        minimum_area: share of the image that a segment has at least.
        duplicate: Jaccard index from which a finer segment repeats a coarser one and is left out.
        clusters: of k-means at most (the paper: 25), and no more than a quarter of the segments.
        grey: level around a segment that is shown alone, in [0, 1].
    """

    segments: tuple[int, ...] = (15, 50)
    compactness: float = 20.0
    minimum_area: float = 0.01
    duplicate: float = 0.8
    clusters: int = 25
    grey: float = 117 / 255


CONSTANTS = ConceptConstants()


def relevance(question: Question) -> Maps:
    """Per pixel the mean score drop of the segments that hold it, each blurred alone; 0 where there is none."""
    maps = []
    for index in range(len(question.images)):
        outlines = segment(_pixels(question, index))
        drops = segment_drops(question, index, outlines)
        total = np.einsum("s,shw->hw", drops, outlines.astype(np.float64))
        maps.append((total / np.maximum(1, outlines.sum(axis=0))).astype(np.float32))
        question.advance(1)
    return np.stack(maps)


def segment(image: NDArray[np.floating[Any]]) -> Outlines:
    """Superpixels of all resolutions, the coarsest first, without small ones and near-repeats; at least one.

    Args:
        image: float (H, W, 3) in [0, 1], RGB.
    """
    found: list[NDArray[np.bool_]] = []
    for count in CONSTANTS.segments:
        labels = slic(
            image, n_segments=count, compactness=CONSTANTS.compactness, sigma=1, start_label=0, channel_axis=-1
        )
        for label in range(int(labels.max()) + 1):
            outline = labels == label
            if outline.mean() >= CONSTANTS.minimum_area and not any(_repeats(outline, other) for other in found):
                found.append(outline)
    return np.stack(found) if found else np.ones((1, *image.shape[:2]), dtype=np.bool_)


def segment_drops(question: Question, index: int, outlines: Outlines) -> NDArray[np.float64]:
    """Relative score drop of one image when each segment alone is blurred, float64 (S,)."""
    target = int(question.targets[index])
    return region_drops(question.network, question.images[index], target, list(outlines), config=question.config)


def segment_features(question: Question, index: int, outlines: Outlines) -> NDArray[np.float32]:
    """Features of each segment shown alone: float32 (S, C), of unit length.

    The segment's box is cut out, its surroundings are grey, and it is enlarged to the network's input; features are the
    means of the last feature maps.

    Raises:
        UnsuitableNetworkError: the network has no feature maps.
    """
    height, width = question.images.shape[-2:]
    image = _pixels(question, index)
    cuts = []
    for outline in outlines:
        rows, columns = np.flatnonzero(outline.any(axis=1)), np.flatnonzero(outline.any(axis=0))
        alone = np.where(outline[..., None], image, CONSTANTS.grey)
        cut = alone[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        cuts.append(cv2.resize(cut.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
    shown = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).to(question.images.device)
    parts = [_pooled(question.network, part) for part in torch.split(shown, question.config.batch_size)]
    features = torch.nn.functional.normalize(torch.cat(parts), dim=1)
    return np.asarray(features.cpu().numpy(), dtype=np.float32)


def group_segments(features: NDArray[np.floating[Any]], *, seed: int) -> NDArray[np.int64]:
    """Concept of each segment by k-means (k-means++ start): int64 (R,), numbered from 0; empty clusters may occur."""
    count = min(CONSTANTS.clusters, len(features) // 4)
    if count < 2:
        return np.zeros(len(features), dtype=np.int64)
    _, labels = kmeans2(features.astype(np.float64), count, minit="++", seed=np.random.default_rng(seed))
    return np.asarray(labels, dtype=np.int64)


def _pixels(question: Question, index: int) -> NDArray[np.float32]:
    return np.asarray(question.images[index].permute(1, 2, 0).cpu().numpy(), dtype=np.float32)


def _repeats(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    return bool((one & other).sum() >= CONSTANTS.duplicate * (one | other).sum())


def _pooled(network: Network, images: torch.Tensor) -> torch.Tensor:
    """Means of the last feature maps, (N, C); the hook is gone afterwards."""
    layer = last_feature_layer(network, images[:1])
    maps: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: maps.append(output))
    try:
        with torch.no_grad():
            network.logits(images)
    finally:
        handle.remove()
    return maps[-1].float().mean(dim=(2, 3))


METHOD = Method(
    name="ace",
    source="Ghorbani, Wexler, Zou, Kim, NeurIPS 2019",
    constants=CONSTANTS,
    relevance=relevance,
    groups_segments=True,
)
