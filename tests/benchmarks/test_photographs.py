"""The figures of the photographs benchmark, from manifests small enough to count by hand."""

import numpy as np
import pytest

from benchmarks.photographs import compare, mask_means, share_rising, summary_counts


def mask(network, **values):
    names = ("p0", "p_blurred", "p_smooth", "p_sharp", "p_thresholded", "area", "binarity", "area_times_p")
    return {"network": network, **dict.fromkeys(names, 0.5), **values}


def clustering(network, arm, **values):
    defaults = {"regions": 10, "clusters": 4, "accepted": 2, "coverage": 0.5, "converged": True, "attempts": 1}
    return {"network": network, "arm": arm, **defaults, **values}


def test_shares_of_p0_are_means_of_ratios():
    masks = [
        mask("a", p0=0.5, p_sharp=0.01, p_thresholded=0.05),
        mask("a", p0=1.0, p_sharp=0.0, p_thresholded=0.01),
        mask("b"),
    ]
    means = mask_means({"masks": masks}, "a")
    assert means.images == 2
    assert means.left_by_the_sharp_mask == pytest.approx(0.01)
    assert means.left_when_cut == pytest.approx(0.055)
    assert means.aims()["area"] == (0.5, 0.20)


def test_counts_keep_arms_and_networks_apart():
    records = [
        clustering("a", "summaries"),
        clustering("a", "summaries", accepted=0, coverage=None, converged=False, attempts=3),
        clustering("a", "random-regions", accepted=7),
        clustering("b", "summaries", accepted=9),
    ]
    counts = summary_counts({"clusterings": records}, "a")
    assert (counts.classes, counts.regions, counts.clusters, counts.accepted) == (2, 20, 8, 2)
    assert (counts.random_accepted, counts.coverage, counts.converged, counts.retried) == (7, 0.5, 1, 1)


def manifest(*, summaries, wrong=()):
    """Two classes of four images; ``summaries`` of (class, network, members); ``wrong`` of (network, image)."""
    images = [
        {"id": f"{name}-{index}", "class": name, "path": f"{name}/{index}"} for name in "xy" for index in range(4)
    ]
    return {
        "run": {"config": {"quality": {"minimum_members": 2}}},
        "classes": [{"name": "x"}, {"name": "y"}],
        "images": images,
        "summaries": [
            {
                "class": name,
                "network": network,
                "arm": "summaries",
                "members": [{"image": f"{name}-{index}"} for index in members],
            }
            for name, network, members in summaries
        ],
        "skipped": [
            {"class": image[0], "path": f"{image[0]}/{image[1]}", "network": network, "reason": "misclassified"}
            for network, image in wrong
        ],
    }


def test_without_differences_between_classes_the_interval_over_classes_is_a_point():
    record = manifest(summaries=[("x", "a", range(4)), ("y", "a", range(4))], wrong=[("a", "x0"), ("a", "y1")])
    (row,) = compare(record, ["a"], seed=0)
    assert row.accuracy.value == pytest.approx(0.75)
    assert (row.summaries_over_classes.low, row.summaries_over_classes.value, row.summaries_over_classes.high) == (
        1,
        1,
        1,
    )
    # Every draw of four images holds four members, so summaries of all images survive.
    assert row.summaries_over_both.low == 1
    assert row.accuracy.low < 0.75 < row.accuracy.high


def test_a_summary_of_few_images_is_often_not_drawn():
    record = manifest(summaries=[("x", "a", [0, 1]), ("y", "a", [0, 1])])
    (row,) = compare(record, ["a"], seed=0)
    assert row.summaries_over_both.low < 1 == row.summaries_over_both.high


def test_more_summaries_with_more_accuracy_rise_in_every_draw():
    rising = manifest(
        summaries=[(name, "good", range(4)) for name in "xy"],
        wrong=[("bad", f"{name}{index}") for name in "xy" for index in range(4)],
    )
    assert share_rising(rising, ["good", "bad"], seed=0) == 1
    falling = manifest(
        summaries=[(name, "bad", range(4)) for name in "xy"],
        wrong=[("bad", f"{name}{index}") for name in "xy" for index in range(4)],
    )
    assert share_rising(falling, ["good", "bad"], seed=0) == 0


def test_one_network_has_no_slope():
    assert share_rising(manifest(summaries=[]), ["a"], seed=0) is None


def test_networks_share_the_draws():
    record = manifest(summaries=[("x", network, range(4)) for network in "ab"])
    first, second = compare(record, ["a", "b"], seed=1)
    assert first.summaries_over_both == second.summaries_over_both
    assert np.isfinite(first.summaries_over_both.low)
