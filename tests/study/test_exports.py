import csv
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.contract import long_table_contract
from study.exports import ExportError, ExportFile, export_study
from study.exports.cells import cell, csv_chunks
from study.exports.directory import write_file
from study.models import Answer, Participant

FORMULA = '=HYPERLINK("http://example.org")'


@pytest.fixture
def answered(study, visitor, new_visitor):
    """One participant who finished, one who withdrew, one who came through Prolific and stopped."""
    visitor.enter(study)
    visitor.practise()
    visitor.answer(text=FORMULA, reaction_time_ms="1500.25", client='{"paste_count": 1}')
    visitor.answer(text="", no_common_part="1")
    visitor.finish()
    gone = new_visitor()
    gone.enter(study)
    gone.client.post(f"{gone.participant.get_absolute_url()}withdraw/")
    left = new_visitor()
    left.enter(study, "?PROLIFIC_PID=secret123")
    return study


def read(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_tables_have_the_columns_of_the_contract_in_order(answered, tmp_path):
    export_study(answered, tmp_path)
    contract = json.loads((long_table_file()).read_text())
    for name, table in contract["tables"].items():
        with (tmp_path / f"{name}.csv").open(newline="") as stream:
            header = next(csv.reader(stream))
        assert header == [column["name"] for column in table["columns"]]
        for row in read(tmp_path / f"{name}.csv"):
            for column in table["columns"]:
                value = row[column["name"]]
                assert value or not column["required"], column
                assert not value or "allowed" not in column or value in column["allowed"]
                assert column["type"] != "boolean" or value in {"true", "false", ""}


def long_table_file():
    from django.conf import settings

    return settings.CONTRACTS_DIRECTORY / "long_table.json"


def test_answers(answered, tmp_path):
    report = export_study(answered, tmp_path)
    rows = read(tmp_path / "responses_long.csv")
    assert (report.rows["responses_long"], report.rows["participants"], report.rows["stimuli"]) == (10, 3, 16)
    assert len(read(tmp_path / "events.csv")) == report.rows["events"] > 0
    assert [row["phase"] for row in rows] == ["practice"] * 2 + ["main"] * 8
    assert [row["trial_position"] for row in rows] == [str(number) for number in range(1, 11)]
    practice, named, none = rows[0], rows[2], rows[3]
    assert (practice["summary"], practice["class"], practice["correct"], practice["arm"]) == ("", "bird", "true", "")
    assert named["answer_text"] == "'" + FORMULA
    assert (named["reaction_time_ms"], named["confidence"], named["reloads"]) == ("1500.25", "4", "0")
    assert (named["simulated"], named["participant_state"], named["language"]) == ("false", "completed", "en")
    assert (none["answer_kind"], none["answer_text"], none["reaction_time_ms"]) == ("no-common-part", "", "")
    assert datetime.fromisoformat(named["served_at"]) <= datetime.fromisoformat(named["answered_at"])


def test_participants_are_pseudonymous_everywhere(answered, tmp_path):
    export_study(answered, tmp_path)
    secrets = ["secret123"] + [person.token for person in Participant.objects.all()]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], file
    states = {row["participant"]: row["state"] for row in read(tmp_path / "participants.csv")}
    assert sorted(states.values()) == ["completed", "consented", "withdrawn"]
    assert set(states) == set(Participant.objects.values_list("pseudonym", flat=True))


def test_participants_count_their_trials(answered, tmp_path):
    export_study(answered, tmp_path)
    rows = {row["state"]: row for row in read(tmp_path / "participants.csv")}
    assert (rows["completed"]["trials_planned"], rows["completed"]["trials_answered"]) == ("10", "10")
    assert (rows["withdrawn"]["trials_planned"], rows["withdrawn"]["trials_answered"]) == ("10", "0")
    assert (rows["consented"]["source"], rows["consented"]["completed_at"]) == ("prolific", "")


def test_stimuli_come_with_their_pictures_and_the_manifest(answered, tmp_path):
    report = export_study(answered, tmp_path)
    rows = read(tmp_path / "stimuli.csv")
    assert report.pictures == len(rows) == 16
    for row in rows:
        assert (tmp_path / row["picture"]).read_bytes()[:4] == b"RIFF"
    summary = next(row for row in rows if row["summary"] == "small-robin-summaries-0")
    assert (summary["true_part"], summary["purity"], summary["coverage"]) == ("beak", "0.9", "0.75")
    assert (summary["members"], summary["network_accuracy"]) == ("3", "0.75")
    manifest = json.loads((tmp_path / "manifests" / f"{summary['run_digest']}.json").read_text())
    assert manifest["run"]["digest"] == summary["run_digest"]


def test_json_lines_lose_nothing(answered, tmp_path):
    export_study(answered, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "responses_long.jsonl").read_text().splitlines()]
    assert len(rows) == Answer.objects.count()
    assert (rows[2]["answer_text"], rows[2]["input_details"]) == (FORMULA, {"paste_count": 1})


def test_codebook_and_description(answered, tmp_path):
    export_study(answered, tmp_path)
    codebook = read(tmp_path / "codebook.csv")
    fixed = [row for row in codebook if row["table"] != "responses_wide"]
    assert len(fixed) == sum(len(table.columns) for table in long_table_contract().tables.values())
    assert json.loads((tmp_path / "codebook.json").read_text()) == json.loads(long_table_file().read_text())
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert description["@type"] == "Dataset"
    assert {"confidence", "purity"} <= {variable["name"] for variable in description["variableMeasured"]}


def test_exporting_again_gives_the_same_tables(answered, tmp_path):
    export_study(answered, tmp_path / "a")
    export_study(answered, tmp_path / "b")
    for name in ("responses_long.csv", "participants.csv", "stimuli.csv", "responses_long.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def participants_file(rows):
    table = long_table_contract().tables["participants"]
    return ExportFile("participants.csv", lambda: csv_chunks(table, rows))


def test_a_failed_export_leaves_the_old_file(tmp_path):
    path = tmp_path / "participants.csv"
    path.write_text("old")
    with pytest.raises(ExportError, match="differs from the contract"):
        write_file(tmp_path, participants_file([{"schema_version": "2.0"}]))
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["participants.csv"]


def test_a_missing_required_value_is_named(tmp_path):
    row = dict.fromkeys(long_table_contract().tables["participants"].column_names, "x") | {"state": None}
    with pytest.raises(ExportError, match="row 1: state is missing"):
        write_file(tmp_path, participants_file([row]))


def test_a_lost_picture_is_named(study, tmp_path):
    stimulus = study.stimuli.first()
    stimulus.grid.path.unlink()
    with pytest.raises(ExportError, match=f"picture of {stimulus.identifier} is missing"):
        export_study(study, tmp_path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (-1.5, "-1.5"),
        (-3, "-3"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-wing", "'-wing"),
        ("@me", "'@me"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("wing", "wing"),
        (datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05.000Z"),
    ],
)
def test_cells(value, expected):
    assert cell(value) == expected


@given(st.text(max_size=60))
def test_no_text_starts_a_formula(text):
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
