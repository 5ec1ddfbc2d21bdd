"""``manage.py enforce_retention``: delete personal data of studies whose retention date has come. For cron, daily."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from study.management.console import console, print_table
from study.services.retention import enforce_retention, studies_past_retention

COLUMNS = ("study", "retention date", "identities", "reports", "events", "links")


class Command(BaseCommand):
    """Delete identifiers, links and browsers' reports; answers stay, under pseudonyms that lead nowhere."""

    help = "Delete what could lead back to a person, in every study whose retention date has come. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--today", type=date.fromisoformat, metavar="YYYY-MM-DD", help="as if it were this day")
        parser.add_argument("--dry-run", action="store_true", help="only say which studies are due")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Enforce and say what went."""
        target = console(self.stdout, quiet=options["quiet"])
        due = studies_past_retention(today=options["today"] or timezone.localdate())
        if options["dry_run"]:
            for study in due:
                target.print(f"{study.slug} is due since {study.retention_date}.")
            target.print(f"{len(due)} studies are due.")
            return
        rows = [[study.slug, study.retention_date, *enforce_retention(study).values()] for study in due]
        if rows:
            print_table(target, "Personal data deleted", COLUMNS, rows)
        else:
            target.print("No study's retention date has come.")
