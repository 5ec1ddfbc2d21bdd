import pytest

from vsum_core.comparison import _interval, compare_explainers, compare_pairs, summary_importance
from vsum_core.manifest import read

from .hand_made_run import write_run


@pytest.fixture
def manifest(tmp_path):
    return read(write_run(tmp_path / "run"))


def test_one_row_per_explainer_without_the_controls(manifest):
    small, large = compare_explainers(manifest)
    assert (small.network, small.method, small.accuracy) == ("small", "visual-summaries", 0.75)
    assert (small.summaries, small.summaries_per_class, small.members) == (2, 2.0, 2.5)
    assert small.p0 == pytest.approx(0.8) and small.area_times_p == pytest.approx(0.02)
    assert small.member_drop == pytest.approx((0.3 + 0.2) / 2)
    assert (small.coverage, large.coverage) == (0.6, None)
    assert (small.images, large.images) == (3, 4)
    assert small.interval is None  # one class says nothing about others
    assert small.purity is None


def test_interval_over_classes():
    assert _interval([2, 2, 2], seed=0) == (2, 2)
    low, high = _interval([0, 1, 2, 3, 4, 5], seed=0)
    assert 0 < low < 2.5 < high < 5
    assert _interval([0, 9], seed=0) is None


def test_pairs_by_hand(manifest):
    """Shared images are 0, 1, 2. The heads share 2 of 3 images; the legs have no partner: (2/3 + 0) / 2."""
    (pair,) = compare_pairs(manifest)
    assert (pair.first[0], pair.second[0]) == ("small", "large")
    assert pair.overlap == pytest.approx(1 / 3)
    assert pair.matched == 0.5


def test_importance_by_hand(manifest):
    """Drops below 0 explain nothing: legs (0.6 + 0) / 3 images, head 0.9 / 3, the large network's head 0.6 / 4."""
    rows = {row.summary: row for row in summary_importance(manifest)}
    assert list(rows) == ["small-head", "small-legs", "large-head"]
    assert [row.importance for row in rows.values()] == pytest.approx([0.3, 0.2, 0.15])
    assert rows["small-legs"].share_of_images == pytest.approx(2 / 3)
    assert rows["small-legs"].mean_drop == pytest.approx(0.2)


def test_a_run_without_summaries(manifest):
    manifest["summaries"] = []
    assert [row.summaries for row in compare_explainers(manifest)] == [0, 0]
    assert compare_explainers(manifest)[0].members is None
    assert compare_pairs(manifest)[0].overlap is None
    assert summary_importance(manifest) == []
