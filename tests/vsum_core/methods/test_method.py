import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vsum_core.methods import Question, load_method, method_names
from vsum_core.methods.method import delete_most_relevant, mask_scores

from .conftest import PLACE, share_at_place

WITHOUT_FEATURE_MAPS = [name for name in method_names() if name not in ("grad-cam",)]


def test_the_most_relevant_pixels_are_deleted():
    relevance = np.array([[0.1, 0.9], [0.5, -3.0]])
    assert delete_most_relevant(relevance, area=0.5).tolist() == [[1, 0], [0, 1]]
    assert delete_most_relevant(relevance, area=0.0).tolist() == [[1, 1], [1, 1]]
    assert delete_most_relevant(relevance, area=1.0).tolist() == [[0, 0], [0, 0]]
    assert delete_most_relevant(np.zeros((2, 2)), area=0.25).tolist() == [[0, 1], [1, 1]]  # ties: reading order


@pytest.mark.parametrize(
    ("relevance", "area"), [(np.zeros(4), 0.5), (np.array([[np.nan, 1.0]]), 0.5), (np.zeros((2, 2)), 1.5)]
)
def test_impossible_relevance_or_area_is_refused(relevance, area):
    with pytest.raises(ValueError):
        delete_most_relevant(relevance, area=area)


@given(arrays(np.float64, (5, 7), elements=st.floats(-1e6, 1e6)), st.floats(0, 1))
def test_the_deleted_share_is_the_area_and_nothing_kept_is_more_relevant(relevance, area):
    mask = delete_most_relevant(relevance, area=area)
    assert (mask == 0).sum() == round(area * relevance.size)
    if 0 < (mask == 0).sum() < relevance.size:
        assert relevance[mask == 0].min() >= relevance[mask == 1].max()


def test_scores_of_masks_made_by_hand(question):
    rows, columns = PLACE
    masks = np.ones((2, 64, 64), dtype=np.float32)
    masks[0, rows, columns] = 0  # all the evidence
    masks[1, 40:50, 40:50] = 0.25  # nothing of it
    found, missed = mask_scores(question, masks, p_smooth=np.array([0.25, 0.5]))
    assert found.p0 > 0.9 and found.p_thresholded < 0.7 * found.p0
    assert found.p_sharp == found.p_thresholded
    assert found.drop == pytest.approx((found.p0 - found.p_sharp) / found.p0)
    assert found.area == pytest.approx(576 / 4096) and found.binarity == 0
    assert found.area_times_p == pytest.approx(found.area * found.p_sharp)
    assert missed.p_sharp == pytest.approx(missed.p0) and missed.drop == pytest.approx(0)
    assert missed.area == pytest.approx(0.75 * 100 / 4096)
    assert missed.binarity == pytest.approx(0.1875 * 100 / 4096)
    assert (found.p_smooth, missed.p_smooth) == (0.25, 0.5)


@pytest.mark.parametrize("name", WITHOUT_FEATURE_MAPS)
def test_every_method_finds_the_evidence_and_deletes_no_more_than_it_is_asked(name, question):
    told = []
    explanation = load_method(name).explain(dataclasses.replace(question, advance=told.append))
    assert explanation.masks.shape == (2, 64, 64) and explanation.masks.dtype == np.float32
    assert sum(told) == pytest.approx(2)  # images
    for mask, scores in zip(explanation.masks, explanation.scores, strict=True):
        assert share_at_place(mask) > 0.75
        assert scores.p_thresholded < 0.9 * scores.p0
        if not load_method(name).finds_area:
            assert (mask == 0).sum() == 576 and set(np.unique(mask)) == {0, 1}


@pytest.mark.parametrize("name", WITHOUT_FEATURE_MAPS)
def test_an_image_alone_gets_the_same_mask(name, question):
    method = load_method(name)
    together = method.explain(question).masks
    alone = method.explain(question.of_image(1)).masks
    assert (together[1] != alone[0]).mean() < 0.01


@pytest.mark.parametrize("name", WITHOUT_FEATURE_MAPS)
def test_relevance_is_finite_and_larger_on_the_evidence(name, question):
    relevance = load_method(name).relevance(question)
    rows, columns = PLACE
    assert relevance.shape == (2, 64, 64) and np.isfinite(relevance).all()
    assert relevance[0, rows, columns].mean() > relevance[0, 40:, 44:].mean()


def test_masks_can_be_made_in_inference_mode(question):
    with torch.inference_mode():
        inside = load_method("integrated-gradients").explain(question).masks
    assert np.array_equal(inside, load_method("integrated-gradients").explain(question).masks)


def test_questions_that_do_not_fit_are_refused(question):
    with pytest.raises(ValueError, match="Resize"):
        dataclasses.replace(question, images=question.images[:, :, :32])
    with pytest.raises(ValueError, match="as many targets"):
        dataclasses.replace(question, targets=torch.tensor([0]))
    with pytest.raises(ValueError, match="Areas"):
        dataclasses.replace(question, areas=np.array([0.1, 1.1]))
    assert isinstance(question.of_image(0), Question) and len(question.of_image(0).images) == 1
