import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from vsum_core.compiled_network import forget_compiled
from vsum_core.config import MaskConfig, MaskStageConfig, preset
from vsum_core.masks import (
    contrast_at,
    inscribed_circle,
    learning_rate_at,
    optimise_masks,
    rendered,
)
from vsum_core.networks import Network, NetworkSpecification
from vsum_core.perturbation import blur

SIDE = 32
CLASSES = 3


class StripeDetector(nn.Module):
    """Class 0 needs fine stripes (contrast between neighbouring columns) in the upper left quarter."""

    def forward(self, images):
        quarter = images[:, :, : SIDE // 2, : SIDE // 2]
        energy = (quarter[..., 1:] - quarter[..., :-1]).pow(2).mean((1, 2, 3))
        rest = torch.zeros(len(images), CLASSES - 1, device=images.device)
        return torch.cat([20 * energy.unsqueeze(1) - 5, rest], dim=1)


def network(module=None, device="cpu"):
    specification = NetworkSpecification(
        name="stripes",
        weights="none",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("stripes", "one", "two"),
    )
    module = (module or StripeDetector()).eval().requires_grad_(False).to(device)
    return Network(specification=specification, module=module, device=torch.device(device), weights_sha256="0" * 64)


def striped_images(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    stripes = (torch.arange(SIDE) % 2).float().expand(count, 3, SIDE, SIDE)
    strength = 0.9 + 0.1 * torch.rand(count, 1, 1, 1, generator=generator)
    return stripes * strength


def short(config, steps):
    return dataclasses.replace(
        config,
        smooth=dataclasses.replace(config.smooth, steps=steps),
        sharp=dataclasses.replace(config.sharp, steps=steps),
    )


STAGE = MaskStageConfig(steps=1, learning_rate=0.1, area_weight=0.0, total_variation_weight=0.0)


def test_inscribed_circle_by_hand():
    expected = [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    assert inscribed_circle(4, 4).tolist() == expected
    wide = inscribed_circle(3, 5)
    assert wide[1].tolist() == [1, 0, 0, 0, 1]


def test_straight_through_blur_has_the_value_of_the_blur_and_the_gradient_of_the_upsampling():
    true = dataclasses.replace(STAGE, mask_blur_sigma=2.0, resolution_divisor=4)
    through = dataclasses.replace(true, straight_through_blur=True)
    plain = dataclasses.replace(true, mask_blur_sigma=0.0)
    weights = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    values, gradients = [], []
    for stage in (true, through, plain):
        masks = torch.eye(4).view(1, 1, 4, 4).requires_grad_()
        seen = rendered(masks, height=16, width=16, stage=stage)
        (gradient,) = torch.autograd.grad((seen * weights).sum(), masks)
        values.append(seen.detach())
        gradients.append(gradient)
    torch.testing.assert_close(values[1], values[0])
    assert not torch.allclose(values[0], values[2], atol=1e-2)
    torch.testing.assert_close(gradients[1], gradients[2])
    assert not torch.allclose(gradients[0], gradients[1], atol=1e-3)


def test_contrast_moves_values_away_from_one_half_and_cuts_them_off():
    masks = torch.tensor([[[[0.0, 0.45], [0.5, 0.52]]]])
    seen = rendered(masks, height=2, width=2, stage=STAGE, contrast=10.0)
    torch.testing.assert_close(seen, torch.tensor([[[[0.0, 0.0], [0.5, 0.7]]]]))


def test_schedules():
    stage = dataclasses.replace(STAGE, steps=3, learning_rate=0.2, final_learning_rate=0.1, contrast=9.0)
    assert [learning_rate_at(stage, step) for step in range(3)] == pytest.approx([0.2, 0.15, 0.1])
    assert [contrast_at(stage, step) for step in range(3)] == pytest.approx([1, 3, 9])
    later = dataclasses.replace(stage, initial_contrast=2.0, contrast=8.0)
    assert [contrast_at(later, step) for step in range(3)] == pytest.approx([2, 4, 8])
    constant = dataclasses.replace(stage, final_learning_rate=None, contrast=1.0)
    assert [learning_rate_at(constant, step) for step in range(3)] == [0.2] * 3
    assert [contrast_at(constant, step) for step in range(3)] == [1.0] * 3


def test_one_stage_equals_a_loop_with_torch_adam():
    """The loss written out once more, image by image, with torch's optimiser."""
    stage = MaskStageConfig(
        steps=12,
        learning_rate=0.1,
        area_weight=0.3,
        total_variation_weight=0.2,
        binary_weight=0.1,
        rise_weight=0.05,
        resolution_divisor=4,
    )
    none = dataclasses.replace(stage, steps=0)
    config = MaskConfig(smooth=stage, sharp=none)
    images = striped_images(2)
    result = optimise_masks(network(), images, [0, 1], config=config)
    for index, target in enumerate((0, 1)):
        image = images[index : index + 1]
        blurred = blur(image, kernel_size=11, sigma=10.0)
        logits0 = StripeDetector()(image)
        mask = inscribed_circle(8, 8).view(1, 1, 8, 8).clone().requires_grad_()
        adam = torch.optim.Adam([mask], lr=0.1)
        for step in range(12):
            large = nn.functional.interpolate(mask, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
            logits = StripeDetector()(image * large + blurred * (1 - large))
            p = logits.softmax(1)[0, target]
            rows, columns = mask[:, :, 1:] - mask[:, :, :-1], mask[..., 1:] - mask[..., :-1]
            loss = p + 0.3 * (1 - mask).abs().mean() + 0.2 * (rows.abs().pow(3).mean() + columns.abs().pow(3).mean())
            loss = loss + 0.1 * (mask * (1 - mask)).abs().mean() + 0.05 * (logits - logits0).relu().mean()
            assert result.history.loss[index, step] == pytest.approx(loss.item(), abs=1e-4)
            assert result.history.p[index, step] == pytest.approx(p.item(), abs=1e-4)
            adam.zero_grad()
            loss.backward()
            adam.step()
            with torch.no_grad():
                mask.clamp_(0, 1)


@pytest.mark.parametrize("name", ["reference", "default"])
def test_the_mask_deletes_the_stripes_the_detector_needs_and_little_else(name):
    config = preset(name).masks
    if name == "reference":
        config = short(config, 80)
    result = optimise_masks(network(), striped_images(2), [0, 0], config=config)
    for mask, scores in zip(result.sharp, result.scores, strict=True):
        assert scores.p0 > 0.9
        assert scores.p_sharp < 0.05 * scores.p0
        assert scores.p_thresholded < 0.1 * scores.p0
        deleted = mask < 0.5
        assert deleted[: SIDE // 2, : SIDE // 2].mean() > 0.3
        assert deleted[SIDE * 5 // 8 :, SIDE * 5 // 8 :].mean() < 0.1
        assert scores.area == pytest.approx((1 - mask).mean(), abs=1e-5)
        assert scores.binarity == pytest.approx((mask * (1 - mask)).mean(), abs=1e-5)
        assert scores.drop == pytest.approx((scores.p0 - scores.p_sharp) / scores.p0)
        assert scores.normalised_score == pytest.approx(
            (scores.p_sharp - scores.p0) / (scores.p0 - scores.p_blurred), abs=1e-6
        )
        assert scores.area_times_p == pytest.approx(scores.area * scores.p_sharp)


@pytest.mark.parametrize("name", ["default", "fast"])
def test_a_mask_does_not_depend_on_its_company(name):
    config = preset(name).masks
    images = striped_images(5)
    images[3] = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    together = optimise_masks(network(), images, [0, 0, 0, 0, 1], config=config)
    split = optimise_masks(network(), images, [0, 0, 0, 0, 1], config=dataclasses.replace(config, batch_size=2))
    alone = optimise_masks(network(), images[:1], [0], config=config)
    for other, count in ((split, 5), (alone, 1)):
        for a, b in zip(together.sharp[:count] < 0.5, other.sharp, strict=True):
            b = b < 0.5
            assert (a & b).sum() >= 0.99 * (a | b).sum()


def test_normalised_score_is_none_where_blurring_changes_nothing():
    flat = torch.full((1, 3, SIDE, SIDE), 0.5)
    result = optimise_masks(network(), flat, [1], config=short(MaskConfig(), 1))
    assert result.scores[0].normalised_score is None


def test_shapes_progress_and_history():
    calls = []
    config = dataclasses.replace(short(MaskConfig(), 2), batch_size=2)
    result = optimise_masks(
        network(), striped_images(3), [0, 1, 2], config=config, progress=lambda *call: calls.append(call)
    )
    # Four steps of a batch of two, then four of the third image.
    assert calls == [(steps, 12) for steps in (2, 4, 6, 8, 9, 10, 11, 12)]
    assert result.smooth.shape == result.sharp.shape == (3, SIDE, SIDE)
    assert result.smooth.dtype == result.sharp.dtype == np.float32
    assert result.history.loss.shape == result.history.p.shape == (3, 4)
    assert result.history.smooth_steps == 2
    assert result.sharp.min() >= 0 and result.sharp.max() <= 1


class NarrowDetector(StripeDetector):
    """Has no memory for more than two images at once."""

    def forward(self, images):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(images)


def test_a_batch_that_does_not_fit_is_halved_and_the_masks_stay_the_same():
    config = short(preset("default").masks, 5)
    images = striped_images(7)
    calls = []
    halved = optimise_masks(
        network(NarrowDetector()), images, [0] * 7, config=config, progress=lambda *call: calls.append(call)
    )
    fitting = optimise_masks(network(), images, [0] * 7, config=dataclasses.replace(config, batch_size=2))
    np.testing.assert_allclose(halved.sharp, fitting.sharp, atol=1e-4)
    assert calls[-1] == (70, 70)


def test_an_image_that_does_not_fit_is_an_error():
    class NoMemory(nn.Module):
        def forward(self, images):
            raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError):
        optimise_masks(network(NoMemory()), striped_images(2), [0, 0], config=short(MaskConfig(), 1))


def test_works_inside_inference_mode_and_leaves_the_images_alone():
    images = striped_images(1)
    before = images.clone()
    with torch.inference_mode():
        inside = optimise_masks(network(), images.clone(), [0], config=short(MaskConfig(), 3))
    outside = optimise_masks(network(), images, [0], config=short(MaskConfig(), 3))
    np.testing.assert_array_equal(inside.sharp, outside.sharp)
    assert torch.equal(images, before)


def test_bfloat16_gives_nearly_the_same_mask():
    convolution = nn.Conv2d(3, CLASSES, 5, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(torch.randn(convolution.weight.shape, generator=torch.Generator().manual_seed(0)))
    module = nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    config = short(preset("default").masks, 10)
    exact, rough = (
        optimise_masks(network(module), striped_images(1), [0], config=dataclasses.replace(config, bfloat16=bfloat16))
        for bfloat16 in (False, True)
    )
    assert not np.array_equal(exact.history.p, rough.history.p)
    np.testing.assert_allclose(exact.history.p, rough.history.p, atol=0.05)


@pytest.mark.compiles
@pytest.mark.slow
def test_a_compiled_network_gives_the_same_masks_up_to_rounding(compiler):
    ours = network()

    def masks(config, *, compile_network):
        config = dataclasses.replace(config, compile_network=compile_network)
        return optimise_masks(ours, striped_images(3), [0] * 3, config=config)

    whole = preset("default").masks
    plain, compiled, again = (masks(whole, compile_network=one) for one in (False, True, True))
    np.testing.assert_allclose(compiled.history.p, plain.history.p, atol=1e-5)
    assert ((compiled.sharp < 0.5) == (plain.sharp < 0.5)).mean() > 0.999
    np.testing.assert_array_equal(again.sharp, compiled.sharp)
    # An optimisation makes more of the last bit with each step: pixel by pixel they agree for 52, not for all 72.
    steps = {"smooth": 12, "sharp": 40}
    fewer = dataclasses.replace(
        whole, **{stage: dataclasses.replace(getattr(whole, stage), steps=number) for stage, number in steps.items()}
    )
    plain, compiled = (masks(fewer, compile_network=one) for one in (False, True))
    np.testing.assert_allclose(compiled.sharp, plain.sharp, atol=0.01)


@torch.library.custom_op("tests::narrow", mutates_args=())
def narrow(images: torch.Tensor) -> torch.Tensor:
    """A kernel that has no memory for more than two images at once."""
    if len(images) > 2:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return images.clone()


narrow.register_fake(lambda images: torch.empty_like(images))
narrow.register_autograd(lambda _, gradient: gradient)


class NarrowWhenCompiled(StripeDetector):
    """Runs out of memory in the compiled steps only."""

    def forward(self, images):
        return super().forward(narrow(images) if torch.compiler.is_compiling() else images)


@pytest.mark.compiles
@pytest.mark.slow
def test_a_compiled_batch_that_does_not_fit_is_halved(compiler):
    config = dataclasses.replace(short(preset("default").masks, 3), batch_size=4)
    images = striped_images(3)
    halved = optimise_masks(
        network(NarrowWhenCompiled()), images, [0] * 3, config=dataclasses.replace(config, compile_network=True)
    )
    fitting = optimise_masks(network(), images, [0] * 3, config=dataclasses.replace(config, batch_size=2))
    np.testing.assert_allclose(halved.sharp, fitting.sharp, atol=1e-4)


@pytest.mark.parametrize(
    ("images", "targets", "message"),
    [
        (torch.rand(1, 3, SIDE, SIDE + 1), [0], "Resize"),
        (torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8), [0], "float"),
        (torch.zeros(0, 3, SIDE, SIDE), [], "at least 1"),
        (torch.full((1, 3, SIDE, SIDE), 255.0), [0], r"\[0, 1\]"),
        (torch.full((1, 3, SIDE, SIDE), float("nan")), [0], r"\[0, 1\]"),
        (torch.rand(2, 3, SIDE, SIDE), [0], "2 targets"),
        (torch.rand(1, 3, SIDE, SIDE), [CLASSES], "0 to 2"),
        (torch.rand(1, 3, SIDE, SIDE), [-1], "0 to 2"),
    ],
)
def test_wrong_input_is_refused(images, targets, message):
    with pytest.raises(ValueError, match=message):
        optimise_masks(network(), images, targets, config=MaskConfig())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu():
    config = preset("default").masks
    on_cpu = optimise_masks(network(), striped_images(2), [0, 0], config=config)
    on_gpu = optimise_masks(network(device="cuda"), striped_images(2), [0, 0], config=config)
    a, b = on_cpu.sharp < 0.5, on_gpu.sharp < 0.5
    assert (a & b).sum() >= 0.95 * (a | b).sum()


@pytest.mark.compiles
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_compiled_with_cuda_graphs_agrees_with_plain_cuda():
    config = preset("default").masks
    plain = optimise_masks(network(device="cuda"), striped_images(9), [0] * 9, config=config)
    compiled = optimise_masks(
        network(device="cuda"), striped_images(9), [0] * 9, config=dataclasses.replace(config, compile_network=True)
    )
    a, b = plain.sharp < 0.5, compiled.sharp < 0.5
    assert (a & b).sum() >= 0.95 * (a | b).sum()
    forget_compiled()
