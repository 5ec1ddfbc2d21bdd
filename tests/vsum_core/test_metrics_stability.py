import pytest

from vsum_core.metrics_stability import places_of, stability, summary_overlap

HEAD = {"a": [0, 0, 10, 10], "b": [0, 0, 10, 10]}
HALF_HEAD = {"a": [0, 0, 10, 5], "b": [0, 0, 10, 10]}
LEGS = {"a": [50, 50, 60, 60], "c": [50, 50, 60, 60]}


def test_overlap_by_hand():
    assert summary_overlap(HEAD, HEAD) == 1
    assert summary_overlap(HEAD, HALF_HEAD) == pytest.approx((0.5 + 1) / 2)
    assert summary_overlap(HEAD, LEGS) == 0
    assert summary_overlap(HEAD, {"a": [0, 0, 10, 10]}) == 0.5  # b is shown by one only
    assert summary_overlap({}, {}) == 0


def test_the_best_matching_is_found_whatever_the_order():
    result = stability([HEAD, LEGS], [LEGS, HALF_HEAD])
    assert result.pairs == ((0, 1, 0.75), (1, 0, 1.0))
    assert (result.mean_overlap, result.matched) == (0.875, 1.0)


def test_what_only_one_run_finds_counts_as_nothing():
    result = stability([HEAD, LEGS], [HALF_HEAD])
    assert (result.mean_overlap, result.matched) == (0.375, 0.5)
    assert stability([], []).mean_overlap is None
    assert stability([], [HEAD]).mean_overlap == 0


def test_only_images_of_both_runs_count():
    assert stability([HEAD], [{"a": [0, 0, 10, 10]}], images={"a"}).mean_overlap == 1


def test_places_of_a_manifests_summary():
    summary = {"members": [{"image": "img-1", "box": [0.1, 0.2, 0.3, 0.4], "drop": 0.5}]}
    assert places_of(summary) == {"img-1": [0.1, 0.2, 0.3, 0.4]}
