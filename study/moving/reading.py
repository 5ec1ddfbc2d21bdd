"""Reading the file of a moved study. Everything in it is taken as coming from a stranger."""

import hashlib
import io
import json
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import jsonschema
from PIL import Image, UnidentifiedImageError

from study.canonical import canonical_json
from study.moving.layout import FORMAT, FORMAT_VERSION, MANIFEST, PICTURE, TABLE_ENTRIES, table_entry
from study.moving.tables import TABLES, MovedTable, MoveError, from_json, is_account, referred_table
from study.run_directory import LARGEST_PICTURE as MOST_PIXELS
from study.run_directory import refuse_constant

LARGEST_MANIFEST = 1 << 20
LARGEST_PICTURE = 32 << 20
LARGEST_ROW = 256 << 20
"""Bytes. A run's row holds its whole manifest; nothing else comes near."""
MOST_ENTRIES = 1_000_000
PICTURE_KINDS = {"webp": "WEBP", "png": "PNG", "jpg": "JPEG"}
READING_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""What `zipfile` raises for archives that are cut off, changed, encrypted, or packed in ways that it does not know."""
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["format", "format_version", "study", "tables", "pictures"],
    "properties": {
        "format": {"const": FORMAT},
        "format_version": {"const": FORMAT_VERSION},
        "study": {"type": "string"},
        "pictures": {"type": "integer", "minimum": 0},
        "tables": {
            "type": "object",
            "additionalProperties": False,
            "required": [table.name for table in TABLES],
            "properties": {
                table.name: {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["rows", "sha256", "fields"],
                    "properties": {
                        "rows": {"type": "integer", "minimum": 0},
                        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        "fields": {"type": "array", "items": {"type": "string"}},
                    },
                }
                for table in TABLES
            },
        },
    },
}


class MovedStudy:
    """An opened file whose manifest and hashes hold. `slug` is the study's; rows and pictures are read when asked."""

    def __init__(self, archive: zipfile.ZipFile, manifest: dict[str, Any], path: Path) -> None:
        self.path = path
        self.slug: str = manifest["study"]
        self.rows_of: dict[str, int] = {name: table["rows"] for name, table in manifest["tables"].items()}
        self.pictures = sorted(name for name in archive.namelist() if PICTURE.fullmatch(name))
        self._archive = archive

    def rows(self, table: MovedTable) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table as the model's fields take them; references are places counted from 1.

        Raises:
            MoveError: a row is no JSON, has other fields, or a value that its field cannot have.
        """
        with self._archive.open(table_entry(table.name)) as entry:
            for number, line in enumerate(_lines(entry), start=1):
                try:
                    yield self._row(table, line)
                except MoveError as error:
                    raise MoveError(f"{self.path}: {table.name}, row {number}: {error}.") from None

    def _row(self, table: MovedTable, line: bytes) -> dict[str, Any]:
        row = _parsed(line)
        if not isinstance(row, dict) or row.keys() != set(table.field_names):
            raise MoveError(f"expected an object with the fields {', '.join(table.field_names)}")
        if not _is_canonical(row, line):
            raise MoveError("is no canonical JSON, or holds a character that no database stores")
        values: dict[str, Any] = {}
        for field in table.fields:
            value = row[field.name]
            reference = referred_table(field)
            if reference is not None:
                if value is None and field.null:
                    values[field.name] = None
                    continue
                rows = self.rows_of[reference]
                if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= rows:
                    raise MoveError(f"{field.name} is none of the {rows} rows of {reference}")
                values[field.name] = value
            elif is_account(field):
                if not isinstance(value, str) or not 0 < len(value) <= 150 or not value.isprintable():
                    raise MoveError(f"{field.name} is no user name")
                values[field.name] = value
            else:
                values[field.name] = from_json(field, value)
        return values

    def picture(self, name: str) -> tuple[bytes, int, int]:
        """Return a picture's bytes, width and height.

        Raises:
            MoveError: it is too large, not what its name says, or no picture.
        """
        information = self._archive.getinfo(name)
        if information.file_size > LARGEST_PICTURE:
            raise MoveError(f"{self.path}: {name} has more than {LARGEST_PICTURE >> 20} MB.")
        try:
            content = self._archive.read(name)
        except READING_ERRORS as error:
            raise MoveError(f"{self.path}: {name} cannot be read ({error}); copy the file again.") from error
        found = PICTURE.fullmatch(name)
        if found is None or hashlib.sha256(content).hexdigest() != found["sha256"]:
            raise MoveError(f"{self.path}: {name} has another content than its name says; copy the file again.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, smaller limit follows
                with Image.open(io.BytesIO(content), formats=[PICTURE_KINDS[found["extension"]]]) as picture:
                    width, height = picture.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
            raise MoveError(f"{self.path}: {name} is no {found['extension']} picture ({error}).") from error
        if width * height > MOST_PIXELS:
            raise MoveError(f"{self.path}: {name} has more than {MOST_PIXELS / 1e6:g} million pixels.")
        return content, width, height


@contextmanager
def open_study(path: Path) -> Iterator[MovedStudy]:
    """Open a file that `write_study` wrote, and check all of it against its manifest before anything is used.

    Raises:
        MoveError: it is no such file, was written by another version, was changed, or is not whole.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise MoveError(f"{path} does not exist; give a file that manage.py export_study --whole wrote.") from None
    except READING_ERRORS as error:
        raise MoveError(
            f"{path} cannot be read as the file of a study ({error}); expected one that manage.py export_study "
            "--whole wrote, whole."
        ) from error
    with closing(archive):
        try:
            manifest = _manifest(archive, path)
            _check_names(archive, manifest, path)
            for table in TABLES:
                _check_table(archive, table, manifest["tables"][table.name], path)
        except READING_ERRORS as error:
            raise MoveError(f"{path} is damaged ({error}); copy it again from the other server.") from error
        yield MovedStudy(archive, manifest, path)


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        information = archive.getinfo(MANIFEST)
    except KeyError:
        raise MoveError(f"{path} holds no {MANIFEST}; it is no file of a study.") from None
    if information.file_size > LARGEST_MANIFEST:
        raise MoveError(f"{path}: {MANIFEST} is too large; it is no file of a study.")
    try:
        manifest = _parsed(archive.read(MANIFEST))
    except MoveError as error:
        raise MoveError(f"{path}: {MANIFEST} {error}.") from None
    violation = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(manifest))
    if violation is not None:
        place = "/".join(str(step) for step in violation.absolute_path) or "the top level"
        raise MoveError(f"{path}: {MANIFEST} breaks its schema at {place}: {violation.message[:300]}.")
    for table in TABLES:
        fields = manifest["tables"][table.name]["fields"]
        if fields != table.field_names:
            other = ", ".join(sorted(set(fields) ^ set(table.field_names))) or "their order"
            raise MoveError(
                f"{path} was written by another version of the platform: {table.name} differs in {other}. "
                "Bring both servers to the same version, then export again."
            )
    return dict(manifest)


