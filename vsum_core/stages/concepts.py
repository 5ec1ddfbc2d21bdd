"""Groups of segments of one class and network, for the method that groups by itself instead of matching regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from vsum_core.config import as_dictionary
from vsum_core.datasets import ImageFile
from vsum_core.methods import Method, Question
from vsum_core.methods.concepts import group_segments, segment, segment_drops, segment_features
from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.stages.grouping import AcceptedCluster, Grouping
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.matching import ClassRegions
from vsum_core.stages.run import Run
from vsum_core.stages.screening import network_key, read_batch
from vsum_core.store import key_of

STAGE = "segments"

Drops = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Segments:
    """Of one image: outlines on the frame bool (S, side, side), features (S, C), score drops (S,)."""

    outlines: npt.NDArray[np.bool_]
    features: npt.NDArray[np.float32]
    drops: Drops


def group_concepts(
    run: Run, network: Network, method: Method, masks: Mapping[str, ImageMask], *, label: str
) -> tuple[ClassRegions, Grouping]:
    """Segments of the images that have a mask, and the concepts they form.

    A concept becomes a summary when segments of ``quality.minimum_members`` images or more belong to it and their mean
    score drop is above that of all segments of the class: it matters more than a segment does by chance. Its exemplar
    is the segment nearest to the concept's centre; of every other image the nearest segment stays, up to
    ``clustering.maximum_members``.

    Args:
        run: the run.
        network: whose features describe the segments.
        method: for the cache key.
        masks: by image id, of one class.
        label: class and explainer, for progress.
    """
    images = tuple(mask.image for mask in masks.values())
    key = _key(run, network, method, images)
    found = _segments(run, network, method, images, label)
    counts = [len(one.drops) for one in found]
    image_of_region = np.repeat(np.arange(len(images)), counts).astype(np.int64)
    side = run.config.proposals.frame_side
    none = np.zeros((0, side, side), dtype=np.bool_)
    outlines = np.concatenate([none, *(one.outlines for one in found)])
    features = np.concatenate([one.features for one in found]) if found else np.zeros((0, 1), dtype=np.float32)
    drops: Drops = np.concatenate([np.zeros(0), *(one.drops for one in found)])
    regions = ClassRegions(
        images=images,
        image_of_region=image_of_region,
        proposals=np.full(len(outlines), -1, dtype=np.int64),
        boxes=np.array([_box(outline) for outline in outlines], dtype=np.int32).reshape(-1, 4),
        similarity=np.maximum(features @ features.T, 0).astype(np.float32),
        key=key,
        outlines=outlines,
    )
    labels = group_segments(features, seed=run.config.seed)
    accepted = _concepts(run, regions, features, drops, labels)
    grouping = Grouping(
        accepted=accepted,
        clusters=len(np.unique(labels)),
        converged=True,
        attempts=1,
        damping=None,
        preference=None,
        key=key_of(
            concepts=key, clustering=as_dictionary(run.config.clustering), quality=as_dictionary(run.config.quality)
        ),
    )
    return regions, grouping


def _concepts(
    run: Run, regions: ClassRegions, features: npt.NDArray[np.float32], drops: Drops, labels: npt.NDArray[np.int64]
) -> tuple[AcceptedCluster, ...]:
    accepted = []
    chance = float(drops.mean()) if len(drops) else 0.0
    for concept in np.unique(labels):
        own = np.flatnonzero(labels == concept)
        centre = features[own].mean(axis=0)
        ranked = own[np.argsort(-(features[own] @ centre), kind="stable")]
        _, first = np.unique(regions.image_of_region[ranked], return_index=True)
        members = ranked[np.sort(first)][: run.config.clustering.maximum_members]
        if len(members) < run.config.quality.minimum_members or drops[members].mean() <= chance:
            continue
        exemplar = int(members[0])
        accepted.append(
            AcceptedCluster(
                members=tuple(int(member) for member in members),
                similarities=(None, *(float(regions.similarity[member, exemplar]) for member in members[1:])),
                median_ssim=None,
                size_before_filter=len(own),
            )
        )
    return tuple(accepted)


def _segments(run: Run, network: Network, method: Method, images: Sequence[ImageFile], label: str) -> list[_Segments]:
    keys = [_key(run, network, method, [image]) for image in images]
    results = [run.store.recall(STAGE, key) for key in keys]
    stage = f"{label}: segments"
    run.progress.start(stage, sum(result is None for result in results))
    for place, image in enumerate(images):
        if results[place] is not None:
            continue
        made = _describe(run, network, image)
        results[place] = run.store.remember(
            STAGE,
            keys[place],
            values={"segments": len(made.drops)},
            arrays={"outlines": made.outlines, "features": made.features, "drops": made.drops},
        )
        run.progress.advance(stage)
    run.progress.finish(stage)
    return [
        _Segments(**{name: result.arrays[name] for name in ("outlines", "features", "drops")})
        for result in results
        if result
    ]


def _describe(run: Run, network: Network, image: ImageFile) -> _Segments:
    question = Question(
        network=network,
        images=read_batch([image], network),
        targets=torch.tensor([network.class_index(image.label)], device=network.device),
        areas=np.ones(1),
        config=run.config.masks,
        seed=run.config.seed,
    )
    outlines = segment(question.images[0].permute(1, 2, 0).cpu().numpy())
    side = run.config.proposals.frame_side
    frames = [
        cv2.resize(outline.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST) > 0 for outline in outlines
    ]
    return _Segments(
        outlines=np.stack(frames),
        features=segment_features(question, 0, outlines),
        drops=segment_drops(question, 0, outlines),
    )


def _key(run: Run, network: Network, method: Method, images: Sequence[ImageFile]) -> str:
    return key_of(
        images=[image.sha256 for image in images],
        targets=[network.class_index(image.label) for image in images],
        network=network_key(network),
        method=method.key(),
        masks=as_dictionary(run.config.masks),
        side=run.config.proposals.frame_side,
        seed=run.config.seed,
        code=code_digest(__name__),
    )


def _box(outline: npt.NDArray[np.bool_]) -> list[int]:
    rows, columns = np.flatnonzero(outline.any(axis=1)), np.flatnonzero(outline.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
