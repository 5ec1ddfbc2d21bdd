"""The audit log: who changed what. Entries are added here, in the transaction of the change itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from study.canonical import digest
from study.models import AuditEntry

COMMAND_LINE = "command"
LOCK_NUMBER = 5_301_880_109  # any number that nothing else in the database locks


@transaction.atomic
def record(
    action: str, *, actor: str, study: str = "", target: str = "", changes: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Add an entry. `actor` is a user name, or `COMMAND_LINE`; `changes` maps fields to `[before, after]`."""
    if connection.vendor == "postgresql":
        with (
            connection.cursor() as cursor
        ):  # one at a time, so that the chain has no fork; SQLite has one writer anyway
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_NUMBER])
    last = AuditEntry.objects.order_by("-pk").values_list("digest", flat=True).first() or ""
    entry = AuditEntry(
        at=timezone.now(), actor=actor, study=study, action=action, target=target[:200], changes=dict(changes or {})
    )
    entry.digest = entry_digest(entry, previous=last)
    entry.save()
    return entry


def entry_digest(entry: AuditEntry, *, previous: str) -> str:
    """Return the SHA-256 over the entry before and this entry's content, as 64 hexadecimal digits."""
    content = [previous, entry.at.isoformat(), entry.actor, entry.study, entry.action, entry.target, entry.changes]
    return digest(content)


def broken_entries() -> Iterator[AuditEntry]:
    """Yield the entries that do not follow from the one before: something was changed or removed there."""
    previous = ""
    for entry in AuditEntry.objects.order_by("pk").iterator(chunk_size=1000):
        if entry.digest != entry_digest(entry, previous=previous):
            yield entry
        previous = entry.digest


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what differs between two designs, as field → [before, after]."""
    return {
        name: [before.get(name), after.get(name)]
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }
