"""Background statistics, compared with loops over pairs of cells."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vsum_core.descriptors import Whitening
from vsum_core.hog import FEATURES, hog_cells
from vsum_core.whitening_estimation import estimate_background, estimate_from_maps, write_statistics


def test_statistics_agree_with_loops() -> None:
    generator = np.random.default_rng(0)
    maps = [generator.normal(size=shape) for shape in ((4, 5, FEATURES), (3, 3, FEATURES))]

    def walk() -> Iterator[np.ndarray]:
        yield from maps

    statistics = estimate_from_maps(walk, reach=2, cell_side=8)
    mean = np.mean([features.reshape(-1, FEATURES).mean(axis=0) for features in maps], axis=0)
    assert np.allclose(statistics.mean, mean, atol=1e-6)
    assert (statistics.maps, statistics.cells) == (2, 29)
    for down, right in ((0, 0), (1, -2), (2, 1), (0, -1)):
        per_map = []
        for features in maps:
            centred = features - mean
            rows, columns = features.shape[:2]
            pairs = [
                np.outer(centred[row, column], centred[row + down, column + right])
                for row in range(rows - down)
                for column in range(columns)
                if 0 <= column + right < columns
            ]
            per_map.append(np.mean(pairs, axis=0))
        assert np.allclose(statistics.autocovariance[down, right + 2], np.mean(per_map, axis=0), atol=1e-5)
    assert np.allclose(statistics.autocovariance[0, 0], statistics.autocovariance[0, 4].T, atol=1e-6)


def test_images_at_one_scale_give_the_mean_of_their_cells(tmp_path: Path) -> None:
    images = [np.random.default_rng(seed).integers(0, 256, (96, 104, 3), dtype=np.uint8) for seed in range(3)]
    statistics = estimate_background(images, scales=(1.0,), reach=1)
    expected = np.mean([hog_cells(image).mean(axis=(0, 1)) for image in images], axis=0)
    assert np.allclose(statistics.mean, expected, atol=1e-6)

    write_statistics(statistics, tmp_path, provenance={"source": "noise"})
    record = json.loads((tmp_path / "whitening.json").read_text(encoding="utf-8"))
    assert record["source"] == "noise"
    assert record["cells"] == 3 * 10 * 11
    assert record["sha256"] == hashlib.sha256((tmp_path / "whitening.npz").read_bytes()).hexdigest()
    with np.load(tmp_path / "whitening.npz") as arrays:
        whitening = Whitening.from_autocovariance(
            arrays["mean"], arrays["autocovariance"], cells=2, regularisation=0.01, provenance=record
        )
    assert whitening.whiten(np.zeros((1, 124), dtype=np.float32)).shape == (1, 124)


def test_too_small_or_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="80 pixels at its smallest scale; the smallest is 48"):
        estimate_background([np.zeros((96, 96, 3), dtype=np.uint8)], scales=(1.0, 0.5))
    with pytest.raises(ValueError, match="the smallest is 0"):
        estimate_background([])
    with pytest.raises(ValueError, match="at least one feature map"):
        estimate_from_maps(lambda: iter([]), reach=1, cell_side=8)
    with pytest.raises(ValueError, match="more than 3 cells"):
        estimate_from_maps(lambda: iter([np.zeros((3, 9, FEATURES))]), reach=3, cell_side=8)
