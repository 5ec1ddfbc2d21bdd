import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vsum_core.config import MaskStageConfig
from vsum_core.mask_loss import log_odds, odds_terms, regularisation, wanted_log_odds

STAGE = MaskStageConfig(steps=1, learning_rate=0.1, area_weight=0.0, total_variation_weight=0.0)
ODDS = dataclasses.replace(STAGE, odds_weight=0.5, reached_area_weight=3.0)
QUARTER = torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]])  # a quarter of the area is deleted


def test_regularisation_by_hand():
    masks = torch.tensor([[[[0.0, 1.0], [0.5, 1.0]]], [[[1.0, 1.0], [1.0, 1.0]]]])
    area = dataclasses.replace(STAGE, area_weight=2.0)
    torch.testing.assert_close(regularisation(masks, stage=area), torch.tensor([2 * 1.5 / 4, 0.0]))
    variation = dataclasses.replace(STAGE, total_variation_weight=3.0)
    # Rows differ by 0.5 and 0, columns by 1 and 0.5, cubed and averaged over two each.
    expected = 3 * ((0.5**3 + 0) / 2 + (1 + 0.5**3) / 2)
    torch.testing.assert_close(regularisation(masks, stage=variation), torch.tensor([expected, 0.0]))
    binary = dataclasses.replace(STAGE, binary_weight=4.0)
    torch.testing.assert_close(regularisation(masks, stage=binary), torch.tensor([4 * 0.25 / 4, 0.0]))


def test_regularisation_needs_neighbours():
    with pytest.raises(ValueError, match="2 x 2"):
        regularisation(torch.ones(1, 1, 1, 5), stage=STAGE)


def test_log_odds_by_hand():
    # p = 0.5, 0.25 and 0.25: odds of 1 and of 1/3.
    logits = torch.tensor([[math.log(2), 0.0, 0.0]]).repeat(2, 1)
    torch.testing.assert_close(log_odds(logits, torch.tensor([0, 2])), torch.tensor([0.0, -math.log(3)]))


def test_log_odds_have_a_gradient_where_the_probability_is_1_in_floats():
    logits = torch.tensor([[60.0, 0.0, 0.0]], requires_grad=True)
    assert logits.softmax(1)[0, 0] == 1
    log_odds(logits, torch.tensor([0])).sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[1.0, -0.5, -0.5]]))


@given(st.floats(-20, 20), st.floats(0.001, 0.999))
def test_wanted_log_odds_are_those_of_the_share(logit, share):
    logits0 = torch.tensor([[logit, 0.0]], dtype=torch.float64)
    (wanted,) = wanted_log_odds(logits0, torch.tensor([0]), share=share)
    p0 = 1 / (1 + math.exp(-logit))
    assert torch.sigmoid(wanted).item() == pytest.approx(share * p0, rel=1e-6)


def test_odds_terms_by_hand():
    wanted = torch.full((3,), -3.0)
    # Log-odds of 7 (seen), of the wanted -3, and of -13 (far below).
    logits = torch.tensor([[7.0, 0.0], [-3.0, 0.0], [-13.0, 0.0]])
    masks = QUARTER.repeat(3, 1, 1, 1)
    terms = odds_terms(logits, torch.zeros(3, dtype=torch.long), wanted, masks, stage=ODDS)
    expected = [
        0.5 * math.log1p(math.exp(above)) + 3 * 0.25 / (1 + math.exp(above - 1)) for above in (10.0, 0.0, -10.0)
    ]
    torch.testing.assert_close(terms, torch.tensor(expected))


def test_the_area_does_not_pull_at_the_score():
    logits = torch.tensor([[2.0, 0.0]], requires_grad=True)
    area_only = dataclasses.replace(ODDS, odds_weight=0.0)
    masks = QUARTER.clone().requires_grad_()
    odds_terms(logits, torch.tensor([0]), torch.tensor([1.0]), masks, stage=area_only).sum().backward()
    assert logits.grad.abs().max() == 0
    # Half the weight one nat above the target, shared by four pixels.
    torch.testing.assert_close(
        masks.grad, torch.full((1, 1, 2, 2), -3 * 0.5 / 4) * torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    )


def test_without_weights_there_are_no_odds_terms():
    assert odds_terms(torch.zeros(1, 2), torch.tensor([0]), torch.zeros(1), QUARTER, stage=STAGE) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("odds_weight", -1.0), ("odds_target", 1.0), ("odds_target", 0.0), ("reached_area_weight", -1.0)],
)
def test_constants_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(STAGE, **{name: value})
