"""Masks of superpixels on drawn stripes: which patches go, and that each image is alone."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from vsum_core.config import MaskConfig, MaskStageConfig, MaskVariant, SuperpixelConfig
from vsum_core.masks import optimise_masks
from vsum_core.methods import load_method
from vsum_core.methods.method import Question
from vsum_core.networks import Network, NetworkSpecification
from vsum_core.perturbation import blur
from vsum_core.superpixel_masks import optimise_superpixel_masks, superpixels

SIDE = 32


class StripeDetector(nn.Module):
    """Class 0 needs fine stripes in the upper left quarter."""

    def forward(self, images):
        quarter = images[:, :, : SIDE // 2, : SIDE // 2]
        energy = (quarter[..., 1:] - quarter[..., :-1]).pow(2).mean((1, 2, 3))
        return torch.stack([20 * energy - 5, torch.zeros_like(energy)], dim=1)


@pytest.fixture
def network():
    specification = NetworkSpecification(
        name="stripes",
        weights="none",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("stripes", "other"),
    )
    module = StripeDetector().eval().requires_grad_(False)
    return Network(specification=specification, module=module, device=torch.device("cpu"), weights_sha256="0" * 64)


def config(**changes):
    smooth = MaskStageConfig(
        steps=40, learning_rate=0.1, area_weight=0.5, total_variation_weight=0.01, resolution_divisor=4
    )
    return MaskConfig(
        variant=MaskVariant.SUPERPIXELS, smooth=smooth, superpixels=SuperpixelConfig(segments=60, **changes)
    )


def striped_images(count):
    """Stripes of one pixel over patches of different colour, so that superpixels have something to follow."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.rand(count, 3, 4, 4, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    return 0.3 * patches + 0.7 * (torch.arange(SIDE) % 2).float()


def test_superpixels_of_four_colours_follow_their_edges():
    image = np.zeros((40, 40, 3))
    image[:20, 20:], image[20:, :20], image[20:, 20:] = (1, 0, 0), (0, 1, 0), (0, 0, 1)
    labels = superpixels(image, config=SuperpixelConfig(segments=4, sigma=0.0))
    assert labels.dtype == np.int64
    assert sorted(np.unique(labels)) == [0, 1, 2, 3]
    for part in (labels[:20, :20], labels[:20, 20:], labels[20:, :20], labels[20:, 20:]):
        assert len(np.unique(part)) == 1


def test_all_pixels_of_a_superpixel_have_one_value_and_the_needed_ones_go(network):
    images = striped_images(2)
    masks = optimise_superpixel_masks(network, images, [0, 0], config=config()).sharp
    assert masks.shape == (2, SIDE, SIDE)
    assert masks.dtype == np.float32
    assert masks.min() >= 0 and masks.max() <= 1
    for mask, image in zip(masks, images, strict=True):
        labels = superpixels(image.permute(1, 2, 0).double().numpy(), config=config().superpixels)
        for label in range(labels.max() + 1):
            assert np.ptp(mask[labels == label]) == 0
        assert (mask < 0.5)[: SIDE // 2, : SIDE // 2].mean() > 0.3
        assert (mask < 0.5)[SIDE * 5 // 8 :, SIDE * 5 // 8 :].mean() < 0.1


def test_equals_a_loop_with_the_loss_written_out(network):
    image = striped_images(1)
    stage = dataclasses.replace(config().superpixels.stage, steps=4)
    result = optimise_superpixel_masks(network, image, [0], config=config(stage=stage))
    labels = superpixels(image[0].permute(1, 2, 0).double().numpy(), config=config().superpixels)
    smooth = optimise_masks(network, image, [0], config=config()).smooth[0]
    np.testing.assert_array_equal(result.smooth[0], smooth)
    values = torch.tensor(
        [smooth[labels == label].mean() for label in range(labels.max() + 1)], dtype=torch.float32, requires_grad=True
    )
    blurred = blur(image, kernel_size=11, sigma=10.0)
    adam = torch.optim.Adam([values], lr=0.1)
    for _ in range(4):
        m = values[torch.from_numpy(labels)]
        p = StripeDetector()(image * m + blurred * (1 - m)).softmax(1)[0, 0]
        variation = (m[1:] - m[:-1]).abs().pow(3).mean() + (m[:, 1:] - m[:, :-1]).abs().pow(3).mean()
        loss = p + 0.2 * (1 - m).abs().mean() + 1.0 * variation + 4.0 * (m * (1 - m)).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            values.clamp_(0, 1)
    np.testing.assert_allclose(result.sharp[0], values.detach().numpy()[labels], atol=1e-5)


def test_a_mask_does_not_depend_on_its_company_and_progress_counts_steps(network):
    images, calls = striped_images(3), []
    together = optimise_superpixel_masks(network, images, [0, 0, 1], config=config())
    split = optimise_superpixel_masks(
        network,
        images,
        [0, 0, 1],
        config=dataclasses.replace(config(), batch_size=2),
        progress=lambda *call: calls.append(call),
    )
    np.testing.assert_allclose(together.sharp, split.sharp, atol=1e-5)
    # 40 smooth steps and 50 of superpixels, each for a batch of two images and then for one alone.
    counts = [2] * 40 + [1] * 40 + [2] * 50 + [1] * 50
    assert calls == [(int(done), 270) for done in np.cumsum(counts)]


def test_the_method_of_this_project_uses_them_when_asked_to(network):
    images = striped_images(2)
    question = Question(network=network, images=images, targets=torch.tensor([0, 0]), areas=np.ones(2), config=config())
    explanation = load_method("visual-summaries").explain(question)
    result = optimise_superpixel_masks(network, images, [0, 0], config=config())
    np.testing.assert_array_equal(explanation.masks, result.sharp)
    for scores, p_smooth in zip(explanation.scores, result.p_smooth, strict=True):
        assert scores.p_smooth == p_smooth
        assert scores.p_sharp < 0.2 * scores.p0
    relevance = load_method("visual-summaries").relevance(question)
    np.testing.assert_allclose(relevance, 1 - (result.sharp + result.smooth) / 2, atol=1e-6)


def test_a_stage_must_be_one_of_superpixels():
    stage = dataclasses.replace(SuperpixelConfig().stage, resolution_divisor=8)
    with pytest.raises(ValueError, match=r"stage.resolution_divisor must be 1, but it is 8"):
        SuperpixelConfig(stage=stage)
