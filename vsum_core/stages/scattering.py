"""Random regions that take the way of real ones, and what speaks for clusters, real or random.

The masks of an explainer are scattered (:func:`vsum_core.baselines.scattered_mask`) and go, as those of further
explainers, through pruning, matching and clustering. Matching costs hardly more by it: every pair of images is matched
once for all of them.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.baselines import scattered_mask
from vsum_core.clustering import Cluster
from vsum_core.metrics import region_pixels
from vsum_core.networks import Network
from vsum_core.null_calibration import Evidence, Floats, mean_likeness, pairwise_likeness
from vsum_core.pruning import DELETED_BELOW
from vsum_core.regions import region_drops
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.matching import ClassMatcher, ClassRegions, Masks
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.screening import read_batch
from vsum_core.store import key_of


@dataclass(frozen=True, eq=False)
class MaskedRegions:
    """The regions of one class and the masks, real or scattered, that kept them."""

    regions: ClassRegions
    masks: Masks


def scattered_explainer(explainer: Explainer, draw: int) -> Explainer:
    """As which explainer the draw-th scattering of an explainer's masks is matched."""
    return Explainer(explainer.network, f"{explainer.method}, scattered {draw}")


def scattered_masks(
    run: Run, masks: Mapping[Explainer, Masks], *, draws: Sequence[int]
) -> dict[Explainer, dict[str, ImageMask]]:
    """Scattered masks of every explainer, by :func:`scattered_explainer` and image id.

    Where an image's blobs go depends on the run's seed, the explainer, the image and the draw only.
    """

    def scattered(explainer: Explainer, identifier: str, mask: ImageMask, draw: int) -> ImageMask:
        key = key_of(seed=run.config.seed, explainer=str(explainer), image=identifier, draw=draw)
        generator = np.random.default_rng(int(key[:15], 16))
        return dataclasses.replace(mask, sharp=scattered_mask(mask.sharp, generator=generator))

    return {
        scattered_explainer(explainer, draw): {
            identifier: scattered(explainer, identifier, mask, draw) for identifier, mask in found.items()
        }
        for explainer, found in masks.items()
        for draw in draws
    }


def clusters_evidence(
    run: Run, network: Network, matcher: ClassMatcher, masked: MaskedRegions, clusters: Sequence[Cluster]
) -> tuple[list[Floats], list[Evidence]]:
    """Per cluster the likeness of its members, pair by pair, and the evidence for it."""
    effects = region_effects(run, network, masked, sorted({region for c in clusters for region in c.members}))
    pairs = [pairwise_likeness(_descriptors(matcher, masked.regions, cluster)) for cluster in clusters]
    image_of_region = masked.regions.image_of_region
    evidence = [
        Evidence(
            likeness=mean_likeness(likeness),
            effect=float(np.mean([effects[region] for region in cluster.members])),
            images=len({int(image_of_region[region]) for region in cluster.members}),
        )
        for cluster, likeness in zip(clusters, pairs, strict=True)
    ]
    return pairs, evidence


def region_effects(run: Run, network: Network, masked: MaskedRegions, regions: Sequence[int]) -> dict[int, float]:
    """Relative score drop, by region, when its deleted pixels alone are blurred; all regions of an image at once."""
    of_image: dict[int, list[int]] = defaultdict(list)
    for region in regions:
        of_image[int(masked.regions.image_of_region[region])].append(region)
    specification = network.specification
    size = (specification.input_width, specification.input_height)
    effects: dict[int, float] = {}
    for position, own in of_image.items():
        image = masked.regions.images[position]
        frame = masked.masks[image.id].on_frame(run.config.proposals.frame_side)
        pixels = [deleted_pixels(frame, masked.regions.boxes[region]) for region in own]
        resized = [cv2.resize(p.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for p in pixels]
        drops = region_drops(
            network,
            read_batch([image], network)[0],
            network.class_index(image.label),
            resized,
            config=run.config.masks,
        )
        effects.update(zip(own, drops.tolist(), strict=True))
    return effects


def deleted_pixels(frame: npt.NDArray[np.float32], box: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """What a region shows: the pixels of the frame inside its box that the mask (S, S) deletes; bool (S, S)."""
    inside: npt.NDArray[np.bool_] = region_pixels(box.astype(np.float64), frame.shape) & (frame < DELETED_BELOW)
    return inside


def _descriptors(matcher: ClassMatcher, regions: ClassRegions, cluster: Cluster) -> npt.NDArray[np.float32]:
    rows = [
        matcher.descriptors.vectors[matcher.position[regions.images[int(regions.image_of_region[member])].id]][
            int(regions.proposals[member])
        ]
        for member in cluster.members
    ]
    return np.stack(rows)
