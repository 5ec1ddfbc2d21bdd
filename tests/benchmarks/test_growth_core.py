import pytest

from benchmarks.growth_core import _clustering, _proposals, draw, exponent


def test_the_exponent_is_the_slope_of_the_logarithms():
    assert exponent({1: 3.0, 2: 12.0, 4: 48.0}) == pytest.approx(2)
    with pytest.raises(ValueError, match="two sizes"):
        exponent({1: 3.0})


def test_the_same_figures_give_the_same_plot(tmp_path):
    points = {size: _proposals(size) for size in (1, 2)}
    records = [
        {"what": "proposals against images", "points": points, "exponent": exponent(points)},
        {"what": "clustering against regions", "points": {50: _clustering(50), 100: _clustering(100)}, "exponent": 2.0},
    ]
    for name in ("a", "b"):
        draw(records, tmp_path / f"{name}.svg")
    assert "exponent 2.00" in (tmp_path / "a.svg").read_text()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert min(points.values()) > 0
