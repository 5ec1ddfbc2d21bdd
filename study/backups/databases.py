"""Dumping and loading the database: SQLite's online backup, or pg_dump and psql. Rows go through no model."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, connections

from study.backups.manifest import DATABASE_FILES, BackupError
from study.moving.writing import snapshot

PATIENCE = 60.0
"""Seconds to wait for somebody who writes to the SQLite database that is to be replaced."""
FILLED_BY_MIGRATIONS = frozenset({"django_migrations", "django_content_type", "auth_permission"})
"""Tables that have rows in a database that nobody has used."""


@dataclass(frozen=True)
class Dump:
    """What was dumped: rows of every table and applied migrations by app, at the moment of the dump."""

    rows: dict[str, int]
    migrations: dict[str, list[str]]


def dump(directory: Path) -> Dump:
    """Write the database, as it is at one moment, into a directory; nobody has to wait.

    Raises:
        BackupError: the copy is not sound, pg_dump is missing or refuses, or the database is of another kind.
    """
    if connection.vendor == "sqlite":
        return _dump_sqlite(directory / DATABASE_FILES["sqlite"])
    if connection.vendor == "postgresql":
        return _dump_postgresql(directory / DATABASE_FILES["postgresql"])
    raise BackupError(f"Backups know SQLite and PostgreSQL; this database is {connection.vendor}.")


def load(file: Path) -> None:
    """Put a dump in the place of the database: all of it in one transaction, or nothing.

    Raises:
        BackupError: somebody keeps writing, or the database refuses the dump.
    """
    if connection.vendor == "sqlite":
        _load_sqlite(file)
    else:
        _load_postgresql(file)


def rows_of_tables() -> dict[str, int]:
    """Return how many rows each table of the database has."""
    with connection.cursor() as cursor:
        return _count(cursor, connection.introspection.table_names(cursor))


def is_empty() -> bool:
    """Tell whether the database holds nothing but what migrations put there."""
    return not any(rows for table, rows in rows_of_tables().items() if table not in FILLED_BY_MIGRATIONS)


def _count(cursor: Any, tables: Sequence[str]) -> dict[str, int]:
    counts = {}
    for table in sorted(tables):
        cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608  (names come from the database itself)
        counts[table] = cursor.fetchone()[0]
    return counts


def _applied(cursor: Any) -> dict[str, list[str]]:
    cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    applied: dict[str, list[str]] = {}
    for app, name in cursor.fetchall():
        applied.setdefault(app, []).append(name)
    return applied


def _dump_sqlite(target: Path) -> Dump:
    connection.ensure_connection()
    source: Any = connection.connection
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy, progress=_Patience("the database"))
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        cursor = copy.cursor()
        findings = [row[0] for row in cursor.execute("PRAGMA integrity_check") if row[0] != "ok"]
        findings += [
            f"row {row[1]} of {row[0]} refers to nothing" for row in cursor.execute("PRAGMA foreign_key_check")
        ]
        if findings:
            raise BackupError(f"The database is damaged: {findings[0]}. Restore the last good backup.")
        tables = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        found = Dump(rows=_count(cursor, [name for (name,) in tables.fetchall()]), migrations=_applied(cursor))
    _synchronise(target)
    return found


def _load_sqlite(file: Path) -> None:
    path = connection.settings_dict["NAME"]
    connections.close_all()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source, closing(sqlite3.connect(path)) as target:
        try:
            source.backup(target, progress=_Patience(path))
        except sqlite3.Error as error:
            raise BackupError(f"{path} cannot be replaced ({error}); stop the server, then restore again.") from error


class _Patience:
    """Ends a copy that waits for somebody who writes; by itself SQLite would wait for ever."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._deadline = time.monotonic() + PATIENCE

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > self._deadline:
            raise BackupError(
                f"Somebody keeps writing to {self._place}; stop the server and the worker, then try again."
            )


def _synchronise(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _dump_postgresql(target: Path) -> Dump:
    with snapshot(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        moment = cursor.fetchone()[0]
        found = Dump(rows=_count(cursor, connection.introspection.table_names(cursor)), migrations=_applied(cursor))
        command, environment = _client("pg_dump")
        options = ["--format=custom", "--no-owner", "--no-acl", f"--snapshot={moment}", f"--file={target}"]
        _run([*command, *options], environment)
    _run([_program("pg_restore"), "--list", str(target)], dict(os.environ))
    _synchronise(target)
    return found


def _load_postgresql(file: Path) -> None:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    connections.close_all()
    command, environment = _client("psql")
    with tempfile.TemporaryDirectory(prefix="restore-") as name:
        script, drop = Path(name) / "database.sql", Path(name) / "drop.sql"
        drop.write_text("".join(f'DROP TABLE IF EXISTS "{table}" CASCADE;\n' for table in tables), encoding="utf-8")
        _run([_program("pg_restore"), "--no-owner", "--no-acl", f"--file={script}", str(file)], dict(os.environ))
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        _run([*command, *options, f"--file={drop}", f"--file={script}"], environment)


def _client(program: str) -> tuple[list[str], dict[str, str]]:
    """Return a client's command with the address of the database, and its environment with the password."""
    arguments, extra = type(connection.client).settings_to_cmd_args_env(connection.settings_dict, [])
    return [_program(program), *arguments[1:]], {**os.environ, **(extra or {})}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not installed; install PostgreSQL's client: apt-get install postgresql-client.")
    return found


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    result = subprocess.run(  # noqa: S603  (the command is built here)
        command, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[0]
        raise BackupError(f"{Path(command[0]).name} failed: {reason}.")
