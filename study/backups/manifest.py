"""The manifest of a backup: what it holds, hash by hash, and which code can read it."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jsonschema
from django.conf import settings

from study.exports.directory import whole_file

FORMAT = "visual-summaries backup"
FORMAT_VERSION = "1.0"
MANIFEST = "manifest.json"
PICTURES = "stimuli"
PICTURE = re.compile(r"stimuli/[0-9a-f]{2}/[0-9a-f]{64}(-small)?\.(webp|png|jpg)")
DATABASE_FILES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COUNT = {"type": "integer", "minimum": 0}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["format", "format_version", "made_at", "vendor", "migrations", "rows", "key_fingerprint", "files"],
    "properties": {
        "format": {"const": FORMAT},
        "format_version": {"const": FORMAT_VERSION},
        "made_at": {"type": "string"},
        "vendor": {"enum": sorted(DATABASE_FILES)},
        "migrations": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "rows": {"type": "object", "additionalProperties": _COUNT},
        "key_fingerprint": _SHA256,
        "files": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["bytes", "sha256"],
                "properties": {"bytes": _COUNT, "sha256": _SHA256},
            },
        },
    },
}


class BackupError(RuntimeError):
    """A backup cannot be made or restored; the message says what was expected, what was there, and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made_at: when the database was read, ISO 8601 in UTC.
        vendor: `sqlite` or `postgresql`.
        migrations: applied migrations by app.
        rows: rows of every table of the database.
        key_fingerprint: tells whether the server has the same `EXTERNAL_ID_KEY`, without telling the key.
        files: path in the backup → bytes and SHA-256.
    """

    made_at: str
    vendor: str
    migrations: dict[str, list[str]]
    rows: dict[str, int]
    key_fingerprint: str
    files: dict[str, dict[str, Any]]

    @property
    def database_file(self) -> str:
        """The database's file in the backup."""
        return DATABASE_FILES[self.vendor]

    @property
    def pictures(self) -> list[str]:
        """The pictures' paths in the backup."""
        return sorted(set(self.files) - {self.database_file})


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, last of all files."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(manifest)}
    with whole_file(directory / MANIFEST, mode=0o600) as stream:
        stream.write(json.dumps(content, indent=1, sort_keys=True).encode())


def read_manifest(directory: Path) -> Manifest:
    """Read and check a backup's manifest.

    Raises:
        BackupError: there is none, or it is not one of ours.
    """
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{path} does not exist; give a directory that manage.py backup wrote.") from None
    except (ValueError, RecursionError):
        raise BackupError(f"{path} is no JSON; take another backup.") from None
    violation = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(content))
    if violation is not None:
        place = "/".join(str(step) for step in violation.absolute_path) or "the top level"
        raise BackupError(f"{path} breaks its schema at {place}: {violation.message[:300]}.")
    manifest = Manifest(**{key: value for key, value in content.items() if not key.startswith("format")})
    strange = [name for name in manifest.pictures if not PICTURE.fullmatch(name)]
    if strange or manifest.database_file not in manifest.files:
        raise BackupError(f"{path} lists {strange[0] if strange else 'no database'}; expected a database and pictures.")
    return manifest


def check_files(directory: Path, manifest: Manifest) -> None:
    """Compare every file of a backup with its hash.

    Raises:
        BackupError: one is missing or changed.
    """
    for name, said in manifest.files.items():
        try:
            actual = describe(directory / name)
        except OSError as error:
            raise BackupError(f"{directory / name} cannot be read ({error.strerror}); take another backup.") from error
        if actual != said:
            raise BackupError(
                f"{directory / name} was changed: {actual['bytes']} bytes with the SHA-256 {actual['sha256'][:12]}…; "
                f"expected {said['bytes']} and {said['sha256'][:12]}…. Take another backup."
            )


def describe(path: Path) -> dict[str, Any]:
    """Return a file's size in bytes and its SHA-256."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def key_fingerprint() -> str:
    """Return a hash that tells whether two servers hash recruiters' identifiers under the same key."""
    return hashlib.sha256(b"backup fingerprint of " + settings.EXTERNAL_ID_KEY.encode()).hexdigest()


def backups_in(directory: Path) -> Iterator[Path]:
    """Yield the whole backups in a directory, the oldest first."""
    for path in sorted(directory.glob("backup-*")):
        if (path / MANIFEST).is_file():
            yield path
