import cv2
import numpy as np
import pytest

from vsum_core.editing import EditError, begin_edit, finish_edit, merge_summaries, split_summary
from vsum_core.manifest import FILE_NAME, ManifestError, read

from .hand_made_run import HEAD, LEGS, write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def test_merging_keeps_the_stronger_region_of_an_image_and_names_the_parents(run, tmp_path):
    before = (run / FILE_NAME).read_bytes()
    store, manifest = begin_edit(run, tmp_path / "edited")
    made = merge_summaries(store, manifest, ["small-head", "small-legs"])
    finish_edit(store, manifest)
    edited = read(tmp_path / "edited")
    assert (run / FILE_NAME).read_bytes() == before
    assert edited["run"]["derived_from"] == "1" * 64 != edited["run"]["digest"]
    assert [summary["id"] for summary in edited["summaries"]] == [made, "small-chance", "large-head"]
    merged = edited["summaries"][0]
    assert merged["parents"] == ["small-head", "small-legs"]
    places = {member["image"]: (member["box"], member["drop"]) for member in merged["members"]}
    assert places == {"img-0": (LEGS, 0.6), "img-1": (HEAD, 0.3), "img-2": (HEAD, 0.1)}
    assert merged["quality"]["mean_drop"] == pytest.approx(1 / 3)
    assert merged["quality"]["size_before_filter"] == 5 and merged["quality"]["median_ssim"] is None
    assert [clustering["accepted"] for clustering in edited["clusterings"]] == [1, 1, 1]


def test_the_grid_shows_the_members(run, tmp_path):
    store, manifest = begin_edit(run, tmp_path / "edited")
    (first, _) = split_summary(store, manifest, "small-head", [["img-2"], ["img-0", "img-1"]])
    summary = next(summary for summary in manifest["summaries"] if summary["id"] == first)
    grid = cv2.imdecode(np.frombuffer(store.read(summary["files"]["grid"]), np.uint8), cv2.IMREAD_COLOR)
    middle = grid[grid.shape[0] // 2, grid.shape[1] // 2]
    assert np.abs(middle.astype(int) - 50).max() <= 3  # the level of image 2


def test_splitting_shares_out_the_members(run, tmp_path):
    store, manifest = begin_edit(run, tmp_path / "edited")
    identifiers = split_summary(store, manifest, "small-head", [["img-1", "img-0"], ["img-2"]])
    finish_edit(store, manifest)
    parts = [s for s in read(tmp_path / "edited")["summaries"] if s["id"] in identifiers]
    assert [[member["image"] for member in part["members"]] for part in parts] == [["img-0", "img-1"], ["img-2"]]
    assert all(part["parents"] == ["small-head"] for part in parts)
    # Only the part that still begins with the exemplar knows its members' similarity to it.
    assert [[member["similarity"] for member in part["members"]] for part in parts] == [[None, 0.5], [None]]


def test_a_merge_of_a_split_lists_the_parts(run, tmp_path):
    store, manifest = begin_edit(run, tmp_path / "edited")
    parts = split_summary(store, manifest, "small-head", [["img-0"], ["img-1", "img-2"]])
    made = merge_summaries(store, manifest, [*parts, "small-legs"])
    finish_edit(store, manifest)
    merged = next(summary for summary in manifest["summaries"] if summary["id"] == made)
    assert merged["parents"] == [*parts, "small-legs"]


def test_what_cannot_be_edited_is_refused(run, tmp_path):
    store, manifest = begin_edit(run, tmp_path / "edited")
    for identifiers, message in (
        (["small-head"], "two or more"),
        (["small-head", "small-head"], "two or more"),
        (["small-head", "nothing"], "no summary 'nothing'"),
        (["small-head", "large-head"], "one class, network"),
    ):
        with pytest.raises(EditError, match=message):
            merge_summaries(store, manifest, identifiers)
    for groups in ([["img-0", "img-1", "img-2"]], [["img-0"], ["img-1"]], [["img-0", "img-1", "img-2"], []]):
        with pytest.raises(EditError, match="share out"):
            split_summary(store, manifest, "small-head", groups)
    with pytest.raises(EditError, match="holds a run already"):
        begin_edit(run, run)
    with pytest.raises(ManifestError):
        begin_edit(tmp_path / "nowhere", tmp_path / "new")
    del manifest["run"]["derived_from"]
    with pytest.raises(ManifestError, match="begin_edit"):
        finish_edit(store, manifest)
