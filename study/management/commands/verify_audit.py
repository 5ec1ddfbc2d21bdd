"""``manage.py verify_audit``: does the audit log still say what was written into it?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study.models import AuditEntry
from study.services.audit import broken_entries


class Command(BaseCommand):
    """Follow the chain of hashes from the first entry to the last."""

    help = "Check that no entry of the audit log was changed or removed. Exit code 1 names the first broken entry."

    def handle(self, **options: Any) -> None:
        """Report the number of entries, or where the chain breaks."""
        broken = next(broken_entries(), None)
        if broken is not None:
            raise CommandError(
                f"The audit log breaks at entry {broken.pk} ({broken.at:%Y-%m-%d %H:%M:%S}, {broken}): it, or the one "
                "before, was changed or removed. Compare with a backup."
            )
        self.stdout.write(f"{AuditEntry.objects.count()} entries, unbroken.")
