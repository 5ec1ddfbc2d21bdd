"""Every constant of the masks; imported from :mod:`vsum_core.config` together with those of the other stages."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field


def require(condition: bool, name: str, actual: object, expected: str) -> None:
    """Raise ``ValueError`` with name, actual and expected value unless the condition holds."""
    if not condition:
        raise ValueError(f"{name} must be {expected}, but it is {actual!r}.")


class MaskVariant(enum.StrEnum):
    """What a mask is made of."""

    PIXELS = "pixels"  # a coarse smooth mask, then a sharp one
    SUPERPIXELS = "superpixels"  # a coarse smooth mask, then one value per superpixel


@dataclass(frozen=True, kw_only=True)
class MaskStageConfig:
    """One optimisation stage of the mask (ALGORITHM: crisp masks).

    Weights multiply, per image: the mean of ``|1 - m|`` (area), the mean of ``|difference|**power`` over rows plus over
    columns (total variation), the mean of ``m (1 - m)`` (binary) and the mean of ``relu(logits - logits0)`` (rise).

    Beside the terms of the paper: ``odds_weight * softplus(o - w)``, with ``o`` the log-odds of the target class and
    ``w`` those of ``odds_target * p0``; a probability near 1 or 0 has hardly any gradient, log-odds always have. And an
    area term of weight ``reached_area_weight * sigmoid(w + 1 - o)``, which weighs once the target is reached, so that
    each image gets the smallest area that reaches it.
    """

    steps: int
    learning_rate: float
    area_weight: float
    total_variation_weight: float
    total_variation_power: float = 3.0
    binary_weight: float = 0.0
    rise_weight: float = 0.0
    odds_weight: float = 0.0
    odds_target: float = 0.01  # share of p0 that is low enough
    reached_area_weight: float = 0.0
    resolution_divisor: int = 1  # mask side = input side / divisor
    mask_blur_sigma: float = 0.0  # Gaussian on the upsampled mask, in input pixels; 0 = none
    straight_through_blur: bool = False  # gradient passes as if the blur were the identity
    initial_contrast: float = 1.0
    contrast: float = 1.0  # of the mask the network sees, around 0.5; grows from the initial to this during the stage
    final_learning_rate: float | None = None  # half a cosine from learning_rate to this; None = constant
    first_moment_decay: float = 0.9  # Adam's beta 1
    second_moment_decay: float = 0.999  # Adam's beta 2

    def __post_init__(self) -> None:
        require(self.steps >= 0, "steps", self.steps, "0 or more")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "positive")
        require(self.resolution_divisor >= 1, "resolution_divisor", self.resolution_divisor, "1 or more")
        require(self.mask_blur_sigma >= 0, "mask_blur_sigma", self.mask_blur_sigma, "0 or more")
        require(self.initial_contrast >= 1, "initial_contrast", self.initial_contrast, "1 or more")
        require(self.contrast >= 1, "contrast", self.contrast, "1 or more")
        require(self.odds_weight >= 0, "odds_weight", self.odds_weight, "0 or more")
        require(0 < self.odds_target < 1, "odds_target", self.odds_target, "between 0 and 1")
        require(self.reached_area_weight >= 0, "reached_area_weight", self.reached_area_weight, "0 or more")
        final = self.final_learning_rate
        require(final is None or final > 0, "final_learning_rate", final, "positive or None")
        require(0 <= self.first_moment_decay < 1, "first_moment_decay", self.first_moment_decay, "0 to below 1")
        require(0 <= self.second_moment_decay < 1, "second_moment_decay", self.second_moment_decay, "0 to below 1")


@dataclass(frozen=True, kw_only=True)
class SuperpixelConfig:
    """Masks of SLIC superpixels (Achanta et al., PAMI 2012), the optional third variant of the reference."""

    segments: int = 2000  # aimed at; there may be somewhat fewer
    compactness: float = 10.0  # weight of nearness against likeness of colour
    sigma: float = 0.5  # of the Gaussian before the segmentation, pixels
    stage: MaskStageConfig = field(
        default_factory=lambda: MaskStageConfig(
            steps=50, learning_rate=0.1, area_weight=0.2, total_variation_weight=1.0, binary_weight=4.0
        )
    )

    def __post_init__(self) -> None:
        require(self.segments >= 2, "segments", self.segments, "2 or more")
        require(self.compactness > 0, "compactness", self.compactness, "positive")
        require(self.sigma >= 0, "sigma", self.sigma, "0 or more")
        for name, plain in (("resolution_divisor", 1), ("mask_blur_sigma", 0), ("contrast", 1), ("rise_weight", 0)):
            require(getattr(self.stage, name) == plain, f"stage.{name}", getattr(self.stage, name), str(plain))


@dataclass(frozen=True, kw_only=True)
class MaskConfig:
    """From one image to a smooth and then a sharp mask; 1 keeps a pixel, 0 replaces it by the blurred image.

    Where both stages have the same ``resolution_divisor`` the sharp stage goes on with the values the smooth stage
    optimised; otherwise it starts from the smooth mask, resized. With ``SUPERPIXELS`` the stage
    of ``superpixels`` follows the smooth one in place of the sharp one.
    """

    variant: MaskVariant = MaskVariant.PIXELS
    blur_kernel: int = 11
    blur_sigma: float = 10.0
    threshold: float = 0.5
    batch_size: int = 8
    bfloat16: bool = False  # the network runs in bfloat16 while the mask, loss and scores stay in float32
    compile_network: bool = False  # the network of the mask's steps goes through torch.compile; meant for CUDA
    designed_side: int | None = (
        None  # input side that the mask grids and mask blurs are meant for; None = any, as given
    )
    smooth: MaskStageConfig = field(
        default_factory=lambda: MaskStageConfig(
            steps=300,
            learning_rate=0.1,
            area_weight=0.5,
            total_variation_weight=0.01,
            resolution_divisor=8,
            mask_blur_sigma=5.0,
            straight_through_blur=True,
        )
    )
    sharp: MaskStageConfig = field(
        default_factory=lambda: MaskStageConfig(
            steps=150, learning_rate=0.1, area_weight=0.01, total_variation_weight=1.0, binary_weight=2.0
        )
    )

    superpixels: SuperpixelConfig = field(default_factory=SuperpixelConfig)

    def __post_init__(self) -> None:
        require(self.blur_kernel % 2 == 1 and self.blur_kernel > 0, "blur_kernel", self.blur_kernel, "odd")
        require(self.blur_sigma > 0, "blur_sigma", self.blur_sigma, "positive")
        require(0 < self.threshold < 1, "threshold", self.threshold, "between 0 and 1")
        require(self.batch_size >= 1, "batch_size", self.batch_size, "1 or more")
        side = self.designed_side
        require(side is None or side > 0, "designed_side", side, "positive or None")

    def for_side(self, side: int) -> MaskConfig:
        """These constants for an input of ``side`` pixels: blobs keep their size relative to the image.

        Mask grids and mask blurs are scaled by ``side / designed_side``; without a ``designed_side`` nothing changes.
        """
        if self.designed_side is None:
            return self
        scale = side / self.designed_side

        def scaled(stage: MaskStageConfig) -> MaskStageConfig:
            return dataclasses.replace(
                stage,
                resolution_divisor=max(1, round(stage.resolution_divisor * scale)),
                mask_blur_sigma=stage.mask_blur_sigma * scale,
            )

        return dataclasses.replace(self, smooth=scaled(self.smooth), sharp=scaled(self.sharp), designed_side=None)
