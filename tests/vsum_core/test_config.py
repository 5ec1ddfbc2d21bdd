"""Constants: presets by name, digests, and masks for networks of another input size."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsum_core.config import (
    ClusteringConfig,
    MaskConfig,
    MaskStageConfig,
    QualityConfig,
    RenderingConfig,
    as_dictionary,
    digest,
    preset,
    preset_names,
)


def mask_config(**changes):
    stage = MaskStageConfig(
        steps=10,
        learning_rate=0.3,
        area_weight=0.5,
        total_variation_weight=0.01,
        resolution_divisor=16,
        mask_blur_sigma=8.0,
    )
    return MaskConfig(**{"designed_side": 224, "smooth": stage, "sharp": stage} | changes)


def test_masks_for_a_smaller_input_have_blobs_of_the_same_share_of_the_image():
    """224 / 16 = 14 cells a side; at 112 pixels 14 cells a side need a divisor of 8, and the blur is half as wide."""
    half = mask_config().for_side(112)
    for stage in (half.smooth, half.sharp):
        assert stage.resolution_divisor == 8
        assert stage.mask_blur_sigma == 4.0
    assert half.blur_sigma == mask_config().blur_sigma  # the blurred twin is no blob of the mask


def test_divisors_are_rounded_and_never_below_one():
    assert mask_config().for_side(240).smooth.resolution_divisor == 17  # 17.14
    assert mask_config().for_side(260).smooth.resolution_divisor == 19  # 18.57
    assert mask_config().for_side(4).smooth.resolution_divisor == 1


def test_without_a_designed_side_nothing_changes():
    config = mask_config(designed_side=None)
    assert config.for_side(64) is config
    assert preset("reference").masks.for_side(299) == preset("reference").masks


@given(side=st.integers(1, 2000), again=st.integers(1, 2000))
def test_constants_are_scaled_once_only(side, again):
    scaled = mask_config().for_side(side)
    assert scaled.for_side(again) == scaled
    assert scaled.smooth.mask_blur_sigma == pytest.approx(8 * side / 224)
    assert dataclasses.replace(scaled.smooth, resolution_divisor=16, mask_blur_sigma=8.0) == mask_config().smooth


def test_at_the_designed_side_the_stages_stay():
    config = mask_config()
    assert config.for_side(224) == dataclasses.replace(config, designed_side=None)


@pytest.mark.parametrize("name", preset_names())
def test_presets_carry_their_name_and_seed_and_are_plain_json(name):
    config = preset(name, seed=7)
    assert (config.preset, config.seed) == (name, 7)
    dictionary = as_dictionary(config)
    assert json.loads(json.dumps(dictionary)) == dictionary
    assert digest(config) == digest(preset(name, seed=7)) != digest(preset(name, seed=8))


def test_presets_differ_from_each_other():
    assert len({digest(preset(name)) for name in preset_names()}) == len(preset_names()) == 3


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ValueError, match="Unknown preset 'quick'; known presets: reference, default, fast"):
        preset("quick")


def test_equal_values_of_different_stages_have_different_digests():
    first = dataclasses.make_dataclass("First", [("side", int)], frozen=True)
    second = dataclasses.make_dataclass("Second", [("side", int)], frozen=True)
    assert digest(first(3)) != digest(second(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mask_config(designed_side=0), "designed_side must be positive or None, but it is 0"),
        (lambda: mask_config(blur_kernel=10), "blur_kernel must be odd"),
        (lambda: mask_config(threshold=1.0), "threshold must be between 0 and 1"),
        (lambda: QualityConfig(repeat_overlap=0.0), "repeat_overlap must be above 0 and at most 1, or None"),
        (lambda: QualityConfig(repeat_images=1.5), "repeat_images must be between 0 and 1"),
        (lambda: RenderingConfig(grid_side=8), "grid_side must be 16 or more"),
        (lambda: ClusteringConfig(damping=0.4), "damping must be at least 0.5"),
        (lambda: ClusteringConfig(minimum_members=11), r"maximum_members must be minimum_members \(11\) or more"),
        (
            lambda: MaskStageConfig(steps=-1, learning_rate=1, area_weight=1, total_variation_weight=1),
            "steps must be 0 or more",
        ),
    ],
)
def test_impossible_constants(make, message):
    with pytest.raises(ValueError, match=message):
        make()
