"""Merging and splitting summaries by hand, traceably: a new summary lists the parents it was made of.

An edited run is a run of its own, in a directory of its own: its manifest says which run it was derived from, and
nothing of that run is changed.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vsum_core.config import RenderingConfig
from vsum_core.manifest import FILE_NAME, SCHEMA_VERSION, Manifest, ManifestError, read, write
from vsum_core.rendering import encode_webp, render_grid
from vsum_core.store import Store, key_of

_IDENTITY = ("class", "network", "method", "arm")


class EditError(ValueError):
    """Summaries cannot be merged or split as asked; the message says why."""


def begin_edit(run: Path, out: Path) -> tuple[Store, Manifest]:
    """A new run directory with all objects of ``run`` (linked where the file system can), and a copy of its manifest.

    Raises:
        ManifestError: ``run`` holds no valid manifest.
        EditError: ``out`` holds a run already.
        StorageError: ``out`` cannot be written.
    """
    manifest = read(run)
    if (out / FILE_NAME).exists():
        raise EditError(f"{out} holds a run already; choose a new directory.")
    store = Store(out)
    for source in sorted((run / "objects").rglob("*.*")):
        target = out / source.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _link(source, target)
    edited = copy.deepcopy(manifest)
    edited["schema_version"] = SCHEMA_VERSION
    edited["run"]["derived_from"] = manifest["run"]["digest"]
    return store, edited


def finish_edit(store: Store, manifest: Manifest) -> Path:
    """Give the edited run a digest of its own and write its manifest; returns the path.

    Raises:
        ManifestError: the edited manifest is not valid.
    """
    origin = manifest["run"].get("derived_from")
    if origin is None:
        raise ManifestError(f"{FILE_NAME} names no run it was derived from; call begin_edit first.")
    manifest["run"]["digest"] = key_of(derived_from=origin, summaries=manifest["summaries"])
    return write(store, manifest)


def merge_summaries(store: Store, manifest: Manifest, identifiers: Sequence[str]) -> str:
    """Make one summary of several, in place of them; returns its identifier.

    Of an image that several of them show, the region with the larger score drop stays. The order of members is that of
    the parents, one after the other.

    Raises:
        EditError: fewer than two, an unknown identifier, or summaries of different conditions.
    """
    parents = [_find(manifest, identifier) for identifier in dict.fromkeys(identifiers)]
    if len(parents) < 2:
        raise EditError("Merging needs two or more summaries.")
    conditions = {tuple(parent[key] for key in _IDENTITY) for parent in parents}
    if len(conditions) > 1:
        raise EditError(f"Only summaries of one class, network, method and arm can be merged, but got {conditions}.")
    best: dict[str, tuple[int, int]] = {}
    for number, parent in enumerate(parents):
        for position, member in enumerate(parent["members"]):
            held = best.get(member["image"])
            if held is None or parents[held[0]]["members"][held[1]]["drop"] < member["drop"]:
                best[member["image"]] = (number, position)
    places = sorted(best.values())
    merged = _made_of(store, manifest, parents, places, edit="merge")
    _replace(manifest, parents, [merged])
    return str(merged["id"])


def split_summary(store: Store, manifest: Manifest, identifier: str, groups: Sequence[Sequence[str]]) -> list[str]:
    """Make several summaries of one, in place of it; returns their identifiers.

    Args:
        store: of the edited run.
        manifest: of the edited run.
        identifier: of the summary.
        groups: image ids of each new summary; together all members, each once, no group empty.

    Raises:
        EditError: an unknown identifier, fewer than two groups, or groups that are no partition of the members.
    """
    parent = _find(manifest, identifier)
    position = {member["image"]: index for index, member in enumerate(parent["members"])}
    named = [image for group in groups for image in group]
    if len(groups) < 2 or not all(groups) or sorted(named) != sorted(position):
        raise EditError(
            f"The groups must be two or more and share out all {len(position)} images of {identifier}, each once: "
            f"{', '.join(position)}."
        )
    parts = [
        _made_of(store, manifest, [parent], sorted((0, position[image]) for image in group), edit="split")
        for group in groups
    ]
    _replace(manifest, [parent], parts)
    return [str(part["id"]) for part in parts]


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _find(manifest: Manifest, identifier: str) -> dict[str, Any]:
    for summary in manifest["summaries"]:
        if summary["id"] == identifier:
            found: dict[str, Any] = summary
            return found
    raise EditError(f"There is no summary {identifier!r} in the run.")


def _made_of(
    store: Store,
    manifest: Manifest,
    parents: Sequence[dict[str, Any]],
    places: Sequence[tuple[int, int]],
    *,
    edit: str,
) -> dict[str, Any]:
    """A summary of members of the parents: (number of the parent, position in it), with a grid of its own."""
    first = parents[0]
    members = []
    for order, (number, position) in enumerate(places):
        member = dict(parents[number]["members"][position])
        # Similarity is to the exemplar; only a summary that still begins with it knows it.
        if edit == "merge" or places[0] != (0, 0):
            member["similarity"] = None
        members.append(member if order else member | {"similarity": None})
    cells, crops = (
        [parents[number]["files"][kind][position] for number, position in places] for kind in ("cells", "crops")
    )
    rendering = RenderingConfig(**_rendering(manifest))
    grid = render_grid([_decoded(store.read(cell["file"])) for cell in cells], config=rendering)
    similarities = [member["similarity"] for member in members if member["similarity"] is not None]
    origin = [parent["id"] for parent in parents]
    key = key_of(parents=origin, edit=edit, images=[member["image"] for member in members])
    return {
        **{name: first[name] for name in _IDENTITY},
        "id": f"{first['id'][:70].rstrip('-')}-{edit}-{key[:8]}",
        "members": members,
        "quality": {
            "median_ssim": None,
            "mean_similarity": float(np.mean(similarities)) if similarities else None,
            "mean_drop": float(np.mean([member["drop"] for member in members])),
            "size_before_filter": sum(parent["quality"]["size_before_filter"] for parent in parents),
        },
        "files": {
            "grid": store.put(encode_webp(grid, quality=rendering.quality), suffix="webp"),
            "cells": cells,
            "crops": crops,
        },
        "parents": origin,
    }


def _replace(manifest: Manifest, parents: Sequence[dict[str, Any]], children: Sequence[dict[str, Any]]) -> None:
    """Put the children where the first parent stood, and count again."""
    gone = {parent["id"] for parent in parents}
    place = next(index for index, summary in enumerate(manifest["summaries"]) if summary["id"] in gone)
    kept_before = [summary for summary in manifest["summaries"][:place] if summary["id"] not in gone]
    kept_after = [summary for summary in manifest["summaries"][place:] if summary["id"] not in gone]
    manifest["summaries"] = [*kept_before, *children, *kept_after]
    for clustering in manifest["clusterings"]:
        if all(clustering[key] == parents[0][key] for key in _IDENTITY):
            clustering["accepted"] += len(children) - len(parents)


def _rendering(manifest: Manifest) -> dict[str, Any]:
    values = dict(manifest["run"]["config"]["rendering"])
    for name in ("hull_colour", "component_colour", "background"):
        values[name] = tuple(values[name])
    return values


def _decoded(content: bytes) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise EditError("A picture of the run cannot be decoded; pregenerate the run again.")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
