"""What spreadsheets do to cells is named for what it is; nothing else than complaints comes out of bad files."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cells import typed
from analysis.complaints import ExportError
from analysis.contract import Column, contract
from analysis.schema import check_table, load, read_csv
from tests.analysis.conftest import answer, person, stimulus, write_export

ROBIN = stimulus("robin-0", "robin", "lite0")


def read(directory, **changes):
    rows = [answer("p1", 1, ROBIN, "head"), answer("p1", 2, ROBIN, "head") | changes]
    return load(write_export(directory, {"responses_long": rows, "participants": [person("p1")], "stimuli": [ROBIN]}))


@pytest.mark.parametrize(
    ("column", "cell", "part"),
    [
        ("answered_at", "31.05.2024 12:00", "spreadsheets write it"),
        ("answered_at", "2024-05-31 12:00:00", "spreadsheets write it"),
        ("answered_at", "5/31/2024", "spreadsheets write it"),
        ("simulated", "TRUE", "spreadsheets write truth values"),
        ("server_time_ms", "1234,5", "decimal comma"),
        ("server_time_ms", "01.05.2024", "made it a date"),
        ("answer_text", "#NAME?", "error message of a spreadsheet"),
        ("run_digest", "1.2E+63", "shorten digests"),
        ("run_digest", "ab", "shorten digests"),
        ("trial_position", "1E+05", "rounded"),
    ],
)
def test_a_spreadsheets_traces_are_located(tmp_path, column, cell, part):
    with pytest.raises(ExportError) as caught:
        read(tmp_path, **{column: cell})
    complaint = caught.value.complaints[0]
    assert (complaint.file, complaint.row, complaint.column) == ("responses_long.csv", 3, column)
    assert part in complaint.message


@pytest.mark.parametrize(
    ("rewrite", "part"),
    [
        (lambda text: text.replace(",", ";"), "semicolons"),
        (lambda text: text.replace(",", "\t"), "tabs"),
        (
            lambda text: "\n".join(line + ",x" if n else line for n, line in enumerate(text.split("\n")) if line),
            "cells",
        ),
        (lambda text: text + 'a,"b', "no regular CSV"),
    ],
)
def test_a_rewritten_file_is_named(tmp_path, rewrite, part):
    read(tmp_path)
    path = tmp_path / "responses_long.csv"
    path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ExportError, match=part):
        load(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    read(tmp_path)
    path = tmp_path / "responses_long.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(load(tmp_path).responses) == 2


def test_unicode_text_of_a_spreadsheet_is_refused(tmp_path):
    read(tmp_path)
    path = tmp_path / "stimuli.csv"
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(ExportError, match="not UTF-8"):
        load(tmp_path)


@given(
    cells=st.lists(
        st.none() | st.text(max_size=20) | st.floats().map(str) | st.dates().map(str), min_size=1, max_size=8
    ),
    kind=st.sampled_from(["string", "integer", "number", "boolean", "datetime"]),
    required=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_any_cell_becomes_a_value_or_a_complaint(cells, kind, required):
    complaints = []
    column = Column(name="x", type=kind, required=required, allowed=None, description="")
    out = typed(pd.Series(cells, dtype=str).where(pd.Series(cells).notna()), column, "x.csv", complaints)
    assert len(out) == len(cells)
    if required and any(cell is None for cell in cells):
        assert complaints


@given(content=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "stimuli.csv"
    path.write_text(content, encoding="utf-8")
    complaints = []
    cells = read_csv(path, contract().tables["stimuli"], complaints)
    assert (cells is None) == bool(complaints)


@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["responses_long", "participants", "stimuli", "events", "questionnaires", "name_codes"]),
)
@settings(max_examples=40, deadline=None)
def test_any_table_is_typed_or_refused(seed, name):
    columns = [column.name for column in contract().tables[name].columns]
    cells = [None, "", "1", "-1.5", "true", "TRUE", "2.0", "main", "2024-05-31T12:00:00Z", "1E+400", "nan", "\x00", "é"]
    drawn = np.random.default_rng(seed).integers(0, len(cells), size=(4, len(columns)))
    raw = pd.DataFrame([[cells[index] for index in row] for row in drawn], columns=columns, dtype=object)
    frame = check_table(raw.astype("str").where(raw.notna()), contract().tables[name], [], [])
    assert list(frame.columns) == columns
