"""Every constant of the method as published, against the preset ``reference``.

Sections are those of the method's description: 1 crisp masks, 2 regions, 3 descriptors, 4 flow, 5 pruning, 6
clustering, 7 quality, 8 pictures. Source: arXiv 1801.09103 and what its public implementations do; Ham et al. (CVPR
2016) for the flow.
"""

import dataclasses

import numpy as np
import pytest
import torch

from vsum_core import hog
from vsum_core.config import MaskVariant, Matcher, QualityBar, as_dictionary, preset
from vsum_core.masks import inscribed_circle
from vsum_core.proposals import MIXES, colour_spaces

CONSTANTS = {
    # 1: the blurred twin, and the rule for what counts as deleted
    "masks.blur_kernel": 11,
    "masks.blur_sigma": 10.0,
    "masks.threshold": 0.5,
    "masks.designed_side": None,
    "masks.variant": MaskVariant.PIXELS,
    # 1: smooth stage, 28 × 28 values at 224 pixels
    "masks.smooth.resolution_divisor": 8,
    "masks.smooth.mask_blur_sigma": 5.0,
    "masks.smooth.straight_through_blur": True,
    "masks.smooth.learning_rate": 0.1,
    "masks.smooth.final_learning_rate": None,
    "masks.smooth.steps": 300,
    "masks.smooth.total_variation_power": 3.0,
    "masks.smooth.area_weight": 0.5,
    "masks.smooth.total_variation_weight": 0.01,
    "masks.smooth.binary_weight": 0.0,
    "masks.smooth.rise_weight": 0.0,
    "masks.smooth.contrast": 1.0,
    # 1: sharp stage
    "masks.sharp.resolution_divisor": 1,
    "masks.sharp.mask_blur_sigma": 0.0,
    "masks.sharp.straight_through_blur": False,
    "masks.sharp.learning_rate": 0.1,
    "masks.sharp.final_learning_rate": None,
    "masks.sharp.steps": 150,
    "masks.sharp.total_variation_power": 3.0,
    "masks.sharp.area_weight": 0.01,
    "masks.sharp.total_variation_weight": 1.0,
    "masks.sharp.binary_weight": 2.0,
    "masks.sharp.rise_weight": 0.0,
    "masks.sharp.contrast": 1.0,
    # 1: optional third variant
    "masks.superpixels.segments": 2000,
    "masks.superpixels.compactness": 10.0,
    "masks.superpixels.sigma": 0.5,
    "masks.superpixels.stage.steps": 50,
    "masks.superpixels.stage.area_weight": 0.2,
    "masks.superpixels.stage.total_variation_weight": 1.0,
    "masks.superpixels.stage.binary_weight": 4.0,
    # 2: mask regions and proposals
    "regions.threshold": 0.5,
    "regions.minimum_area": 0.01,
    "regions.top_regions": 3,
    "proposals.segmentation_scales": [50, 100, 150, 300],
    "proposals.segmentation_sigma": 0.8,
    "proposals.minimum_side": 20,
    "proposals.border": 0.01,
    "proposals.maximum": 500,
    # 3
    "descriptors.cells": 8,
    "descriptors.cell_side": 8,
    "descriptors.whitening": True,
    # 4
    "flow.matcher": Matcher.LOCAL_OFFSET,
    "flow.maximum_aspect_ratio": 2.0,
    "flow.appearance_power": 1.0,
    "flow.median_iterations": 20,
    "flow.offset_decay": 0.05,
    "flow.scale_decay": 0.3,
    "flow.field": "painted",
    "flow.guidance_weight": 20.0,
    "flow.guidance_sigma": 30.0,
    "flow.flow_sigma": 15.0,
    "flow.guidance_iterations": 2,
    # 5
    "pruning.minimum_masked": 0.75,
    "pruning.overlap": 0.5,
    "pruning.area_ratio": 2.0,
    "pruning.strongest": 100,
    # 6
    "clustering.preference_factor": 1.3,
    "clustering.damping": 0.9,
    "clustering.maximum_iterations": 1000,
    "clustering.convergence_window": 100,
    "clustering.maximum_members": 10,
    # 7
    "quality.bar": QualityBar.RELATIVE,
    "quality.cluster_factor": 0.9,
    "quality.member_share": 0.6,
    # 8
    "rendering.grey": 64,
    "rendering.grey_opacity": 1.0,
    "rendering.hull_width": 3,
    "rendering.hull_colour": [255, 0, 0],
    "rendering.component_width": 2,
    "rendering.component_colour": [0, 255, 255],
    "rendering.with_components": True,
}

REFERENCE = as_dictionary(preset("reference"))


@pytest.mark.parametrize(("name", "value"), CONSTANTS.items(), ids=CONSTANTS.keys())
def test_constant(name, value):
    found = REFERENCE
    for part in name.split("."):
        found = found[part]
    assert found == value


def test_the_smooth_mask_has_28_values_a_side_and_starts_from_the_inscribed_circle():
    """Section 1: 1/8 of 224; 0 inside the circle, which touches the rim, and 1 outside."""
    stage = preset("reference").masks.smooth
    side = 224 // stage.resolution_divisor
    circle = inscribed_circle(side, side)
    assert circle.shape == (28, 28)
    middle = torch.arange(28) - 13.5
    torch.testing.assert_close(circle, (middle[:, None] ** 2 + middle**2 > 14**2).float())


def test_adam_has_the_moments_of_its_authors():
    """Section 1: Adam, of whose settings only the rate is given (Kingma, Ba, ICLR 2015, algorithm 1)."""
    for stage in (preset("reference").masks.smooth, preset("reference").masks.sharp):
        assert (stage.first_moment_decay, stage.second_moment_decay) == (0.9, 0.999)


def test_selective_search_has_five_colour_spaces_and_four_mixes():
    """Section 2: 5 × 4 scales × 4 mixes are 80 hierarchies."""
    assert set(colour_spaces(np.zeros((2, 2, 3), dtype=np.uint8))) == {"HSV", "Lab", "rgI", "H", "intensity"}
    names = [{field for field, used in mix._asdict().items() if used} for mix in MIXES]
    assert names == [{"colour", "texture", "size", "fill"}, {"texture", "size", "fill"}, {"fill"}, {"size"}]


def test_a_descriptor_has_1984_numbers():
    """Section 3: 31 for each of 8 × 8 cells."""
    config = preset("reference").descriptors
    assert hog.FEATURES == 31
    assert config.cells**2 * hog.FEATURES == 1984


def test_the_superpixel_stage_differs_from_the_sharp_one_only_where_it_is_published():
    """Section 1: rate and β are those of the other stages."""
    config = preset("reference").masks
    same = {"learning_rate", "total_variation_power", "first_moment_decay", "second_moment_decay"}
    for name in same:
        assert getattr(config.superpixels.stage, name) == getattr(config.sharp, name)
    differing = {
        field.name
        for field in dataclasses.fields(config.sharp)
        if getattr(config.superpixels.stage, field.name) != getattr(config.sharp, field.name)
    }
    assert differing == {"steps", "area_weight", "binary_weight"}
