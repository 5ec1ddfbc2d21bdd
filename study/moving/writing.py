"""Writing a whole study into one file, from one consistent view of the database, and reading it again to be sure."""

import hashlib
import json
import zipfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from study.canonical import canonical_json
from study.exports.directory import whole_file
from study.models import Study, picture_path
from study.moving.layout import FORMAT, FORMAT_VERSION, MANIFEST, entry_information, picture_entry, table_entry
from study.moving.reading import open_study
from study.moving.tables import TABLES, MovedTable, MoveError, as_json, is_account, referred_table

ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Written:
    """How many rows each table has, how many pictures, and the SHA-256 of the file."""

    rows: dict[str, int]
    pictures: int
    sha256: str


def write_study(study: Study, path: Path, *, on_row: Callable[[str], None] = lambda table: None) -> Written:
    """Write a study with everything that belongs to it, and check what was written.

    The file appears under its name only when it is whole; only its owner may read it. `on_row` is called with the
    table's name for each row.

    Raises:
        MoveError: a picture is missing or damaged, or the file on disk is not what was written.
        OSError: the file cannot be written.
    """
    rows: dict[str, int] = {}
    with whole_file(path, mode=0o600) as stream, snapshot(), zipfile.ZipFile(stream, "w", compresslevel=6) as archive:
        tables = {}
        ordinals: dict[str, array[int]] = {}
        for table in TABLES:
            rows[table.name], sha256 = _write_table(archive, table, study, ordinals, on_row)
            tables[table.name] = {"rows": rows[table.name], "sha256": sha256, "fields": table.field_names}
        pictures = _pictures_of(study)
        for name, source in sorted(pictures.items()):
            _write_picture(archive, name, source)
        manifest = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "study": study.slug,
            "tables": tables,
            "pictures": len(pictures),
        }
        with archive.open(entry_information(MANIFEST), "w") as entry:
            entry.write(json.dumps(manifest, indent=1, sort_keys=True).encode())
    with open_study(path):
        pass
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    return Written(rows=rows, pictures=len(pictures), sha256=digest.hexdigest())


@contextmanager
def snapshot() -> Iterator[None]:
    """Read the database as it is at one moment, without keeping anybody from writing.

    Inside a transaction of the caller's, that transaction decides what is seen.
    """
    if connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    held: Any = connection
    mode = getattr(held, "transaction_mode", None)
    if connection.vendor == "sqlite":
        held.transaction_mode = "DEFERRED"  # an immediate transaction would hold up every answer
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            held.transaction_mode = mode


def _write_table(
    archive: zipfile.ZipFile,
    table: MovedTable,
    study: Study,
    ordinals: "dict[str, array[int]]",
    on_row: Callable[[str], None],
) -> tuple[int, str]:
    digest = hashlib.sha256()
    keys = ordinals[table.name] = array("q")
    with archive.open(entry_information(table_entry(table.name)), "w", force_zip64=True) as entry:
        for key, row in _rows(table, study, ordinals):
            keys.append(key)
            line = canonical_json(row) + b"\n"
            digest.update(line)
            entry.write(line)
            on_row(table.name)
    return len(keys), digest.hexdigest()


def _rows(table: MovedTable, study: Study, ordinals: "dict[str, array[int]]") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row's primary key and its content, in the order in which the rows were made."""
    columns = [f"{field.name}__username" if is_account(field) else field.attname for field in table.fields]
    references = [referred_table(field) for field in table.fields]
    found = table.rows_of(study).values_list("pk", *columns)
    for key, *values in found.iterator(chunk_size=ROWS_AT_ONCE):
        yield (
            key,
            {
                name: as_json(value) if reference is None or value is None else _ordinal(ordinals[reference], value)
                for name, reference, value in zip(table.field_names, references, values, strict=True)
            },
        )


def _ordinal(keys: "array[int]", key: int) -> int:
    place = bisect_left(keys, key)
    if place == len(keys) or keys[place] != key:
        raise MoveError("A row refers to a row of another study; look at the database with manage.py dbshell.")
    return place + 1


def _pictures_of(study: Study) -> dict[str, Path]:
    """Return the pictures of a study: entry in the file → where they lie."""
    records: Iterable[dict[str, Any]] = (
        record
        for pictures in study.stimuli.values_list("pictures", flat=True).iterator(chunk_size=ROWS_AT_ONCE)
        for record in (pictures["grid"], *pictures["cells"], *pictures["crops"])
    )
    found = {picture_entry(record): picture_path(record["sha256"], record["extension"]) for record in records}
    for record in study.predictions.values_list("picture", flat=True).iterator(chunk_size=ROWS_AT_ONCE):
        found[picture_entry(record)] = picture_path(record["sha256"], record["extension"])
    return found


def _write_picture(archive: zipfile.ZipFile, name: str, source: Path) -> None:
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise MoveError(f"The picture {source} is missing; import its run again: manage.py import_stimuli.") from None
    if hashlib.sha256(content).hexdigest() != source.stem:
        raise MoveError(f"The picture {source} is damaged; delete it and import its run again.")
    archive.writestr(entry_information(name), content)
