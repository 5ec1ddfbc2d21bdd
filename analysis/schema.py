"""The export directory: read, checked against ``contracts/long_table.json``, and typed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.cells import AS_EXPORTED, typed
from analysis.complaints import Complaint, ExportError, complain
from analysis.contract import Table, contract
from analysis.plan import FILE, StudyFile, read_study_file

__all__ = ["Export", "ExportError", "check_table", "check_together", "load"]

TABLES = ("responses_long", "participants", "stimuli")
OPTIONAL_TABLES = ("events", "questionnaires", "name_codes")


@dataclass(frozen=True)
class Export:
    """A checked export.

    Attributes:
        directory: where it was read from; pictures are relative to it.
        study: slug of the one study in it ("" when there is not a single row).
        responses, participants, stimuli: typed frames with the columns of the contract, in its order. Missing strings
            are ``NA``; integers are ``Int64``, booleans ``boolean``, times UTC.
        events, questionnaires, name_codes: likewise; without rows when the export lacks the file.
        manifests: parsed ``manifests/*.json``, by run digest.
        study_file: what ``study.json`` says, or None when the export lacks it.
        notes: remarks that do not hinder the analysis, in sentences.
    """

    directory: Path
    study: str
    responses: pd.DataFrame
    participants: pd.DataFrame
    stimuli: pd.DataFrame
    events: pd.DataFrame
    questionnaires: pd.DataFrame
    name_codes: pd.DataFrame
    manifests: Mapping[str, Mapping[str, Any]]
    study_file: StudyFile | None
    notes: tuple[str, ...]


def load(directory: Path | str) -> Export:
    """Read and check an export directory.

    Args:
        directory: holds ``responses_long.csv``, ``participants.csv``, ``stimuli.csv`` and, if there are any,
            ``events.csv``, ``questionnaires.csv``, ``name_codes.csv``, ``study.json``, ``manifests/*.json`` and
            ``pictures/``.

    Raises:
        ExportError: with every problem found, each naming file, row, column and the mend.
    """
    path = Path(directory)
    if not path.is_dir():
        raise ExportError([Complaint(str(path), "There is no such directory.", "Give the directory of an export.")])
    complaints: list[Complaint] = []
    notes: list[str] = []
    frames = {}
    for name in (*TABLES, *OPTIONAL_TABLES):
        table = contract().tables[name]
        file = path / f"{name}.csv"
        if name in OPTIONAL_TABLES and not file.exists():
            frames[name] = check_table(pd.DataFrame(columns=[c.name for c in table.columns], dtype=str), table, [], [])
            continue
        raw = read_csv(file, table, complaints)
        if raw is not None:
            frames[name] = check_table(raw, table, complaints, notes)
    if len(frames) == len(TABLES) + len(OPTIONAL_TABLES) and not complaints:
        complaints += check_together(frames)
    manifests = _read_manifests(path / "manifests", complaints)
    study_file = read_study_file(path / FILE, complaints)
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
        events=frames["events"],
        questionnaires=frames["questionnaires"],
        name_codes=frames["name_codes"],
        manifests=manifests,
        study_file=study_file,
        notes=tuple(notes),
    )


def read_csv(path: Path, table: Table, complaints: list[Complaint]) -> pd.DataFrame | None:
    """Read every cell as text; only empty cells are missing, so that people may answer 'None' or 'NA'.

    Returns:
        The cells, or None when the file cannot be read as the table; then a complaint says why.
    """

    def refuse(message: str, mend: str, row: int | None = None) -> None:
        complaints.append(Complaint(path.name, message, mend, row=row))

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
        foreign = {";": "semicolons", "\t": "tabs"}
        for separator, words in foreign.items():
            if separator in header and "," not in header and len(table.columns) > 1:
                refuse(f"The columns are separated by {words}, as some spreadsheets save them.", AS_EXPORTED, row=1)
                return None
        cells = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
        if isinstance(cells.index, pd.RangeIndex):
            return cells
        refuse("The rows have more cells than the header.", AS_EXPORTED, row=2)
    except FileNotFoundError:
        refuse("The file is missing.", "Export the study again; responses_long, participants and stimuli are needed.")
    except OSError as error:
        refuse(f"It cannot be read: {error.strerror}.", "Check that it is a file you may read.")
    except pd.errors.EmptyDataError:
        refuse("The file is empty.", "Export again; even without rows it has a header.")
    except pd.errors.ParserError as error:
        refuse(f"It is no regular CSV: {str(error).strip()}.", AS_EXPORTED)
    except UnicodeDecodeError as error:
        refuse(f"Byte {error.start} is not UTF-8.", "Save it as UTF-8, or use the file as exported.")
    return None


def _read_manifests(directory: Path, complaints: list[Complaint]) -> dict[str, Mapping[str, Any]]:
    manifests: dict[str, Mapping[str, Any]] = {}
    for path in sorted(directory.glob("*.json")):
        name = f"manifests/{path.name}"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            complaints.append(Complaint(name, f"It is no JSON: {error}.", "Copy the manifest of the run again."))
            continue
        except OSError as error:
            complaints.append(Complaint(name, f"It cannot be read: {error.strerror}.", "Copy the manifest again."))
            continue
        run = content.get("run") if isinstance(content, dict) else None
        digest = run.get("digest") if isinstance(run, dict) else None
        if not isinstance(digest, str):
            mend = "Copy the manifest.json of the run again."
            complaints.append(Complaint(name, "It has no run digest.", mend, column="run.digest"))
            continue
        clusterings = content.get("clusterings", [])
        if not isinstance(clusterings, list) or not all(map(_is_clustering, clusterings)):
            mend = "Copy the manifest.json of the run again."
            complaints.append(Complaint(name, "It has no readable clusterings.", mend, column="clusterings"))
            continue
        manifests[digest] = content
    return manifests


def _is_clustering(record: object) -> bool:
    names = ("class", "network", "method", "arm")
    return isinstance(record, Mapping) and all(isinstance(record.get(name), str) for name in names)


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
    columns = {column.name: typed(raw[column.name], column, file, complaints) for column in present}
    frame = pd.DataFrame(columns, index=raw.index)
    if all(name in frame.columns for name in table.key):
        _check_key(frame, table, complaints)
    return frame


def _check_version(versions: pd.Series[Any], file: str, complaints: list[Complaint]) -> None:
    known = contract().schema_version
    bad = versions.notna() & (versions != known)
    mend = "Use the version of the analysis that belongs to the export, or export again."
    text = f"Schema version {{cell}} is unknown; expected {known!r}."
    complain(complaints, bad, versions, (file, "schema_version"), text, mend)


def _check_key(frame: pd.DataFrame, table: Table, complaints: list[Complaint]) -> None:
    key = list(table.key)
    repeated = frame.duplicated(key, keep="first") & frame[key].notna().all(axis=1)
    parts = [frame[name].astype(object).where(frame[name].notna(), "").astype(str) for name in key]
    shown = pd.Series([" / ".join(row) for row in zip(*parts, strict=True)], index=frame.index, dtype=object)
    mend = "Keep one of the two rows; a duplicate is never averaged away."
    text = f"{' and '.join(key)} {{cell}} occur twice."
    complain(complaints, repeated, shown, (f"{table.name}.csv", key[-1]), text, mend)


def check_together(frames: Mapping[str, pd.DataFrame]) -> list[Complaint]:
    """Check what no table can tell by itself: one study, and every answer's participant and summary known."""
    complaints: list[Complaint] = []
    everyone = pd.concat([frame["study"] for frame in frames.values()])
    if everyone.nunique() > 1:
        study = everyone.mode().iloc[0]
        for name, frame in frames.items():
            studies = frame["study"]
            mend = f"Analyse one study at a time: keep the rows of {study!r} or export again."
            complain(complaints, studies != study, studies, (f"{name}.csv", "study"), "{cell} is another study.", mend)
    responses = frames["responses_long"]
    references = [("responses_long", "participant", "participants", "participant")]
    references += [("responses_long", column, "stimuli", "summary") for column in ("summary", "other_summary")]
    references += [(table, "participant", "participants", "participant") for table in ("events", "questionnaires")]
    for table, column, home, key in references:
        if table not in frames:
            continue
        cells = frames[table][column]
        unknown = cells.notna() & ~cells.isin(frames[home][key])
        mend = f"Take all files from one export; {home}.csv has no such {key}."
        complain(complaints, unknown, cells, (f"{table}.csv", column), "{cell} is unknown.", mend)
    summaries = responses["summary"].isna() & (responses["arm"] == "summaries") & (responses["task"] == "name")
    mend = "An answer about a summary names it; export again."
    place = ("responses_long.csv", "summary")
    complain(complaints, summaries, responses["summary"], place, "The cell is empty in the arm of summaries.", mend)
    return complaints
