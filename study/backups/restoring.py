"""Restoring a backup: everything is checked before anything is touched."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from study.backups.databases import is_empty, load, rows_of_tables
from study.backups.erasures import ErasureList, keep_erasures, known_erasures, read_erasures
from study.backups.manifest import BackupError, Manifest, check_files, key_fingerprint, read_manifest
from study.exports.directory import whole_file
from study.services.audit import COMMAND_LINE, record
from study.services.erasures import Repeated, repeat_erasures


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        manifest: of the backup.
        pictures: how many were missing here.
        migrations: how many migrations the backup lacked and now has.
        repeated: the erasures that were repeated.
        same_key: whether this server hashes recruiters' identifiers as the one that made the backup.
        old_database_asked: whether there was a database to be replaced that told of its erasures.
    """

    manifest: Manifest
    pictures: int
    migrations: int
    repeated: Repeated
    same_key: bool
    old_database_asked: bool


def check_backup(directory: Path) -> Manifest:
    """Check that a backup is whole and that this server can take it; nothing is changed.

    Raises:
        BackupError: a file is missing or changed, the database is of another kind, or the code is older than the
            backup.
    """
    manifest = read_manifest(directory)
    if manifest.vendor != connection.vendor:
        raise BackupError(
            f"{directory} holds a {manifest.vendor} database and this server has {connection.vendor}; move the studies "
            "instead: restore it on a server of its kind, then export_study --whole and import_study."
        )
    unknown = [name for name in _names(manifest.migrations) if name not in MigrationLoader(None).disk_migrations]
    if unknown:
        raise BackupError(
            f"{directory} was made by a newer version, or with other apps: migration {unknown[0][0]}.{unknown[0][1]} "
            "is not here. Bring this server to that version first."
        )
    check_files(directory, manifest)
    return manifest


def restore_backup(
    directory: Path, *, replace: bool = False, erasures: Path | None = None, actor: str = COMMAND_LINE
) -> Restored:
    """Put a backup in the place of the database and of missing pictures, then repeat every erasure known.

    The server and the worker should be stopped. Erasures are known from the database that is replaced, from the list
    beside the backup, and from `erasures`; all are kept in that list before anything is replaced, so that a restore
    which was interrupted can be repeated.

    Raises:
        BackupError: as `check_backup`; or the database holds data and `replace` is not given; or the database after
            loading differs from the manifest.
        OSError: a picture or the list cannot be written.
    """
    manifest = check_backup(directory)
    known, asked = _erasures_of_old_database(replace=replace)
    if erasures is not None:
        known = known.merged(read_erasures(erasures))
    known = keep_erasures(directory.resolve().parent, known)
    pictures = sum(_put(directory / name, Path(settings.MEDIA_ROOT) / name) for name in manifest.pictures)
    load(directory / manifest.database_file)
    rows = rows_of_tables()
    if rows != manifest.rows:
        odd = min(table for table in rows.keys() | manifest.rows.keys() if rows.get(table) != manifest.rows.get(table))
        raise BackupError(
            f"After loading, table {odd} has {rows.get(odd, 0)} rows; expected {manifest.rows.get(odd, 0)}. Was the "
            "server running? Stop it and restore again."
        )
    call_command("migrate", verbosity=0, interactive=False)
    repeated = repeat_erasures(known, actor=actor)
    record("restore backup", actor=actor, target=directory.name, changes={"made_at": ["", manifest.made_at]})
    migrations = len(_names(_applied_now())) - len(_names(manifest.migrations))
    return Restored(manifest, pictures, migrations, repeated, manifest.key_fingerprint == key_fingerprint(), asked)


def _erasures_of_old_database(*, replace: bool) -> tuple[ErasureList, bool]:
    """Return what the database that is to be replaced knows, and whether there was anything to ask.

    Raises:
        BackupError: it holds data, or cannot be read, and `replace` is not given.
    """
    try:
        if is_empty():
            return ErasureList(), False
        if replace:
            return known_erasures(), True
    except DatabaseError as error:
        if replace:
            return ErasureList(), False
        reason = str(error).strip().splitlines()[0]
        raise BackupError(f"The database cannot be read ({reason}); --replace puts the backup in its place.") from error
    raise BackupError(
        "The database holds data already, which a restore would delete. Make a backup of it, then give --replace."
    )


def _applied_now() -> dict[str, list[str]]:
    applied: dict[str, list[str]] = {}
    for app, name in MigrationLoader(connection).applied_migrations:
        applied.setdefault(app, []).append(name)
    return applied


def _names(migrations: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(app, name) for app, names in sorted(migrations.items()) for name in names]


def _put(source: Path, target: Path) -> bool:
    """Copy a picture that is missing, or has another size, here; tell whether it was copied."""
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return False
    with source.open("rb") as original, whole_file(target) as stream:
        shutil.copyfileobj(original, stream)
    return True
