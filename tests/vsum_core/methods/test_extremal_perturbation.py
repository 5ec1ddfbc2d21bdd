import numpy as np
import torch

from vsum_core.methods.extremal_perturbation import _sorted_ideal, relevance, smooth_maximum


def test_the_ideal_mask_sorted_by_hand():
    ideal = _sorted_ideal(np.array([0.25, 0.0, 1.0]), 4)
    assert ideal.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]]


def test_the_smooth_maximum_spreads_a_single_value_and_neither_shrinks_nor_exceeds():
    grid = torch.zeros(1, 1, 32, 32)
    assert torch.all(smooth_maximum(grid) == 0)
    grid[0, 0, 10, 12] = 1
    spread = smooth_maximum(grid)
    assert float(spread.max()) == float(spread[0, 0, 10, 12]) <= 1
    assert spread[0, 0, 10, 12] > spread[0, 0, 10, 14] > spread[0, 0, 10, 16]
    assert torch.all(smooth_maximum(torch.ones(1, 1, 32, 32)) > 0.85)


def test_the_border_is_like_any_other_place():
    level = smooth_maximum(torch.full((1, 1, 32, 32), 0.5))
    torch.testing.assert_close(level, level[:, :, 16:17, 16:17].expand_as(level))


def test_the_mask_has_about_the_area_it_is_asked_for(question):
    masks = relevance(question)
    assert np.abs((masks > 0.5).mean((1, 2)) - question.areas).max() < 0.05
