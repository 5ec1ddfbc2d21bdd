"""Reading an export: what passes, and that every complaint names file, row, column and the mend."""

import pandas as pd
import pytest

from analysis import schema
from analysis.contract import contract
from tests.analysis.conftest import answer, make_export, person, stimulus, write_export

ROBIN = stimulus("robin-0", "robin", "lite0")


def small(directory, **tables):
    content = {"responses_long": [answer("p1", 1, ROBIN, "head")], "participants": [person("p1")], "stimuli": [ROBIN]}
    return write_export(directory, content | tables)


def complaints(directory):
    with pytest.raises(schema.ExportError) as caught:
        schema.load(directory)
    return caught.value.complaints


def test_a_sound_export_is_typed(tmp_path):
    export = schema.load(small(tmp_path))
    row = export.responses.iloc[0]
    assert export.study == "robin-study"
    assert (row["trial_position"], bool(row["simulated"]), row["answer_text"]) == (1, True, "head")
    assert str(export.responses["answered_at"].dt.tz) == "UTC"
    assert export.responses["correct"].dtype == "boolean"
    assert list(export.responses.columns) == [c.name for c in contract().tables["responses_long"].columns]


def test_an_export_without_rows_is_sound(tmp_path):
    export = schema.load(write_export(tmp_path, {}))
    assert (export.study, len(export.responses)) == ("", 0)


def test_people_may_answer_none_or_na(tmp_path):
    rows = [answer("p1", n + 1, ROBIN, text) for n, text in enumerate(["None", "NA", "null"])]
    assert list(schema.load(small(tmp_path, responses_long=rows)).responses["answer_text"]) == ["None", "NA", "null"]


def test_the_apostrophe_before_formulas_is_undone(tmp_path):
    rows = [answer("p1", n + 1, ROBIN, text) for n, text in enumerate(["'=head", "'-tail", "'quoted"])]
    texts = list(schema.load(small(tmp_path, responses_long=rows)).responses["answer_text"])
    assert texts == ["=head", "-tail", "'quoted"]


def test_a_missing_directory_and_missing_files(tmp_path):
    assert "no such directory" in str(complaints(tmp_path / "nowhere")[0])
    assert [complaint.file for complaint in complaints(tmp_path)] == [
        "responses_long.csv",
        "participants.csv",
        "stimuli.csv",
    ]


def test_a_missing_column_names_its_likely_other_name(tmp_path):
    path = small(tmp_path) / "responses_long.csv"
    pd.read_csv(path, dtype=str).rename(columns={"participant": "participants"}).to_csv(path, index=False)
    complaint = complaints(tmp_path)[0]
    assert (complaint.file, complaint.column) == ("responses_long.csv", "participant")
    assert "Rename 'participants'" in complaint.mend


@pytest.mark.parametrize(
    ("column", "cell", "part"),
    [
        ("schema_version", "9.9", "unknown"),
        ("phase", "warm-up", "practice, main, attention"),
        ("trial_position", "one", "no number"),
        ("trial_position", "1.5", "no whole number"),
        ("server_time_ms", "inf", "no number"),
        ("simulated", "yes", "true or false"),
        ("answered_at", "yesterday", "no time"),
        ("participant", "", "empty"),
        ("arm", "placebo", "not allowed"),
    ],
)
def test_a_bad_cell_is_located(tmp_path, column, cell, part):
    rows = [answer("p1", 1, ROBIN, "head"), answer("p1", 2, ROBIN, "head") | {column: cell}]
    complaint = complaints(small(tmp_path, responses_long=rows))[0]
    assert (complaint.file, complaint.row, complaint.column) == ("responses_long.csv", 3, column)
    assert part in str(complaint)


def test_many_bad_cells_are_counted(tmp_path):
    rows = [answer("p1", n + 1, ROBIN, "head", phase="?") for n in range(10)]
    found = complaints(small(tmp_path, responses_long=rows))
    assert len(found) == 4
    assert "7 more rows" in found[-1].message


def test_duplicate_keys_are_an_error(tmp_path):
    rows = [answer("p1", 1, ROBIN, "head"), answer("p1", 1, ROBIN, "tail")]
    complaint = complaints(small(tmp_path, responses_long=rows))[0]
    assert "'p1 / 1' occur twice" in complaint.message


def test_mixed_studies_are_an_error(tmp_path):
    other = stimulus("robin-1", "robin", "lite0") | {"study": "another"}
    complaint = complaints(small(tmp_path, stimuli=[ROBIN, other]))[0]
    assert (complaint.file, complaint.row) == ("stimuli.csv", 3)
    assert "one study at a time" in complaint.mend


def test_files_must_belong_together(tmp_path):
    rows = [answer("p2", 1, ROBIN | {"summary": "robin-9"}, "head")]
    found = [str(complaint) for complaint in complaints(small(tmp_path, responses_long=rows))]
    assert any("'p2' is unknown" in text for text in found)
    assert any("'robin-9' is unknown" in text for text in found)


def test_unknown_columns_and_several_versions_are_noted(tmp_path):
    rows = [answer("p1", 1, ROBIN, "head"), answer("p1", 2, ROBIN, "head", study_version=2)]
    path = small(tmp_path, responses_long=rows) / "stimuli.csv"
    pd.read_csv(path, dtype=str).assign(remark="mine").to_csv(path, index=False)
    notes = " ".join(schema.load(tmp_path).notes)
    assert "remark" in notes
    assert "2 versions" in notes


def test_broken_files_are_complaints_not_crashes(tmp_path):
    small(tmp_path)
    (tmp_path / "stimuli.csv").write_bytes("study\n\xe9".encode("latin-1"))
    (tmp_path / "participants.csv").write_text("")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.json").write_text("{")
    (tmp_path / "manifests" / "b.json").write_text("{}")
    texts = [str(complaint) for complaint in complaints(tmp_path)]
    assert any("UTF-8" in text for text in texts)
    assert any("The file is empty" in text for text in texts)
    assert any("a.json: It is no JSON" in text for text in texts)
    assert any("no run digest" in text for text in texts)


def test_manifests_are_found_by_digest(tmp_path):
    export = schema.load(make_export(tmp_path, participants=2, trials=3, pictures=False))
    assert [manifest["run"]["dataset"] for manifest in export.manifests.values()] == ["drawn"]
