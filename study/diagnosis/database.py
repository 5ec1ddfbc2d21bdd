"""The database: does it answer, is it migrated, does it keep what it was told, and what time does it think it is."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from study.diagnosis.finding import Finding, Level

OLDEST_POSTGRESQL = 14
CLOCK_TOLERANCE_SECONDS = 2.0


def reachable() -> Iterator[Finding]:
    """Does it answer, and which version is it?"""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SHOW server_version")
                version = str(cursor.fetchone()[0]).split(" ")[0]
            else:
                cursor.execute("SELECT sqlite_version()")
                version = str(cursor.fetchone()[0])
    except DatabaseError as error:
        reason = re.sub(r"\s+", " ", str(error))[:200]
        mend = "Is it running? Is DATABASE_URL right? Has this account been given the right to connect?"
        yield Finding("database", Level.PROBLEM, f"does not answer: {reason}", mend)
        return
    found = f"{connection.display_name} {version}"
    if connection.vendor == "postgresql" and int(version.split(".")[0]) < OLDEST_POSTGRESQL:
        yield Finding("database", Level.PROBLEM, found, f"Django 5.2 needs PostgreSQL {OLDEST_POSTGRESQL} or newer.")
    else:
        yield Finding("database", Level.OK, found)


def migrations() -> Iterator[Finding]:
    """Have all migrations been applied?"""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in waiting[:3])
        found = f"{len(waiting)} not applied: {names}{' …' if len(waiting) > 3 else ''}"
        yield Finding("migrations", Level.PROBLEM, found, "Run manage.py migrate.")
    else:
        yield Finding("migrations", Level.OK, "all applied")


def durability() -> Iterator[Finding]:
    """Does an answer survive a power cut once the participant was thanked?"""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            settings_found = {}
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                cursor.execute("SELECT current_setting(%s)", [name])
                settings_found[name] = str(cursor.fetchone()[0])
            wrong = [name for name, value in settings_found.items() if value == "off"]
            mend = f"Set {', '.join(wrong)} to on in postgresql.conf: answers could be lost in a power cut."
        else:
            cursor.execute("PRAGMA journal_mode")
            journal = str(cursor.fetchone()[0])
            cursor.execute("PRAGMA synchronous")
            synchronous = int(cursor.fetchone()[0])
            settings_found = {"journal_mode": journal, "synchronous": str(synchronous)}
            wrong = [] if journal == "wal" and synchronous >= 2 else ["journal_mode or synchronous"]
            mend = (
                "Keep the OPTIONS of config/settings.py; is the file on a network drive, which has no write-ahead log?"
            )
    found = ", ".join(f"{name} {value}" for name, value in settings_found.items())
    yield Finding("durability", Level.PROBLEM if wrong else Level.OK, found, mend if wrong else "")


def clock() -> Iterator[Finding]:
    """Do this machine and the database's agree on the time? Leases and times of answers depend on it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            before = timezone.now()
            cursor.execute("SELECT clock_timestamp()")
            theirs = cursor.fetchone()[0]
        else:
            before = timezone.now()
            cursor.execute("SELECT julianday('now')")
            theirs = datetime.fromtimestamp((float(cursor.fetchone()[0]) - 2440587.5) * 86400, tz=UTC)
    apart = abs((theirs - before).total_seconds())
    found = f"{before:%Y-%m-%d %H:%M:%S} UTC, {apart:.1f} s from the database's"
    if apart > CLOCK_TOLERANCE_SECONDS:
        yield Finding("clock", Level.PROBLEM, found, "Let both machines set their clocks by NTP (timedatectl status).")
    elif before.year < 2025:
        yield Finding("clock", Level.PROBLEM, found, "The clock is far behind; set it by NTP (timedatectl status).")
    else:
        yield Finding("clock", Level.OK, found)
