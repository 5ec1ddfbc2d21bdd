"""Every constant of the method, one frozen dataclass per stage, and the presets that name a full set of them.

Source of the constants of ``reference``: the public description of arXiv 1801.09103 and its implementations; see
``docs/method.md`` for the table of differences between presets and what each one changes.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from vsum_core.mask_config import MaskConfig as MaskConfig
from vsum_core.mask_config import MaskStageConfig as MaskStageConfig
from vsum_core.mask_config import MaskVariant as MaskVariant
from vsum_core.mask_config import SuperpixelConfig as SuperpixelConfig
from vsum_core.mask_config import require as _require


class Arm(enum.StrEnum):
    """Which kind of regions a summary is made of; every arm but ``SUMMARIES`` is a control."""

    SUMMARIES = "summaries"
    RANDOM_REGIONS = "random-regions"
    SHUFFLED_CLUSTERS = "shuffled-clusters"
    WHOLE_IMAGES = "whole-images"


class Matcher(enum.StrEnum):
    """Proposal Flow matcher (Ham, Cho, Schmid, Ponce, CVPR 2016)."""

    APPEARANCE = "appearance"  # NAM
    PROBABILISTIC_HOUGH = "probabilistic-hough"  # PHM
    LOCAL_OFFSET = "local-offset"  # LOM


class FlowField(enum.StrEnum):
    """How matches of proposals become a flow of pixels."""

    PAINTED = "painted"  # every pixel follows the most confident match that holds it, then the field is smoothed
    VOTED = "voted"  # every pixel goes where most of the matches that hold it send it


class QualityBar(enum.StrEnum):
    """What the median similarity of a cluster is compared with before the cluster counts as a summary."""

    RELATIVE = "relative"  # to the other clusters of the class, as the reference does
    NULL_CALIBRATED = "null-calibrated"  # to the same members at random places of the same images
    EVIDENCE = "evidence"  # likeness, effect and breadth, to clusters of random regions that took the same way
    NONE = "none"


class EvidenceKind(enum.StrEnum):
    """What speaks for a cluster, where the bar is ``QualityBar.EVIDENCE``."""

    LIKENESS = "likeness"  # its members look alike
    EFFECT = "effect"  # the network needs what they show
    BREADTH = "breadth"  # it comes back in many images


@dataclass(frozen=True, kw_only=True)
class RegionConfig:
    """From a mask to its connected regions."""

    threshold: float = 0.5
    minimum_area: float = 0.01  # share of the image
    top_regions: int = 3  # by score drop


@dataclass(frozen=True, kw_only=True)
class ProposalConfig:
    """Selective search (Uijlings et al., IJCV 2013) on the frame."""

    frame_side: int = 224  # every image is resized, not cropped, to this square before proposals, flow and clustering
    segmentation_scales: tuple[int, ...] = (50, 100, 150, 300)  # k of Felzenszwalb; minimum size = k
    segmentation_sigma: float = 0.8
    minimum_side: int = 20  # pixels of the frame
    border: float = 0.01  # share of the frame counted as touching a side
    maximum: int = 500


@dataclass(frozen=True, kw_only=True)
class DescriptorConfig:
    """HOG of Felzenszwalb et al. (PAMI 2010), whitened as in Hariharan, Malik, Ramanan (ECCV 2012)."""

    cells: int = 8
    cell_side: int = 8  # pixels of the box after resizing
    whitening: bool = True
    regularisation: float = 0.01  # added to the diagonal of the background covariance


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """Proposal Flow between two images."""

    matcher: Matcher = Matcher.LOCAL_OFFSET
    maximum_aspect_ratio: float = 2.0  # appearance is zero where the aspect ratios differ by this factor or more
    appearance_power: float = 1.0  # above 1 trusts the most similar pairs more; suits descriptors of unit length
    median_iterations: int = 20  # Weiszfeld
    offset_decay: float = 0.05  # per pixel of the frame
    scale_decay: float = 0.3
    hough_bin: float = 8.0  # side of an offset bin, pixels of the frame
    hough_scale_bin: float = 0.25  # side of a scale bin, in octaves of the box's side
    hough_sigma: float = 1.0  # of the Gaussian likelihood of an offset, in bins
    field: FlowField = FlowField.PAINTED
    vote_sigma: float = 12.0  # of the Gaussian in which votes support each other, pixels of the frame; voted field only
    vote_matches: int = 3  # most confident matches of a proposal that vote; voted field only
    guidance_weight: float = 20.0  # lambda of static/dynamic filtering
    guidance_sigma: float = 30.0
    flow_sigma: float = 15.0
    guidance_iterations: int = 2

    def __post_init__(self) -> None:
        _require(self.maximum_aspect_ratio > 1, "maximum_aspect_ratio", self.maximum_aspect_ratio, "above 1")
        for name in ("appearance_power", "hough_bin", "hough_scale_bin", "hough_sigma", "vote_sigma"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "positive")
        for name in ("median_iterations", "vote_matches", "guidance_iterations"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")


@dataclass(frozen=True, kw_only=True)
class PruningConfig:
    """Which proposals of an image take part in the clustering."""

    minimum_masked: float = 0.75  # share of the box that the mask deletes
    overlap: float = 0.5  # intersection over the smaller box from which two boxes are redundant
    area_ratio: float = 2.0  # below which they are redundant
    strongest: int = 100  # similarities averaged to choose which of two redundant boxes stays


@dataclass(frozen=True, kw_only=True)
class ClusteringConfig:
    """Affinity propagation (Frey, Dueck, Science 2007) over all regions of a class."""

    preference_factor: float = 1.3  # of the median similarity, after subtracting the maximum
    damping: float = 0.9
    maximum_iterations: int = 1000
    convergence_window: int = 100
    retry_dampings: tuple[float, ...] = (0.95, 0.98)
    maximum_members: int = 10
    minimum_members: int = 2
    block_regions: int = 20_000  # up to which all regions pass messages to all; above, in blocks of this size

    def __post_init__(self) -> None:
        _require(self.preference_factor > 0, "preference_factor", self.preference_factor, "positive")
        for damping in (self.damping, *self.retry_dampings):
            _require(0.5 <= damping < 1, "damping", damping, "at least 0.5 and below 1")
        _require(self.maximum_iterations >= 1, "maximum_iterations", self.maximum_iterations, "1 or more")
        _require(self.block_regions >= 2, "block_regions", self.block_regions, "2 or more")
        _require(self.convergence_window >= 1, "convergence_window", self.convergence_window, "1 or more")
        _require(self.minimum_members >= 1, "minimum_members", self.minimum_members, "1 or more")
        _require(
            self.maximum_members >= self.minimum_members,
            "maximum_members",
            self.maximum_members,
            f"minimum_members ({self.minimum_members}) or more",
        )


@dataclass(frozen=True, kw_only=True)
class QualityConfig:
    """Which clusters, and which of their members, become visual summaries."""

    bar: QualityBar = QualityBar.RELATIVE
    cluster_factor: float = 0.9  # of the median of the medians
    member_share: float = 0.6  # a member stays when fewer than this share of its pairs are below that median
    null_quantile: float = 0.95
    null_draws: int = 10  # random places per cluster for the calibrated bar
    scatterings: int = 4  # times the masks of a class are scattered for the evidence bar
    null_share: float = 0.05  # of random clusters that may pass the evidence bar, before repeats are taken out
    evidence: tuple[EvidenceKind, ...] = tuple(EvidenceKind)  # what the evidence bar adds up
    minimum_members: int = 3
    repeat_overlap: float | None = None  # of the smaller box, from which two clusters show one place; None = any may
    repeat_images: float = 0.4  # share of a cluster's images that the better cluster must show too

    def __post_init__(self) -> None:
        _require(0 <= self.cluster_factor <= 1, "cluster_factor", self.cluster_factor, "between 0 and 1")
        _require(0 < self.member_share <= 1, "member_share", self.member_share, "above 0 and at most 1")
        _require(0 <= self.null_quantile <= 1, "null_quantile", self.null_quantile, "between 0 and 1")
        _require(self.minimum_members >= 1, "minimum_members", self.minimum_members, "1 or more")
        _require(self.null_draws >= 1, "null_draws", self.null_draws, "1 or more")
        _require(self.scatterings >= 1, "scatterings", self.scatterings, "1 or more")
        _require(0 < self.null_share < 1, "null_share", self.null_share, "above 0 and below 1")
        kinds = self.evidence
        _require(bool(kinds) and len(set(kinds)) == len(kinds), "evidence", kinds, "one or more kinds, none twice")
        overlap = self.repeat_overlap
        _require(overlap is None or 0 < overlap <= 1, "repeat_overlap", overlap, "above 0 and at most 1, or None")
        _require(0 <= self.repeat_images <= 1, "repeat_images", self.repeat_images, "between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class RenderingConfig:
    """Pictures of a summary."""

    grey: int = 64
    grey_opacity: float = 1.0  # of the grey over what is not the region; below 1 the surroundings shine through
    hull_width: int = 3
    component_width: int = 2
    casing_width: int = 0  # dark edge on either side of an outline, so that it shows on every colour; 0 = none
    hull_colour: tuple[int, int, int] = (255, 0, 0)
    component_colour: tuple[int, int, int] = (0, 255, 255)
    cell_side: int = 480  # longer side of a cell, pixels
    crop_side: int = 240  # longer side of a crop, pixels
    grid_side: int = 240  # longer side of a cell in the grid of all cells, pixels
    with_components: bool = True  # light and outline the whole mask components that the region touches
    gutter: int = 16  # between the cells of a grid and around them, pixels
    background: tuple[int, int, int] = (244, 243, 241)  # of a grid
    quality: int = 80  # WebP

    def __post_init__(self) -> None:
        _require(0 <= self.grey <= 255, "grey", self.grey, "between 0 and 255")
        _require(0 <= self.grey_opacity <= 1, "grey_opacity", self.grey_opacity, "between 0 and 1")
        for name in ("hull_width", "component_width", "casing_width", "gutter"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name in ("cell_side", "crop_side", "grid_side"):
            _require(getattr(self, name) >= 16, name, getattr(self, name), "16 or more")
        for name in ("hull_colour", "component_colour", "background"):
            colour = getattr(self, name)
            _require(
                len(colour) == 3 and all(0 <= level <= 255 for level in colour), name, colour, "three levels, 0–255"
            )
        _require(0 <= self.quality <= 100, "quality", self.quality, "between 0 and 100")


@dataclass(frozen=True, kw_only=True)
class MethodsConfig:
    """What the explanation methods beside the crisp masks share; each method's own constants lie in its file."""

    area: float | None = None  # share of the image that their masks delete; None = what the image's crisp mask deletes

    def __post_init__(self) -> None:
        area = self.area
        _require(area is None or 0 < area < 1, "area", area, "between 0 and 1, or None")


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """All stages together."""

    preset: str = "reference"
    seed: int = 0
    masks: MaskConfig = field(default_factory=MaskConfig)
    methods: MethodsConfig = field(default_factory=MethodsConfig)
    regions: RegionConfig = field(default_factory=RegionConfig)
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    descriptors: DescriptorConfig = field(default_factory=DescriptorConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    pruning: PruningConfig = field(default_factory=PruningConfig)
    clustering: ClusteringConfig = field(default_factory=ClusteringConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    rendering: RenderingConfig = field(default_factory=RenderingConfig)

    def __post_init__(self) -> None:
        _require(self.seed >= 0, "seed", self.seed, "0 or more")


def as_dictionary(config: Any) -> dict[str, Any]:
    """Plain JSON types for any configuration dataclass; enums become their values, tuples become lists."""
    result: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return result


def digest(config: Any) -> str:
    """SHA-256 (hex, 64 characters) of a configuration dataclass; equal configurations have equal digests."""
    canonical = json.dumps(as_dictionary(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{type(config).__name__}:{canonical}".encode()).hexdigest()


def _short_masks(*, smooth_steps: int, sharp_steps: int) -> MaskConfig:
    """Masks on a coarse grid, seen through a Gaussian and a growing contrast, that press the log-odds down."""
    shared: dict[str, Any] = {
        "odds_weight": 0.1,
        "odds_target": 0.001,
        "second_moment_decay": 0.9,
        "resolution_divisor": 12,
        "straight_through_blur": True,
    }
    return MaskConfig(
        designed_side=224,
        smooth=MaskStageConfig(
            steps=smooth_steps,
            learning_rate=0.3,
            final_learning_rate=0.1,
            area_weight=0.3,
            reached_area_weight=2.0,
            total_variation_weight=0.01,
            mask_blur_sigma=6.0,
            contrast=2.0,
            **shared,
        ),
        sharp=MaskStageConfig(
            steps=sharp_steps,
            learning_rate=0.3,
            final_learning_rate=0.02,
            area_weight=0.2,
            reached_area_weight=4.0,
            total_variation_weight=0.05,
            mask_blur_sigma=4.8,
            initial_contrast=2.0,
            contrast=30.0,
            **shared,
        ),
    )


def _default() -> PipelineConfig:
    """Fewer and cruder mask steps, clusters above chance, one summary per place, pictures of the region alone.

    Masks: a free mask at full resolution is speckle after 15 steps and needs about 150; a coarse grid seen through a
    Gaussian and a growing contrast is made of blobs by construction and crisp after 20. Such masks are small, so boxes
    of which they delete half take part, and of each place boxes of more than one size: parts that the network uses are
    then more often found. Every difference to the reference and its effect is in ``docs/method.md``.
    """
    return PipelineConfig(
        preset="default",
        masks=_short_masks(smooth_steps=16, sharp_steps=56),
        pruning=PruningConfig(minimum_masked=0.5, area_ratio=1.3),
        quality=QualityConfig(bar=QualityBar.EVIDENCE, null_share=0.08, repeat_overlap=0.5),
        rendering=RenderingConfig(grey_opacity=0.8, hull_width=4, casing_width=1, with_components=False),
    )


def _fast() -> PipelineConfig:
    """As ``default`` with a third of the mask steps."""
    masks = _short_masks(smooth_steps=8, sharp_steps=16)
    return dataclasses.replace(_default(), preset="fast", masks=masks)


_PRESETS = {"reference": PipelineConfig, "default": _default, "fast": _fast}


def preset_names() -> tuple[str, ...]:
    """Names that :func:`preset` knows."""
    return tuple(_PRESETS)


def preset(name: str, *, seed: int = 0) -> PipelineConfig:
    """The named set of constants.

    Raises:
        ValueError: the name is unknown; the message lists the known ones.
    """
    if name not in _PRESETS:
        raise ValueError(f"Unknown preset {name!r}; known presets: {', '.join(_PRESETS)}.")
    return dataclasses.replace(_PRESETS[name](), seed=seed)