def _check_names(archive: zipfile.ZipFile, manifest: dict[str, Any], path: Path) -> None:
    names = archive.namelist()
    if len(names) > MOST_ENTRIES or len(set(names)) != len(names):
        raise MoveError(f"{path} holds an entry twice, or more than {MOST_ENTRIES:,} entries.")
    missing = sorted(TABLE_ENTRIES.keys() - set(names))
    if missing:
        raise MoveError(f"{path} lacks {missing[0]}; export the study again.")
    pictures = 0
    for name in names:
        if PICTURE.fullmatch(name):
            pictures += 1
        elif name != MANIFEST and name not in TABLE_ENTRIES:
            raise MoveError(f"{path} holds {name[:100]!r}, which no file of a study holds.")
    if pictures != manifest["pictures"]:
        raise MoveError(f"{path} holds {pictures} pictures; its manifest says {manifest['pictures']}.")


def _check_table(archive: zipfile.ZipFile, table: MovedTable, said: dict[str, Any], path: Path) -> None:
    digest, rows = hashlib.sha256(), 0
    with archive.open(table_entry(table.name)) as entry:
        try:
            for line in _lines(entry):
                digest.update(line)
                rows += 1
        except MoveError as error:
            raise MoveError(f"{path}: {table.name}, row {rows + 1}: {error}.") from None
    if (digest.hexdigest(), rows) != (said["sha256"], said["rows"]):
        raise MoveError(
            f"{path}: {table.name} has {rows} rows of other content than the manifest says ({said['rows']} rows); "
            "the file was changed. Copy it again from the other server."
        )


def _lines(entry: IO[bytes]) -> Iterator[bytes]:
    while line := entry.readline(LARGEST_ROW):
        if not line.endswith(b"\n"):
            raise MoveError(f"is cut off, or has more than {LARGEST_ROW >> 20} MB")
        yield line


def _is_canonical(row: dict[str, Any], line: bytes) -> bool:
    """Tell whether a row is written as we write it; lone surrogates and NUL cannot be."""
    try:
        return canonical_json(row) + b"\n" == line and not (b"\\u0000" in line and _holds_nul(row))
    except (ValueError, RecursionError):
        return False


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(entry) for pair in value.items() for entry in pair)
    return isinstance(value, list) and any(map(_holds_nul, value))


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise MoveError("is no JSON") from None
