"""``manage.py audit_exposure``: prove that no trial of a participant gives the answer of another away."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study.exposure_audit import audit_exposure
from study.management.console import console, print_table
from study.models import Study

COLUMNS = ("where", "trials", "leak", "through")
LONGEST_LIST = 20


class Command(BaseCommand):
    """Look at every slot of the plan and at every trial that was laid out; end with 1 where something leaks."""

    help = "Check every slot and participant of a study: nothing that one trial shows gives another's answer away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--study", required=True, metavar="SLUG")
        parser.add_argument("--json", type=Path, help="also write the leaks to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Audit, and list what leaks."""
        target = console(self.stdout, quiet=options["quiet"])
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"No study {options['study']!r}; manage.py create_study makes one.")
        audit = audit_exposure(study)
        rows = [
            [found.where, f"{found.leak.first} and {found.leak.second}", found.leak.kind, found.leak.what]
            for found in audit.leaks
        ]
        if rows or options["json"]:
            print_table(target, "Leaks", COLUMNS, rows[:LONGEST_LIST], json=options["json"])
        looked_at = f"{audit.slots} slots, {audit.participants} participants, {audit.trials} trials"
        if rows:
            raise CommandError(
                f"{len(rows)} leaks in {looked_at}. Draw the plan anew (import the stimuli into a new draft), or take "
                "the attention check or practice item out that the list names."
            )
        target.print(f"No leak in {looked_at}.")
