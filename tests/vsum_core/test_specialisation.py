import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from vsum_core.networks import Network, NetworkSpecification
from vsum_core.specialisation import (
    Detector,
    Standard,
    box_features,
    choose_weight,
    evidence,
    specialised_logits,
    standards,
    train_detector,
)


def test_features_of_boxes_by_hand():
    """The maps are the colours themselves; a box in the red half is all red, the whole image half red, half green."""
    module = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        module[0].weight.copy_(torch.eye(3).view(3, 3, 1, 1))
    network = Network(
        specification=NetworkSpecification(
            name="colours", weights="none", input_height=8, input_width=8, mean=(0.0,) * 3, std=(1.0,) * 3,
            categories=("red", "green", "blue"),
        ),
        module=module.eval().requires_grad_(False),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(b"colours").hexdigest(),
    )  # fmt: skip
    image = torch.zeros(3, 8, 8)
    image[0, :, :4] = 1
    image[1, :, 4:] = 1
    features = box_features(network, image, [[0.125, 0.125, 0.375, 0.875], [0, 0, 1, 1]])
    np.testing.assert_allclose(features[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(features[1], [0.5**0.5, 0.5**0.5, 0], atol=1e-6)
    assert not any(part._forward_hooks for part in module.modules())


def test_a_detector_by_hand():
    """Others have variance 1 along both axes and no covariance, so the weights are the difference of the means."""
    others = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=np.float32) * np.sqrt(3 / 4)
    detector = train_detector("head", 3, np.array([[4, 0], [2, 0]], dtype=np.float32), others, shrinkage=0.5)
    np.testing.assert_allclose(detector.weights, [3, 0], atol=1e-6)
    assert detector.bias == pytest.approx(-4.5)
    np.testing.assert_allclose(detector.scores(np.array([[3, 9], [0, 0], [1.5, 0]])), [4.5, -4.5, 0], atol=1e-6)
    with pytest.raises(ValueError, match="Expected members"):
        train_detector("head", 3, np.zeros((0, 2), dtype=np.float32), others)


def test_evidence_is_the_mean_of_the_best_boxes():
    detectors = [
        Detector("a", 0, np.array([1.0, 0.0]), 0.0),
        Detector("b", 0, np.array([0.0, 1.0]), 0.0),
        Detector("c", 2, np.array([-1.0, 0.0]), 1.0),
    ]
    features = np.array([[3, 0], [1, 5]], dtype=np.float32)
    assert evidence(detectors, features) == {0: 4.0, 2: 0.0}


def test_standards_leave_out_the_class_itself():
    known = standards([{0: 1.0}, {0: 3.0}, {0: 100.0}], [1, 1, 0])
    assert known == {0: Standard(mean=2.0, deviation=1.0)}
    assert standards([{0: 5.0}], [0]) == {0: Standard(mean=0.0, deviation=1.0)}


def test_the_weight_that_mends_most_is_chosen_and_the_smallest_of_equals():
    logits = np.array([[0.0, 1.0], [0.0, 1.0]])
    evidences = [{0: 1.25}, {0: 0.5}]
    known = {0: Standard(mean=0.5, deviation=1.0)}
    assert specialised_logits(logits, evidences, known, weight=2.0).tolist() == [[1.5, 1.0], [0.0, 1.0]]
    assert choose_weight(logits, evidences, known, [0, 1]) == 2.0
    assert choose_weight(logits, evidences, known, [1, 1]) == 0.0
