"""Classes of an image source: folder, readable name and WordNet id, and how a class that was asked for is found."""

from __future__ import annotations

import csv
import difflib
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vsum_core.images import DatasetError

_WNID = re.compile(r"n\d{8}")


class UnknownClassFolderError(DatasetError):
    """A class was asked for that the image source does not have."""


@dataclass(frozen=True)
class ClassLabel:
    """One class of images.

    Attributes:
        name: what people read, such as ``grand piano``; unique within an :class:`ImageSet`.
        folder: what the source calls it, such as ``grand_piano``.
        wnid: WordNet id, such as ``n03452741``, where it is known.
    """

    name: str
    folder: str
    wnid: str | None


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key in which ``image_2`` comes before ``image_10``; upper and lower case are alike."""
    pieces = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces if piece)


@functools.cache
def _imagenet_names() -> dict[str, str]:
    path = Path(__file__).parent / "data" / "imagenet_classes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["wnid"]: row["name"] for row in rows}


def read_classes_file(path: Path) -> dict[str, tuple[str | None, str | None]]:
    """Read ``classes.csv``: folder → (readable name, WordNet id); empty without the file.

    Raises:
        DatasetError: a column is missing or a WordNet id is malformed.
    """
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns = set(reader.fieldnames or ())
        if "folder" not in columns or not columns & {"wnid", "imagenet_name", "name"}:
            raise DatasetError(
                f"{path} has the columns {', '.join(sorted(columns)) or 'none'}; "
                "expected folder and at least one of wnid, imagenet_name, name."
            )
        rows = {}
        for row in reader:
            wnid = (row.get("wnid") or "").strip() or None
            if wnid is not None and not _WNID.fullmatch(wnid):
                raise DatasetError(f"{path}: {wnid!r} is no WordNet id; expected n and eight digits.")
            name = (row.get("name") or row.get("imagenet_name") or "").strip() or None
            rows[(row["folder"] or "").strip()] = (name, wnid)
        return rows


def class_labels(folders: Sequence[str], rows: dict[str, tuple[str | None, str | None]]) -> tuple[ClassLabel, ...]:
    """One label per folder, in order, with unique names.

    Args:
        folders: names of the class folders.
        rows: what :func:`read_classes_file` gives; other folders are named after their
            WordNet id or themselves.
    """
    labels = []
    for folder in folders:
        name, wnid = rows.get(folder, (None, None))
        wnid = wnid or (folder if _WNID.fullmatch(folder) else None)
        name = name or (_imagenet_names().get(wnid) if wnid else None) or folder.replace("_", " ").strip() or folder
        labels.append(ClassLabel(name=name, folder=folder, wnid=wnid))
    names = [label.name for label in labels]
    # ImageNet itself has two classes named "crane"; a class is found again by its name, so names must differ.
    return tuple(
        label
        if names.count(label.name) == 1
        else ClassLabel(f"{label.name} ({label.folder})", label.folder, label.wnid)
        for label in labels
    )


def choose_labels(labels: Sequence[ClassLabel], wanted: Sequence[str] | None) -> tuple[ClassLabel, ...]:
    """The wanted classes in the wanted order, without repeats; all of them when ``wanted`` is None.

    Args:
        labels: classes of the source.
        wanted: each by folder, readable name or WordNet id; upper and lower case are alike.

    Raises:
        UnknownClassFolderError: a wanted class is not there; the message lists near names.
    """
    if wanted is None:
        return tuple(labels)
    by_key: dict[str, ClassLabel] = {}
    for label in labels:
        for key in (label.folder, label.name, label.wnid):
            if key is not None:
                by_key.setdefault(key.casefold(), label)
    chosen = []
    for name in wanted:
        key = name.strip().casefold()
        if key not in by_key:
            near = difflib.get_close_matches(key, by_key, n=5, cutoff=0.6)
            readable = list(dict.fromkeys(by_key[match].name for match in near))
            hint = f"Did you mean {', '.join(readable)}?" if readable else f"Known: {_shortened(labels)}."
            raise UnknownClassFolderError(f"Unknown class {name!r}. {hint}")
        chosen.append(by_key[key])
    return tuple(dict.fromkeys(chosen))


def _shortened(labels: Sequence[ClassLabel]) -> str:
    shown = ", ".join(label.name for label in labels[:20])
    return shown if len(labels) <= 20 else f"{shown} and {len(labels) - 20} more"
