"""``manage.py sweep``: slots whose lease has expired go back to the plan. For cron, every few minutes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from study.management.console import console
from study.models import Study
from study.services.slots import sweep_leases


class Command(BaseCommand):
    """Give expired slots back and mark who held them as timed out; running it twice changes nothing more."""

    help = "Give slots back whose lease has expired. Safe to run at any time, by cron or by hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--study", metavar="SLUG", help="of this study only")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Sweep and say how many slots came back."""
        study = None
        if options["study"]:
            study = Study.objects.filter(slug=options["study"]).first()
            if study is None:
                raise CommandError(f"No study {options['study']!r}; manage.py create_study makes one.")
        number = sweep_leases(now=timezone.now(), study=study)
        console(self.stdout, quiet=options["quiet"]).print(f"{number} slots went back to the plan.")
