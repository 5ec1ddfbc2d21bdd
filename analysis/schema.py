"""The export directory: read, checked against ``contracts/long_table.json``, and typed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

CONTRACT_PATH = Path(__file__).resolve().parent.parent / "contracts" / "long_table.json"
TABLES = ("responses_long", "participants", "stimuli")
SHOWN_PER_COLUMN = 3
"""Complaints of one kind that are spelt out before the rest are counted."""
BOOLEANS = {"true": True, "false": False}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell; the export puts an apostrophe before it, reading takes the apostrophe off."""


@dataclass(frozen=True)
class Column:
    """One column of the contract."""

    name: str
    type: str
    required: bool
    allowed: tuple[str, ...] | None
    description: str


@dataclass(frozen=True)
class Table:
    """One table of the contract: its key and its columns, in order."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Contract:
    """``contracts/long_table.json``."""

    schema_version: str
    tables: Mapping[str, Table]


@dataclass(frozen=True)
class Complaint:
    """One thing wrong with an export: where it is, what it is, and what to do. ``row`` counts the header as row 1."""

    file: str
    message: str
    mend: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        row = "" if self.row is None else f", row {self.row}"
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.file}{row}{column}: {self.message} {self.mend}"


class ExportError(Exception):
    """An export directory that cannot be analysed.

    Attributes:
        complaints: every problem found, in the order of the files.
    """

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in complaints))


@dataclass(frozen=True)
class Export:
    """A checked export.

    Attributes:
        directory: where it was read from; pictures are relative to it.
        study: slug of the one study in it ("" when there is not a single row).
        responses, participants, stimuli: typed frames with the columns of the contract, in its order. Missing strings
            are ``NA``; integers are ``Int64``, booleans ``boolean``, times UTC.
        manifests: parsed ``manifests/*.json``, by run digest.
        notes: remarks that do not hinder the analysis, in sentences.
    """

    directory: Path
    study: str
    responses: pd.DataFrame
    participants: pd.DataFrame
    stimuli: pd.DataFrame
    manifests: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]


@lru_cache(maxsize=1)
def contract() -> Contract:
    """Read the contract that ships with this package."""
    content = json.loads(CONTRACT_PATH.read_text(encoding="utf-8"))
    tables = {}
    for name, table in content["tables"].items():
        columns = tuple(
            Column(
                name=column["name"],
                type=column["type"],
                required=column["required"],
                allowed=tuple(column["allowed"]) if "allowed" in column else None,
                description=column["description"],
            )
            for column in table["columns"]
        )
        tables[name] = Table(name=name, key=tuple(table["key"]), columns=columns)
    return Contract(schema_version=content["schema_version"], tables=tables)


def load(directory: Path | str) -> Export:
    """Read and check an export directory.

    Args:
        directory: holds ``responses_long.csv``, ``participants.csv``, ``stimuli.csv`` and, if there are any,
            ``manifests/*.json`` and ``pictures/``.

    Raises:
        ExportError: with every problem found, each naming file, row, column and the mend.
    """
    path = Path(directory)
    if not path.is_dir():
        raise ExportError([Complaint(str(path), "There is no such directory.", "Give the directory of an export.")])
    complaints: list[Complaint] = []
    notes: list[str] = []
    frames = {}
    for name in TABLES:
        raw = _read_csv(path / f"{name}.csv", complaints)
        if raw is not None:
            frames[name] = check_table(raw, contract().tables[name], complaints, notes)
    if len(frames) == len(TABLES) and not complaints:
        complaints += check_together(frames)
    manifests = _read_manifests(path / "manifests", complaints)
    if complaints:
        raise ExportError(complaints)
    studies = sorted({study for frame in frames.values() for study in frame["study"].unique()})
    versions = sorted(frames["responses_long"]["study_version"].unique())
    if len(versions) > 1:
        notes.append(f"Answers come from {len(versions)} versions of the design ({', '.join(map(str, versions))}).")
    return Export(
        directory=path,
        study=studies[0] if studies else "",
        responses=frames["responses_long"],
        participants=frames["participants"],
        stimuli=frames["stimuli"],
        manifests=manifests,
        notes=tuple(notes),
    )


def _read_csv(path: Path, complaints: list[Complaint]) -> pd.DataFrame | None:
    """Every cell as text; only empty cells are missing, so that people may answer 'None' or 'NA'."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except FileNotFoundError:
        complaints.append(Complaint(path.name, "The file is missing.", "Export the study again; it has three tables."))
    except pd.errors.EmptyDataError:
        complaints.append(
            Complaint(path.name, "The file is empty.", "Export again; even without rows it has a header.")
        )
    except pd.errors.ParserError as error:
        mend = "Use the file as exported, not as saved by a spreadsheet."
        complaints.append(Complaint(path.name, f"It is no regular CSV: {error}.", mend))
    except UnicodeDecodeError as error:
        mend = "Save it as UTF-8, or use the file as exported."
        complaints.append(Complaint(path.name, f"Byte {error.start} is not UTF-8.", mend))
    return None


def _read_manifests(directory: Path, complaints: list[Complaint]) -> dict[str, Mapping[str, Any]]:
    manifests: dict[str, Mapping[str, Any]] = {}
    for path in sorted(directory.glob("*.json")):
        name = f"manifests/{path.name}"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            complaints.append(Complaint(name, f"It is no JSON: {error}.", "Copy the manifest of the run again."))
            continue
        digest = content.get("run", {}).get("digest") if isinstance(content, dict) else None
        if not isinstance(digest, str):
            mend = "Copy the manifest.json of the run again."
            complaints.append(Complaint(name, "It has no run digest.", mend, column="run.digest"))
            continue
        manifests[digest] = content
    return manifests


# Checks ---------------------------------------------------------------------------------------------------------------


def check_table(raw: pd.DataFrame, table: Table, complaints: list[Complaint], notes: list[str]) -> pd.DataFrame:
    """Check one table of text cells and give it its types.

    Args:
        raw: cells as text, missing ones as NA.
        table: what the contract says.
        complaints: problems are appended here.
        notes: harmless remarks are appended here.

    Returns:
        The frame with the columns of the contract in order; incomplete where complaints were made.
    """
    file = f"{table.name}.csv"
    present = [column for column in table.columns if column.name in raw.columns]
    extra = [name for name in raw.columns if name not in {column.name for column in table.columns}]
    for column in table.columns:
        if column.name not in raw.columns:
            near = difflib.get_close_matches(column.name, extra, n=1)
            mend = f"Rename {near[0]!r} to it." if near else "Export the study again and do not remove columns."
            complaints.append(Complaint(file, "The column is missing.", mend, column=column.name))
    if extra:
        notes.append(f"{file} has columns that the schema does not know; they are left aside: {', '.join(extra)}.")
    if "schema_version" in raw.columns:
        _check_version(raw["schema_version"], file, complaints)
    typed = {column.name: _typed(raw[column.name], column, file, complaints) for column in present}
    frame = pd.DataFrame(typed, index=raw.index)
    if all(name in frame.columns for name in table.key):
        _check_key(frame, table, complaints)
    return frame


def _complain(
    complaints: list[Complaint],
    bad: pd.Series[Any],
    values: pd.Series[Any],
    place: tuple[str, str],
    text: str,
    mend: str,
) -> None:
    """Append complaints for the rows where ``bad`` is true; ``text`` may show the cell as ``{cell}``."""
    rows = [int(row) for row in bad.to_numpy().nonzero()[0]]
    file, column = place
    for row in rows[:SHOWN_PER_COLUMN]:
        cell = values.iloc[row]
        message = text.format(cell=repr("" if pd.isna(cell) else str(cell)))
        complaints.append(Complaint(file, message, mend, row=row + 2, column=column))
    if len(rows) > SHOWN_PER_COLUMN:
        more = f"{len(rows) - SHOWN_PER_COLUMN} more rows have the same problem."
        complaints.append(Complaint(file, more, mend, column=column))


def _check_version(versions: pd.Series[Any], file: str, complaints: list[Complaint]) -> None:
    known = contract().schema_version
    bad = versions.notna() & (versions != known)
    mend = "Use the version of the analysis that belongs to the export, or export again."
    text = f"Schema version {{cell}} is unknown; expected {known!r}."
    _complain(complaints, bad, versions, (file, "schema_version"), text, mend)


def without_apostrophe(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Take off the apostrophe that the export puts before cells a spreadsheet would run as a formula."""
    guarded = cells.str.startswith(tuple("'" + start for start in FORMULA_STARTS)).fillna(False).astype(bool)
    return cells.mask(guarded, cells.str.slice(1)) if guarded.any() else cells


def _typed(cells: pd.Series[Any], column: Column, file: str, complaints: list[Complaint]) -> pd.Series[Any]:
    place = (file, column.name)
    if column.type == "string" and column.allowed is None:
        cells = without_apostrophe(cells)
    missing = cells.isna()
    if column.required:
        _complain(complaints, missing, cells, place, "The cell is empty.", "Every row needs it; export again.")
    if column.allowed is not None:
        bad = ~missing & ~cells.isin(column.allowed)
        _complain(complaints, bad, cells, place, "{cell} is not allowed.", f"Use one of {', '.join(column.allowed)}.")
        return cells.mask(bad)
    if column.type == "string":
        return cells
    if column.type == "boolean":
        flags = cells.map(BOOLEANS).astype("boolean")
        bad = ~missing & flags.isna()
        _complain(complaints, bad, cells, place, "{cell} is no truth value.", "Write true or false.")
        return flags
    if column.type == "datetime":
        times = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
        bad = ~missing & times.isna()
        _complain(complaints, bad, cells, place, "{cell} is no time.", "Write it as 2024-05-31T12:00:00.000Z.")
        return times
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    bad = ~missing & (numbers.isna() | numbers.isin([float("inf"), float("-inf")]))
    _complain(complaints, bad, cells, place, "{cell} is no number.", "Write digits, with a point for decimals.")
    numbers = numbers.mask(bad)
    if column.type == "number":
        return numbers
    fraction = numbers.notna() & (numbers % 1 != 0)
    _complain(complaints, fraction, cells, place, "{cell} is no whole number.", "Write a whole number.")
    return numbers.mask(fraction).astype("Int64")


def _check_key(frame: pd.DataFrame, table: Table, complaints: list[Complaint]) -> None:
    key = list(table.key)
    repeated = frame.duplicated(key, keep="first") & frame[key].notna().all(axis=1)
    shown = frame[key].astype(str).agg(" / ".join, axis=1) if repeated.any() else frame[key[0]]
    mend = "Keep one of the two rows; a duplicate is never averaged away."
    text = f"{' and '.join(key)} {{cell}} occur twice."
    _complain(complaints, repeated, shown, (f"{table.name}.csv", key[-1]), text, mend)


def check_together(frames: Mapping[str, pd.DataFrame]) -> list[Complaint]:
    """Check what no table can tell by itself: one study, and every answer's participant and summary known."""
    complaints: list[Complaint] = []
    everyone = pd.concat([frames[name]["study"] for name in TABLES])
    if everyone.nunique() > 1:
        study = everyone.mode().iloc[0]
        for name in TABLES:
            studies = frames[name]["study"]
            mend = f"Analyse one study at a time: keep the rows of {study!r} or export again."
            _complain(complaints, studies != study, studies, (f"{name}.csv", "study"), "{cell} is another study.", mend)
    responses = frames["responses_long"]
    for column, name in (("participant", "participants"), ("summary", "stimuli")):
        cells = responses[column]
        unknown = cells.notna() & ~cells.isin(frames[name][column])
        mend = f"Take all files from one export; {name}.csv has no such {column}."
        _complain(complaints, unknown, cells, ("responses_long.csv", column), "{cell} is unknown.", mend)
    summaries = responses["summary"].isna() & (responses["arm"] == "summaries") & (responses["task"] == "name")
    mend = "An answer about a summary names it; export again."
    place = ("responses_long.csv", "summary")
    _complain(complaints, summaries, responses["summary"], place, "The cell is empty in the arm of summaries.", mend)
    return complaints
