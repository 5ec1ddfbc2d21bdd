"""Cells of a table: from text to their type, or a complaint; and what spreadsheet programs do to them.

A spreadsheet that opens a CSV file and saves it again rewrites cells without asking: ``2024-05-31T12:00:00.000Z``
becomes a local date, ``true`` becomes ``TRUE``, ``0.5`` becomes ``0,5``, long digits become ``1.2E+20``, and text that
begins with a sign becomes ``#NAME?``. Such cells are named for what they are, because the mend is not to correct the
cell but to take the file as exported.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from analysis.complaints import Complaint, complain
from analysis.contract import Column

BOOLEANS = {"true": True, "false": False}
GUARDED_SIGNS = "[=+\\-@\\t\\r\\n#＝＋－＠]"
"""What makes a spreadsheet run a cell, or reads like its error messages, as a pattern of one sign. Where a text begins
with such a sign, or with apostrophes before it, the export puts one more apostrophe in front; reading takes one off."""
AS_EXPORTED = "Take the file as exported, without opening it in a spreadsheet."
LINE_END = "\r\n"
"""As RFC 4180 has it. With a bare newline, Python's csv module (before 3.13) leaves texts that hold a carriage return
without quotes, and readers take its rest for another row."""
SPREADSHEET_ERRORS = ("#NAME?", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#N/A", "#NULL!", "########")
LOCAL_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ ,T]+\d{1,2}[:.]\d{2}.*)?"
SCIENTIFIC = r"[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+"
DECIMAL_COMMA = r"[+-]?\d+,\d+"


def without_apostrophe(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Take off the apostrophe that the export puts before cells a spreadsheet would run as a formula."""
    guarded = cells.str.match(f"'+{GUARDED_SIGNS}").fillna(False).astype(bool)
    return cells.mask(guarded, cells.str.slice(1)) if guarded.any() else cells


def guarded_cell(cell: Any) -> Any:
    """Return a cell of a table for CSV: a text that a spreadsheet would run gets one more apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and re.match(f"'*{GUARDED_SIGNS}", cell) else cell


def typed(cells: pd.Series[Any], column: Column, file: str, complaints: list[Complaint]) -> pd.Series[Any]:
    """Give one column of text its type.

    Args:
        cells: text, missing cells as NA.
        column: what the contract says about it.
        file: name of the file, for complaints.
        complaints: problems are appended here; the cells concerned become missing.

    Returns:
        Strings as they are; integers as ``Int64``, numbers as ``float64``, booleans as ``boolean``, times in UTC.
    """
    place = (file, column.name)
    if column.type == "string" and column.allowed is None:
        cells = without_apostrophe(cells)
    missing = cells.isna()
    if column.required:
        complain(complaints, missing, cells, place, "The cell is empty.", "Every row needs it; export again.")
    if column.allowed is not None:
        bad = ~missing & ~cells.isin(column.allowed)
        complain(complaints, bad, cells, place, "{cell} is not allowed.", f"Use one of {', '.join(column.allowed)}.")
        return cells.mask(bad)
    if column.type == "string":
        return _text(cells, missing, column, place, complaints)
    if column.type == "boolean":
        return _booleans(cells, missing, place, complaints)
    if column.type == "datetime":
        return _times(cells, missing, place, complaints)
    return _numbers(cells, missing, column, place, complaints)


def _matches(cells: pd.Series[Any], pattern: str) -> pd.Series[Any]:
    return cells.str.fullmatch(pattern).fillna(False).astype(bool)


def _text(
    cells: pd.Series[Any], missing: pd.Series[Any], column: Column, place: tuple[str, str], complaints: list[Complaint]
) -> pd.Series[Any]:
    broken = ~missing & cells.isin(SPREADSHEET_ERRORS)
    complain(complaints, broken, cells, place, "{cell} is an error message of a spreadsheet.", AS_EXPORTED)
    if column.name.endswith("digest"):
        shortened = ~missing & ~broken & ~_matches(cells, "[0-9a-f]{64}")
        text = "{cell} is no digest of 64 hexadecimal digits; spreadsheets shorten digests that look like numbers."
        complain(complaints, shortened, cells, place, text, AS_EXPORTED)
    return cells


def _booleans(
    cells: pd.Series[Any], missing: pd.Series[Any], place: tuple[str, str], complaints: list[Complaint]
) -> pd.Series[Any]:
    flags = cells.map(BOOLEANS).astype("boolean")
    bad = ~missing & flags.isna()
    shouted = bad & cells.str.casefold().isin(BOOLEANS)
    complain(complaints, shouted, cells, place, "{cell} is how spreadsheets write truth values.", AS_EXPORTED)
    complain(complaints, bad & ~shouted, cells, place, "{cell} is no truth value.", "Write true or false.")
    return flags


def _times(
    cells: pd.Series[Any], missing: pd.Series[Any], place: tuple[str, str], complaints: list[Complaint]
) -> pd.Series[Any]:
    times = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
    rewritten = ~missing & _matches(cells, LOCAL_DATE) & ~cells.str.contains("T").fillna(False).astype(bool)
    bad = ~missing & ~rewritten & times.isna()
    text = "{cell} is a date as spreadsheets write it, without time zone."
    complain(complaints, rewritten, cells, place, text, AS_EXPORTED)
    complain(complaints, bad, cells, place, "{cell} is no time.", "Write it as 2024-05-31T12:00:00.000Z.")
    return times.mask(rewritten)


def _numbers(
    cells: pd.Series[Any], missing: pd.Series[Any], column: Column, place: tuple[str, str], complaints: list[Complaint]
) -> pd.Series[Any]:
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    bad = ~missing & (numbers.isna() | numbers.isin([float("inf"), float("-inf")]))
    comma = bad & _matches(cells, DECIMAL_COMMA)
    dated = bad & _matches(cells, LOCAL_DATE)
    complain(complaints, comma, cells, place, "{cell} has a decimal comma, as some spreadsheets write it.", AS_EXPORTED)
    complain(complaints, dated, cells, place, "{cell} was a number before a spreadsheet made it a date.", AS_EXPORTED)
    other = bad & ~comma & ~dated
    complain(complaints, other, cells, place, "{cell} is no number.", "Write digits, with a point for decimals.")
    numbers = numbers.mask(bad)
    if column.type == "number":
        return numbers
    rounded = numbers.notna() & _matches(cells, SCIENTIFIC)
    text = "{cell} is rounded: spreadsheets write long numbers so."
    complain(complaints, rounded, cells, place, text, AS_EXPORTED)
    fraction = ~rounded & numbers.notna() & (numbers % 1 != 0)
    complain(complaints, fraction, cells, place, "{cell} is no whole number.", "Write a whole number.")
    huge = ~rounded & ~fraction & (numbers.abs() > 2**53)
    complain(complaints, huge, cells, place, "{cell} is too large.", "Expected a whole number below 2 to the 53rd.")
    return numbers.mask(fraction | rounded | huge).astype("Int64")
