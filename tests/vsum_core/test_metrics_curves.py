import numpy as np
import pytest

from vsum_core.metrics_curves import (
    area_under_curve,
    average_drop,
    deletion_curve,
    increase_in_confidence,
    insertion_curve,
)

WEIGHTS = np.array([[0.4, 0.3], [0.2, 0.1]])


def seen_weight(masks):
    return (masks * WEIGHTS).sum((1, 2))


def test_area_by_hand():
    assert area_under_curve([0, 0.5, 1], [1, 0.5, 0]) == 0.5
    assert area_under_curve([0, 2], [1, 0]) == 0.5  # divided by the width
    assert area_under_curve([0, 0.25, 1], [1, 0, 0]) == 0.125
    for shares, values in (([0], [1]), ([0, 0], [1, 1]), ([0, 1], [1, 1, 1])):
        with pytest.raises(ValueError):
            area_under_curve(shares, values)


def test_curves_by_hand():
    """Deleting 0.4, 0.3, 0.2, 0.1 in this order leaves 1, 0.6, 0.3, 0.1, 0."""
    deleted = deletion_curve(WEIGHTS, seen_weight, steps=4)
    np.testing.assert_allclose(deleted.probabilities, [1, 0.6, 0.3, 0.1, 0], atol=1e-7)
    assert deleted.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert deleted.area == pytest.approx((0.8 + 0.45 + 0.2 + 0.05) / 4)
    inserted = insertion_curve(WEIGHTS, seen_weight, steps=4)
    np.testing.assert_allclose(inserted.probabilities, [0, 0.4, 0.7, 0.9, 1], atol=1e-7)
    assert inserted.area == pytest.approx(1 - deleted.area)


def test_the_right_order_is_best_and_the_reverse_is_worst():
    generator = np.random.default_rng(0)
    areas = [deletion_curve(generator.permutation(4).reshape(2, 2), seen_weight, steps=4).area for _ in range(20)]
    assert deletion_curve(WEIGHTS, seen_weight, steps=4).area <= min(areas)
    assert deletion_curve(-WEIGHTS, seen_weight, steps=4).area >= max(areas)


def test_average_drop_and_increase_by_hand():
    """Losses of 0.5 of 1 and 0 (it rises) of 0.4; the image without any score is not counted in the drop."""
    assert average_drop([1, 0.4, 0], [0.5, 0.6, 0]) == 0.25
    assert increase_in_confidence([1, 0.4, 0], [0.5, 0.6, 0]) == pytest.approx(1 / 3)
    assert average_drop([0], [0]) is None and average_drop([], []) is None
    assert increase_in_confidence([], []) is None
    for p0, shown in (([1], [0.5, 0.5]), ([2], [0.5])):
        with pytest.raises(ValueError):
            average_drop(p0, shown)
