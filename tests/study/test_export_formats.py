"""The forms of an export besides the CSV tables, and what other programs expect of them."""

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from study.contract import long_table_contract
from study.exports import Counts, ExportError, Format, export_files, export_study, zip_chunks
from study.exports.programs import r_script, spss_syntax
from study.exports.wide import wide_answer
from study.models import Answer, Event, Participant

TRICKY = 'a "quoted", word\nand = more'


@pytest.fixture
def answered(study, take_part):
    """Two people who finished; the first typed something that breaks careless CSV writers."""
    for number, word in enumerate((TRICKY, "beak")):
        take_part(study, number, ["wing", "beak", word] + ["wing"] * 20)
    return study


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_csv_survives_quotes_commas_and_line_breaks(answered, tmp_path):
    """RFC 4180, section 2, rules 5 to 7."""
    export_study(answered, tmp_path, formats=())
    words = [row["answer_text"] for row in rows_of(tmp_path / "responses_long.csv") if row["trial_position"] == "3"]
    assert words == [TRICKY, "beak"]


def test_parquet_holds_the_same_rows_with_types(answered, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export_study(answered, tmp_path, formats=[Format.PARQUET])
    table = parquet.read_table(tmp_path / "responses_long.parquet")
    contract = long_table_contract().tables["responses_long"]
    assert tuple(table.column_names) == contract.column_names
    types = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool"}
    for column in contract.columns:
        assert str(table.schema.field(column.name).type) == types.get(column.type, "timestamp[ms, tz=UTC]")
    rows = table.to_pylist()
    assert len(rows) == Answer.objects.count()
    assert [row["answer_text"] for row in rows if row["trial_position"] == 3] == [TRICKY, "beak"]
    first = Answer.objects.order_by("trial__participant_id", "trial__position").first()
    assert abs((rows[0]["answered_at"] - first.answered_at).total_seconds()) < 0.001


def test_spss_file_has_labels_times_and_words(answered, tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    export_study(answered, tmp_path, formats=[Format.SPSS])
    frame, meta = pyreadstat.read_sav(tmp_path / "responses_long.sav")
    assert tuple(frame.columns) == long_table_contract().tables["responses_long"].column_names
    assert meta.column_names_to_labels["confidence"].startswith("Confidence from 1")
    assert meta.variable_value_labels["simulated"] == {0.0: "false", 1.0: "true"}
    assert sorted(frame[frame["trial_position"] == 3]["answer_text"]) == sorted([TRICKY, "beak"])
    assert frame["answered_at"].iloc[0].year == datetime.now(tz=UTC).year
    people, _ = pyreadstat.read_sav(tmp_path / "participants.sav")
    assert sorted(people["participant"]) == sorted(Participant.objects.values_list("pseudonym", flat=True))


def test_column_names_suit_r_and_spss():
    """At most 64 bytes, a letter first, then letters, digits and underscores; none of SPSS's reserved words."""
    reserved = {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
    for table in long_table_contract().tables.values():
        for name in table.column_names:
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name)
            assert name not in reserved


def test_wide_has_one_row_per_participant_and_one_group_per_position(answered, tmp_path):
    export_study(answered, tmp_path, formats=[Format.WIDE])
    rows = rows_of(tmp_path / "responses_wide.csv")
    assert [row["participant"] for row in rows] == list(
        Participant.objects.order_by("pk").values_list("pseudonym", flat=True)
    )
    assert [row["t03_answer"] for row in rows] == [TRICKY, "beak"]
    assert {row["t01_answer"] for row in rows} == {""}  # practice
    assert (
        rows[0]["t10_summary"]
        == Answer.objects.get(
            trial__participant__pseudonym=rows[0]["participant"], trial__position=10
        ).trial.stimulus.identifier
    )
    described = {row["column"] for row in rows_of(tmp_path / "codebook.csv") if row["table"] == "responses_wide"}
    assert described == set(rows[0])


def test_the_wide_answer_is_words_then_choice_then_number_then_kind():
    row = {"answer_text": None, "chosen": None, "answer_value": None, "answer_kind": "no-common-part"}
    assert wide_answer(row) == "no-common-part"
    assert wide_answer(row | {"answer_value": 5.0}) == 5.0
    assert wide_answer(row | {"answer_value": 1.0, "chosen": "left"}) == "left"
    assert wide_answer(row | {"answer_text": "beak"}) == "beak"


def test_the_export_follows_psych_ds(answered, tmp_path):
    """The rules of psych-ds/psych-DS, schema 1: description, data/, file names, columns among the variables."""
    export_study(answered, tmp_path)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert description["@context"] == "https://schema.org/"
    assert description["@type"] == "Dataset"
    assert {"name", "description", "variableMeasured", "schemaVersion"} <= set(description)
    data = sorted((tmp_path / "data").glob("*.csv"))
    assert len(data) == 7
    for file in data:
        assert re.fullmatch(r"study-birds_description-[a-z]+_data\.csv", file.name)
        sidecar = json.loads(file.with_suffix(".json").read_text())
        with file.open(newline="", encoding="utf-8") as stream:
            header, *lines = list(csv.reader(stream))
        assert len(set(header)) == len(header)
        assert [variable["name"] for variable in sidecar["variableMeasured"]] == header
        assert set(header) <= {variable["name"] for variable in description["variableMeasured"]}
        assert all(len(line) == len(header) for line in lines)


def test_data_is_a_second_name_and_takes_no_space(answered, tmp_path):
    export_study(answered, tmp_path)
    first, second = tmp_path / "responses_long.csv", tmp_path / "data/study-birds_description-responseslong_data.csv"
    assert first.samefile(second)


def test_the_archive_holds_what_the_directory_holds(answered, tmp_path):
    export_study(answered, tmp_path)
    content = io.BytesIO(b"".join(zip_chunks(export_files(answered, counts=Counts()), folder="birds")))
    with zipfile.ZipFile(content) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name not in {"birds/dataset_description.json"}:  # says when it was written
                assert archive.read(name) == (tmp_path / name.removeprefix("birds/")).read_bytes(), name
        assert {"birds/responses_long.csv", "birds/study.json", "birds/import.R"} <= set(archive.namelist())


def test_a_broken_archive_is_no_archive(answered):
    """A picture that is lost while an archive is sent must not leave a file that looks whole."""
    answered.stimuli.first().grid.path.unlink()
    sent = []
    with pytest.raises(ExportError, match="is missing at"):
        sent.extend(zip_chunks(export_files(answered, counts=Counts()), folder="birds"))
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(sent)))


def test_programs_name_every_column_of_what_they_read():
    contract = long_table_contract()
    script, syntax = r_script(contract), spss_syntax(contract)
    for table in contract.tables.values():
        for column in table.columns:
            assert f"`{column.name}` = " in script
            assert table.optional or f"\n    {column.name} " in syntax
    assert script.count("(") == script.count(")")
    assert max(len(line) for line in syntax.splitlines()) <= 300


def test_people_who_tried_the_study_out_are_nowhere(answered, tmp_path):
    tester = Participant.objects.last()
    tester.test_at = tester.consented_at
    tester.save()
    assert Event.objects.filter(participant=tester).exists()
    export_study(answered, tmp_path)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert tester.pseudonym.encode() not in file.read_bytes(), file


def test_the_command_refuses_unknown_formats(study, tmp_path):
    with pytest.raises(CommandError, match="xlsx is unknown; there is jsonl, parquet, wide, sav"):
        call_command("export_study", study="birds", out=tmp_path, formats="xlsx")
