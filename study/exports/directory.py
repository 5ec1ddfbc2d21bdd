"""An export as a directory: every file is written aside and put in place when it is whole and on disk."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from study.contract import long_table_contract
from study.exports.cells import ExportError
from study.exports.files import (
    STREAMED_FORMATS,
    Counts,
    ExportFile,
    Format,
    export_files,
    psych_ds_name,
    psych_ds_sidecar,
)
from study.exports.privacy import Profile
from study.exports.rows import StudyRows
from study.models import Study


@dataclass(frozen=True)
class ExportReport:
    """How many rows each table has, and how many pictures were copied."""

    rows: dict[str, int]
    pictures: int


def export_study(
    study: Study,
    directory: Path,
    *,
    profile: Profile = Profile.FULL,
    formats: Iterable[Format] = STREAMED_FORMATS,
    on_row: Callable[[str], None] = lambda table: None,
) -> ExportReport:
    """Write all files of a study's export; `on_row` is called with the table's name for each row.

    The tables lie at the top, where the analysis reads them, and once more under `data/` with the names that Psych-DS
    wants, as links to the same content.

    Raises:
        ExportError: a row does not follow the contract, a picture of a stimulus is missing, or the profile is public
            and there are fewer than five participants.
    """
    formats = frozenset(formats)
    directory.mkdir(parents=True, exist_ok=True)
    counts = Counts()
    for file in export_files(study, counts=counts, profile=profile, formats=formats, on_row=on_row):
        write_file(directory, file)
        if file.name.endswith(".csv") and file.name != "codebook.csv":
            table = file.name.removesuffix(".csv")
            link(directory / file.name, directory / psych_ds_name(study, table))
            write_file(directory, psych_ds_sidecar(study, table))
    if Format.SPSS in formats:
        _write_spss(study, directory, profile=profile)
    return ExportReport(rows=counts.rows, pictures=counts.pictures)


def write_file(directory: Path, file: ExportFile) -> None:
    """Write one file of an export; what was there stays until the new one is whole."""
    with whole_file(directory / file.name) as stream:
        for chunk in file.chunks():
            stream.write(chunk)


@contextmanager
def whole_file(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name, with its `mode`, only when it is whole and on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(mode)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def link(existing: Path, name: Path) -> None:
    """Let a second name lead to a file's content; where the file system has no links, copy it."""
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    try:
        name.hardlink_to(existing)
    except OSError:
        shutil.copyfile(existing, name)


def _write_spss(study: Study, directory: Path, *, profile: Profile) -> None:
    from study.background.spss import write_sav

    rows = StudyRows(study, profile=profile)
    for name in ("responses_long", "participants"):
        path = directory / f"{name}.sav"
        draft = path.with_name(f".{path.name}")
        try:
            write_sav(draft, long_table_contract().tables[name], rows.tables()[name](), title=study.title)
        except OSError as error:
            raise ExportError(f"Cannot write {path}: {error}.") from error
        draft.replace(path)
