"""What a manifest may say: a small valid one, and each way to be wrong, named by its place."""

import copy
import json

import pytest

from vsum_core.manifest import ManifestError, read, validate, write
from vsum_core.store import Store

FILE = f"objects/ab/ab{'0' * 62}.webp"
PICTURE = {"file": FILE, "width": 24, "height": 16}
BOX = [0.1, 0.2, 0.5, 0.6]


@pytest.fixture
def manifest():
    return copy.deepcopy(
        {
            "schema_version": "1.0",
            "run": {
                "digest": "1" * 64,
                "code_version": "0.1.0",
                "dataset": "birds",
                "preset": "fast",
                "config": {},
                "seed": 0,
                "synthetic": True,
            },
            "classes": [{"name": "robin", "folder": "robin", "wnid": None}],
            "networks": [
                {
                    "name": "small",
                    "weights": "hand-made",
                    "weights_sha256": "2" * 64,
                    "input_height": 64,
                    "input_width": 64,
                    "mean": [0, 0, 0],
                    "std": [1, 1, 1],
                    "images_seen": 2,
                    "images_correct": 2,
                    "published_accuracy": None,
                }
            ],
            "images": [
                {
                    "id": f"img-{number}",
                    "class": "robin",
                    "path": f"robin/{number}.png",
                    "sha256": str(number) * 64,
                    "width": 240,
                    "height": 200,
                    "proposals": 90,
                }
                for number in range(2)
            ],
            "masks": [
                {
                    "image": "img-0",
                    "network": "small",
                    "method": "visual-summaries",
                    "class": "robin",
                    "p0": 0.9,
                    "p_blurred": 0.3,
                    "p_smooth": 0.1,
                    "p_sharp": 0.05,
                    "p_thresholded": 0.06,
                    "drop": 0.94,
                    "normalised_score": -1.4,
                    "area": 0.2,
                    "area_times_p": 0.01,
                    "binarity": 0.01,
                    "regions": [{"box": BOX, "area": 0.1, "drop": 0.5}],
                    "file": FILE.replace("webp", "png"),
                }
            ],
            "clusterings": [
                {
                    "class": "robin",
                    "network": "small",
                    "method": "visual-summaries",
                    "arm": "summaries",
                    "images": 2,
                    "regions": 9,
                    "clusters": 2,
                    "accepted": 1,
                    "converged": True,
                    "attempts": 1,
                    "damping": 0.9,
                    "preference": -0.4,
                    "coverage": 0.7,
                }
            ],
            "summaries": [
                {
                    "id": "robin-small-summaries-01",
                    "class": "robin",
                    "network": "small",
                    "method": "visual-summaries",
                    "arm": "summaries",
                    "members": [
                        {"image": f"img-{number}", "box": BOX, "hull": [[0.1, 0.2]], "similarity": None, "drop": 0.3}
                        for number in range(2)
                    ],
                    "quality": {
                        "median_ssim": 0.4,
                        "mean_similarity": 0.5,
                        "mean_drop": 0.3,
                        "size_before_filter": 3,
                        "part": None,
                        "purity": None,
                    },
                    "files": {"grid": FILE, "cells": [PICTURE] * 2, "crops": [PICTURE] * 2},
                }
            ],
            "skipped": [
                {"path": "robin/x.png", "class": "robin", "network": None, "reason": "unreadable", "detail": "Empty."}
            ],
        }
    )


def changed(manifest, path, value):
    """Put a value at a path such as ``masks/0/p0``."""
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    place = manifest
    for part in parents:
        place = place[part]
    place[last] = value
    return manifest


