"""Everything of a class that follows its masks and proposals: flow, clusters, summaries, in this order, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vsum_core.config import Arm, PipelineConfig, QualityBar
from vsum_core.datasets import ClassLabel, ImageFile
from vsum_core.methods import Method, load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network
from vsum_core.stages.concepts import group_concepts
from vsum_core.stages.grouping import Grouping, group
from vsum_core.stages.masking import ImageMask, make_masks
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.scattering import MaskedRegions, scattered_explainer, scattered_masks
from vsum_core.stages.summaries import ArmResult, summarise
from vsum_core.stages.tagging import tag_summaries
from vsum_core.tagging import TaggerOf

ExplainerMasks = dict[Explainer, dict[str, ImageMask]]


@dataclass(frozen=True)
class Order:
    """What is made of the images of a run.

    Attributes:
        networks: to be explained; names differ.
        methods: of explanation, each for every network; names differ.
        arms: control arms beside the summaries.
        kept: ids of the images held out from all summaries.
        tagger_of: makes what suggests words for the summaries of a network; None: no words.
    """

    networks: tuple[Network, ...]
    methods: tuple[Method, ...]
    arms: tuple[Arm, ...] = ()
    kept: frozenset[str] = frozenset()
    tagger_of: TaggerOf | None = None

    def network(self, name: str) -> Network:
        """The network of this name."""
        return next(network for network in self.networks if network.specification.name == name)

    def method(self, name: str) -> Method:
        """The method of this name; the crisp masks also where they are not asked for, as others need them."""
        return next((method for method in self.methods if method.name == name), load_method(CRISP_MASKS))

    def explainers(self) -> list[Explainer]:
        """Every method for every network, network by network."""
        return [
            Explainer(network.specification.name, method.name) for network in self.networks for method in self.methods
        ]


def needs_crisp_masks(method: Method, config: PipelineConfig) -> bool:
    """Whether the crisp mask of an image says how much of it the method deletes."""
    return not method.finds_area and config.methods.area is None


def explain_images(
    run: Run, network: Network, methods: Sequence[Method], images: Sequence[ImageFile]
) -> ExplainerMasks:
    """Masks of the methods for one network; the crisp masks say how much the others delete, unless the run does."""
    name = network.specification.name
    areas: dict[str, float] | None = None
    if any(needs_crisp_masks(method, run.config) for method in methods):
        crisp = make_masks(run, network, images, method=load_method(CRISP_MASKS))
        areas = {identifier: mask.deleted for identifier, mask in crisp.items()}
    elif run.config.methods.area is not None:
        areas = {image.id: run.config.methods.area for image in images}
    return {
        Explainer(name, method.name): make_masks(run, network, images, method=method, areas=areas) for method in methods
    }


class ClassChain:
    """The way of one class from masks to records of the manifest.

    Args:
        run: the run.
        order: what is asked for.
        label: the class.
        images: of the class, those that have a mask.
        boxes: proposals by image id.
        masks: of every explainer by image id; images of other classes are left aside.
    """

    def __init__(
        self,
        run: Run,
        order: Order,
        label: ClassLabel,
        images: Sequence[ImageFile],
        boxes: Mapping[str, npt.NDArray[np.int32]],
        masks: Mapping[Explainer, Mapping[str, ImageMask]],
    ) -> None:
        self.run, self.order, self.label = run, order, label
        self.masks = {
            explainer: {image.id: found[image.id] for image in images if image.id in found}
            for explainer, found in masks.items()
        }
        by_itself = {method.name for method in order.methods if method.groups_segments}
        matched = {explainer: found for explainer, found in self.masks.items() if explainer.method not in by_itself}
        quality = run.config.quality
        self._draws = range(quality.scatterings if quality.bar is QualityBar.EVIDENCE else 0)
        self._scattered = scattered_masks(run, matched, draws=self._draws)
        self.matcher = ClassMatcher(run, images, boxes, matched | self._scattered)
        self._regions: dict[Explainer, ClassRegions] | None = None

    def regions(self) -> dict[Explainer, ClassRegions]:
        """The regions of every explainer whose regions are matched, and of its scattered masks; matched once."""
        if self._regions is None:
            self._regions = self.matcher.regions(label=self.label.name)
        return self._regions

    def summarise(self, network: Network, method: Method) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Clusters, summaries and control arms of one explainer: ``summaries`` and ``clusterings`` of the manifest."""
        explainer = Explainer(network.specification.name, method.name)
        masks = self.masks[explainer]
        regions, grouping = self._grouped(network, method, masks)
        summaries, clusterings = [], []
        for arm in (Arm.SUMMARIES, *self.order.arms):
            result = summarise(
                self.run,
                network,
                regions,
                grouping,
                masks,
                method=method.name,
                arm=arm,
                class_name=self.label.name,
            )
            made = list(result.summaries)
            if self.order.tagger_of is not None:
                made = tag_summaries(self.run, network, self.order.tagger_of(network), made)
            summaries.extend(made)
            clusterings.append(_clustering(self.label, explainer, arm, masks, regions, grouping, result))
        return summaries, clusterings

    def _grouped(
        self, network: Network, method: Method, masks: Mapping[str, ImageMask]
    ) -> tuple[ClassRegions, Grouping]:
        explainer = Explainer(network.specification.name, method.name)
        label = f"{self.label.name}, {explainer}"
        if method.groups_segments:
            return group_concepts(self.run, network, method, masks, label=label)
        random = [scattered_explainer(explainer, draw) for draw in self._draws]
        grouping = group(
            self.run,
            network,
            self.matcher,
            MaskedRegions(self.regions()[explainer], masks),
            scatterings=[MaskedRegions(self.regions()[key], self._scattered[key]) for key in random],
            label=label,
        )
        return self.regions()[explainer], grouping


def _clustering(
    label: ClassLabel,
    explainer: Explainer,
    arm: Arm,
    masks: Mapping[str, ImageMask],
    regions: ClassRegions,
    grouping: Grouping,
    result: ArmResult,
) -> dict[str, Any]:
    return {
        "class": label.name,
        "network": explainer.network,
        "method": explainer.method,
        "arm": str(arm),
        "images": len(masks),
        "regions": len(regions.boxes),
        "clusters": grouping.clusters,
        "accepted": len(result.summaries),
        "converged": grouping.converged,
        "attempts": grouping.attempts,
        "damping": grouping.damping,
        "preference": grouping.preference,
        "coverage": result.coverage,
    }
