"""Servers of their own for tests: a database, a directory of variable files, and management commands in processes.

``python -m tests.study.servers COMMANDS`` runs several management commands in one process, since starting one takes
longer than most commands; COMMANDS is JSON, a list of lists of words. `accounts` and `withdraw` are commands of ours.
"""

import json
import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Server:
    """One server; `vendor` is sqlite or postgresql."""

    vendor: str
    url: str
    directory: Path

    @property
    def environment(self):
        """The variables under which commands work for this server."""
        return os.environ | {"DATABASE_URL": self.url, "VAR_DIRECTORY": str(self.directory)}

    @property
    def pictures(self):
        """Content of every stored picture, by its path."""
        root = self.directory / "media"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def run(self, *command, code=0):
        """Run a module or command of this project and return what it printed."""
        result = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert result.returncode == code, result.stdout[-3000:] + result.stderr[-3000:]
        return result.stdout + result.stderr

    def manage(self, *command, code=0):
        """Run a management command."""
        return self.run("manage.py", *command, code=code)

    def manage_all(self, *commands):
        """Run several commands in one process."""
        return self.run("-m", "tests.study.servers", json.dumps([list(map(str, command)) for command in commands]))

    def tables(self):
        """Every row of every table, as the database sends it."""
        with self.connection() as connection:
            cursor = connection.cursor()
            if self.vendor == "sqlite":
                names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            else:
                names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            cursor.execute(names)
            found = {}
            for (name,) in cursor.fetchall():
                cursor.execute(f'SELECT * FROM "{name}"')  # noqa: S608  (names come from the database itself)
                found[name] = sorted(map(repr, cursor.fetchall()))
            return found

    def execute(self, statement):
        """Run a statement in the database, behind the platform's back."""
        with self.connection() as connection:
            connection.cursor().execute(statement)
            connection.commit()

    @contextmanager
    def connection(self):
        """Connect to the database."""
        if self.vendor == "sqlite":
            import sqlite3

            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
        else:
            import psycopg

            connection = psycopg.connect(self.url)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def server(vendor, directory, postgresql_url=None):
    """Yield a new server without any table; a database of PostgreSQL is dropped afterwards."""
    directory.mkdir(parents=True)
    if vendor == "sqlite":
        yield Server(vendor, f"sqlite:///{directory}/db.sqlite3", directory)
        return
    import psycopg

    name = f"study_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield Server(vendor, f"{postgresql_url.rpartition('/')[0]}/{name}", directory)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main():
    """Run the commands given as JSON."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from study.models import Participant
    from study.services.withdrawal import withdraw

    for name, *arguments in json.loads(sys.argv[1]):
        if name == "accounts":
            for username in arguments:
                get_user_model().objects.create(username=username)
        elif name == "withdraw":
            withdraw(Participant.objects.filter(state=arguments[0]).order_by("pk")[0])
        else:
            call_command(name, *arguments)


if __name__ == "__main__":
    main()
