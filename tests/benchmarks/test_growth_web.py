"""Exponents of growth."""

import pytest

from benchmarks.growth_web import draw, exponent


def test_the_exponent_is_the_slope_of_the_logarithms():
    assert exponent([10, 100, 1000], [3.0, 30.0, 300.0]) == pytest.approx(1.0)
    assert exponent([10, 100, 1000], [7.0, 7.0, 7.0]) == pytest.approx(0.0)
    assert exponent([2, 8], [5.0, 80.0]) == pytest.approx(2.0)


@pytest.mark.parametrize(("sizes", "costs"), [([10, 10], [1.0, 2.0]), ([10, 20], [0.0, 1.0])])
def test_no_exponent_without_two_sizes_and_costs(sizes, costs):
    with pytest.raises(ValueError, match="two sizes and positive costs"):
        exponent(sizes, costs)


def test_the_same_numbers_draw_the_same_file(tmp_path):
    rows = [{"participants": 10, "start_ms": 2.0}, {"participants": 100, "start_ms": 3.0}]
    for name in ("first.svg", "second.svg"):
        draw(rows, "participants", {"start_ms": "a start"}, tmp_path / name)
    first, second = (tmp_path / name for name in ("first.svg", "second.svg"))
    assert first.read_bytes() == second.read_bytes()
    assert b"<svg" in first.read_bytes()
