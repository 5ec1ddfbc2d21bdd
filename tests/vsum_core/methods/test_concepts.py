import dataclasses
import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from vsum_core.config import Arm, QualityConfig, preset
from vsum_core.datasets import read_image_folder
from vsum_core.methods import methods_named
from vsum_core.methods.concepts import CONSTANTS, group_segments, segment, segment_drops, segment_features
from vsum_core.networks import Network, NetworkSpecification
from vsum_core.pipeline import pregenerate

from .conftest import PLACE


@pytest.fixture
def convolutional_network():
    """Red against blue where they change along a row; four feature maps, so that segments can be described."""
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    with torch.no_grad():
        module[0].weight.zero_()
        module[0].bias.fill_(-0.3)
        for colour, other, output in ((0, 2, 0), (2, 0, 1)):
            module[0].weight[output, colour, 1, 1], module[0].weight[output, other, 1, 1] = 2.0, -2.0
            module[0].weight[output, colour, 1, 2], module[0].weight[output, other, 1, 2] = -2.0, 2.0
        module[0].weight[2, :, 1, 1], module[0].weight[3, 1, 1, 1] = 0.5, 1.0
        module[4].weight.copy_(torch.tensor([[60.0, -60, 0, 0], [-60, 60, 0, 0]]))
        module[4].bias.zero_()
    return Network(
        specification=NetworkSpecification(
            name="stripes", weights="by hand", input_height=64, input_width=64, mean=(0.0,) * 3, std=(1.0,) * 3,
            categories=("red thing", "blue thing"),
        ),
        module=module.eval().requires_grad_(False),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(b"stripes").hexdigest(),
    )  # fmt: skip


def test_segments_cover_the_picture_and_follow_its_edges():
    image = np.zeros((64, 64, 3), dtype=np.float32)
    image[:, 32:] = (0.9, 0.2, 0.1)
    outlines = segment(image)
    assert outlines.dtype == np.bool_ and outlines.any(axis=0).mean() > 0.95
    assert all(outline.mean() >= CONSTANTS.minimum_area for outline in outlines)
    shares = [outline[:, 32:].sum() / outline.sum() for outline in outlines]
    assert all(share < 0.1 or share > 0.9 for share in shares)  # no segment lies on both sides
    pairs = [(one & other).sum() / (one | other).sum() for i, one in enumerate(outlines) for other in outlines[:i]]
    assert max(pairs) < CONSTANTS.duplicate


def test_the_segment_with_the_evidence_drops_most_and_looks_unlike_the_others(question, convolutional_network):
    rows, columns = PLACE
    outlines = np.zeros((3, 64, 64), dtype=bool)
    outlines[0, rows, columns] = True
    outlines[1, 40:60, 4:30] = True
    outlines[2, 40:60, 34:60] = True
    drops = segment_drops(question, 0, outlines)
    assert drops[0] > 0.1 > abs(drops[1:]).max()
    features = segment_features(dataclasses.replace(question, network=convolutional_network), 0, outlines)
    assert features.shape == (3, 4)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    assert features[1] @ features[2] > features[0] @ features[1] + 1e-3


def test_groups_by_hand():
    generator = np.random.default_rng(0)
    features = np.repeat(np.eye(2), 6, axis=0) + 0.01 * generator.standard_normal((12, 2))
    labels = group_segments(features, seed=0)
    # Twelve segments allow three clusters; the two kinds never share one.
    assert not set(labels[:6]) & set(labels[6:])
    assert group_segments(features[:3], seed=0).tolist() == [0, 0, 0]
    assert group_segments(features, seed=1).tolist() == group_segments(features, seed=1).tolist()


def test_concepts_are_a_condition_of_a_run(thing_folder, convolutional_network, tmp_path):
    base = preset("reference", seed=3)
    masks = dataclasses.replace(
        base.masks,
        smooth=dataclasses.replace(base.masks.smooth, steps=10, mask_blur_sigma=1.0, resolution_divisor=4),
        sharp=dataclasses.replace(base.masks.sharp, steps=10, learning_rate=0.2),
    )
    config = dataclasses.replace(
        base,
        masks=masks,
        proposals=dataclasses.replace(
            base.proposals, frame_side=96, minimum_side=10, maximum=60, segmentation_scales=(100,)
        ),
        quality=QualityConfig(minimum_members=3),
        rendering=dataclasses.replace(base.rendering, cell_side=120),
    )
    options = {
        "config": config,
        "arms": (Arm.RANDOM_REGIONS, Arm.WHOLE_IMAGES),
        "methods": methods_named("ace"),
        "directory": tmp_path / "run",
        "device": torch.device("cpu"),
    }
    images = read_image_folder(thing_folder)
    manifest = pregenerate(images, [convolutional_network], **options)
    summaries = [summary for summary in manifest["summaries"] if summary["arm"] == "summaries"]
    assert summaries and {summary["method"] for summary in manifest["summaries"]} == {"ace"}
    for summary in summaries:
        assert len({member["image"] for member in summary["members"]}) == len(summary["members"]) >= 3
        assert summary["quality"]["median_ssim"] is None and summary["quality"]["mean_drop"] > 0
    assert {summary["arm"] for summary in manifest["summaries"]} == {"summaries", "random-regions", "whole-images"}
    again = pregenerate(images, [convolutional_network], **options)
    assert again == manifest