def test_a_valid_manifest_is_written_and_read_again(manifest, tmp_path):
    path = write(Store(tmp_path / "run"), manifest)
    assert path == tmp_path / "run" / "manifest.json"
    assert read(tmp_path / "run") == manifest


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema_version", "2.0", "at schema_version: '2.0' is not one of"),
        ("run/digest", "abc", "at run/digest"),
        ("run/seed", "0", "at run/seed"),
        ("run/private_path", "/home", "at run: Additional properties"),
        ("classes/0/name", "", "at classes/0/name"),
        ("networks/0/mean", [0, 0], "at networks/0/mean"),
        ("networks/0/published_accuracy", 78.1, "at networks/0/published_accuracy"),
        ("images/0/id", "Not an id", "at images/0/id"),
        ("images/1/width", 0, "at images/1/width"),
        ("masks/0/p0", 1.2, "at masks/0/p0"),
        ("masks/0/binarity", 0.3, "at masks/0/binarity"),
        ("masks/0/regions/0/box", [0.1, 0.2, 1.5, 0.6], "at masks/0/regions/0/box/2"),
        ("masks/0/file", "../../etc/passwd", "at masks/0/file"),
        ("clusterings/0/arm", "chance", "at clusterings/0/arm"),
        ("clusterings/0/converged", None, "at clusterings/0/converged"),
        ("summaries/0/members", [], "at summaries/0/members"),
        ("summaries/0/quality/median_ssim", 2, "at summaries/0/quality/median_ssim"),
        ("summaries/0/files/grid", "grid.webp", "at summaries/0/files/grid"),
        ("skipped/0/reason", "ugly", "at skipped/0/reason"),
        ("extra", 1, "at the top level: Additional properties"),
    ],
)
def test_what_breaks_the_schema_is_named_by_its_place(manifest, tmp_path, path, value, message):
    with pytest.raises(ManifestError, match=message):
        write(Store(tmp_path), changed(manifest, path, value))
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("summaries/0/network", "large", "network 'large' is not listed"),
        ("summaries/0/class", "toucan", "class 'toucan' is not listed"),
        ("summaries/0/members/1/image", "img-9", "image 'img-9' is not listed"),
        ("summaries/0/files/cells", [PICTURE], "1 cells for 2 members; there must be one for each"),
        ("summaries/0/files/crops", [PICTURE] * 3, "3 crops for 2 members; there must be one for each"),
        ("masks/0/image", "img-9", "at masks/0: image 'img-9' is not listed"),
        ("masks/0/network", "large", "at masks/0: network 'large' is not listed"),
        ("masks/0/class", "toucan", "at masks/0: class 'toucan' is not listed"),
        ("clusterings/0/network", "large", "at clusterings/0: network 'large' is not listed"),
        ("clusterings/0/class", "toucan", "at clusterings/0: class 'toucan' is not listed"),
        ("images/1/class", "toucan", "at images/img-1: class 'toucan' is not listed"),
    ],
)
def test_records_point_only_to_what_the_manifest_lists(manifest, path, value, message):
    with pytest.raises(ManifestError, match=message):
        validate(changed(manifest, path, value))


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("summaries", "summaries/robin-small-summaries-01: the id"),
        ("images", "images/img-0: the id"),
        ("networks", "networks/small: the name"),
        ("classes", "classes/robin: the name"),
    ],
)
def test_nothing_is_listed_twice(manifest, kind, place):
    manifest[kind].append(manifest[kind][0])
    with pytest.raises(ManifestError, match=f"at {place} appears twice"):
        validate(manifest)


def test_numbers_that_json_does_not_know_are_refused(manifest, tmp_path):
    """NaN passes every comparison of the schema, and other programs could not read the file."""
    with pytest.raises(ManifestError, match="at masks/0/p_sharp: the number is nan"):
        write(Store(tmp_path), changed(manifest, "masks/0/p_sharp", float("nan")))


def test_a_run_without_a_manifest_is_not_finished(tmp_path):
    with pytest.raises(ManifestError, match=r"has not finished\. Run pregenerate with the same options"):
        read(tmp_path)


def test_a_damaged_manifest_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema_version": ')
    with pytest.raises(ManifestError, match=r"manifest\.json is not JSON"):
        read(tmp_path)


def test_a_manifest_of_another_version_is_refused_when_read(manifest, tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps(changed(manifest, "schema_version", "0.9")))
    with pytest.raises(ManifestError, match="schema_version"):
        read(tmp_path)
