"""An empty database of one's own, dropped at the end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEFAULT_POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/postgres"
DATABASES = ("sqlite", "postgresql")
OWN_NAME = "torture"
"""Name under which this program is connected to PostgreSQL; its connections are not cut."""


class NoDatabaseError(RuntimeError):
    """No database of this kind can be had here; the message says why."""


@contextmanager
def fresh_database(kind: str, directory: Path) -> Iterator[str]:
    """Yield the URL of an empty database: a file in `directory`, or one on the PostgreSQL server.

    Raises:
        NoDatabaseError: no PostgreSQL server answers.
    """
    if kind == "sqlite":
        yield f"sqlite:///{directory / 'torture.sqlite3'}"
        return
    import psycopg

    url = os.environ.get("TEST_POSTGRESQL_URL") or DEFAULT_POSTGRESQL
    name = f"torture_{secrets.token_hex(6)}"
    try:
        server = psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.Error as error:
        raise NoDatabaseError(f"No PostgreSQL server answers: {str(error).splitlines()[0]}") from error
    with server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{url.rsplit('/', 1)[0]}/{name}"
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def cut_connections(url: str) -> int:
    """End all connections of others to a PostgreSQL database, as its restart would; return how many."""
    import psycopg

    with psycopg.connect(url, autocommit=True, application_name=OWN_NAME) as own:
        rows = own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name <> %s",
            [OWN_NAME],
        ).fetchall()
    return len(rows)
