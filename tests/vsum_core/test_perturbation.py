import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from vsum_core.perturbation import blend, blur, blur_matrix, gaussian_taps


def test_blur_equals_scipy_with_mirrored_border():
    image = np.random.default_rng(0).random((3, 40, 31))
    expected = ndimage.gaussian_filter(image, sigma=(0, 10, 10), radius=(0, 5, 5), mode="mirror")
    actual = blur(torch.from_numpy(image), kernel_size=11, sigma=10.0)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-6)


def test_blur_with_a_kernel_larger_than_the_image_mirrors_again_and_again():
    image = np.random.default_rng(1).random((5, 6))
    expected = ndimage.gaussian_filter(image, sigma=5.0, radius=20, mode="mirror")
    actual = blur(torch.from_numpy(image), kernel_size=41, sigma=5.0)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-6)


def test_three_taps_by_hand():
    side = np.exp(-0.5)
    assert gaussian_taps(3, 1.0) == pytest.approx((side / (1 + 2 * side), 1 / (1 + 2 * side), side / (1 + 2 * side)))
    # Mirrored without repeating the edge: the first row sees its right neighbour twice.
    assert blur_matrix(2, 3, 1.0)[0].tolist() == pytest.approx([1 / (1 + 2 * side), 2 * side / (1 + 2 * side)])


def test_one_pixel_stays_what_it_is():
    assert blur(torch.full((1, 1), 0.3), kernel_size=11, sigma=10.0).item() == pytest.approx(0.3)


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(0, 20), st.floats(0.1, 50))
def test_blur_keeps_constants(size, radius, sigma):
    rows = blur_matrix(size, 2 * radius + 1, sigma).sum(1)
    torch.testing.assert_close(rows, torch.ones(size))


@pytest.mark.parametrize(("kernel_size", "sigma", "message"), [(4, 1.0, "odd"), (-1, 1.0, "odd"), (3, 0.0, "sigma")])
def test_impossible_kernels_are_refused(kernel_size, sigma, message):
    with pytest.raises(ValueError, match=message):
        gaussian_taps(kernel_size, sigma)


def test_blend_by_hand():
    images = torch.full((1, 3, 1, 2), 0.8)
    blurred = torch.full((1, 3, 1, 2), 0.4)
    masks = torch.tensor([[[[1.0, 0.25]]]])
    expected = torch.tensor([0.8, 0.5]).expand(1, 3, 1, 2)
    torch.testing.assert_close(blend(images, blurred, masks), expected)


def test_gradient_of_blend_in_the_mask_is_the_difference_of_the_pictures():
    images, blurred = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    masks = torch.rand(2, 1, 4, 5, requires_grad=True)
    blend(images, blurred, masks).sum().backward()
    torch.testing.assert_close(masks.grad, (images - blurred).sum(1, keepdim=True))


def test_blend_refuses_masks_without_their_channel_axis():
    images = torch.rand(2, 3, 4, 5)
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 5\)"):
        blend(images, images, torch.rand(2, 4, 5))
