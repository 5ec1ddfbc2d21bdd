"""The 1000 classes of ImageNet (ILSVRC 2012), in the order of the networks' outputs."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

_CLASSES_FILE = Path(__file__).resolve().parent.parent / "data" / "imagenet_classes.csv"


@functools.cache
def _rows() -> tuple[tuple[str, str], ...]:
    with _CLASSES_FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return tuple((row["wnid"], row["name"]) for row in rows)


def imagenet_wnids() -> tuple[str, ...]:
    """WordNet identifiers such as ``n02110341``, 1000 of them, by class index."""
    return tuple(wnid for wnid, _ in _rows())


def imagenet_names() -> tuple[str, ...]:
    """Names such as ``dalmatian``, 1000 different ones, by class index."""
    return tuple(name for _, name in _rows())
