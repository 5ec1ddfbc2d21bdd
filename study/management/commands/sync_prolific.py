"""``manage.py sync_prolific``: what Prolific says about submissions, so that returned places are filled again."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study.management.console import console, print_table
from study.models import Study
from study.recruitment.prolific_submissions import ProlificClient, ProlificError, Submission, read_csv
from study.services.recruiters import sync_submissions

COLUMNS = ("what", "people")
TOKEN_VARIABLE = "PROLIFIC_TOKEN"  # noqa: S105  (the name of a variable, not a token)
API = "https://api.prolific.com"


class Command(BaseCommand):
    """Read submissions from a CSV that Prolific exports, or from its API, and mark returned and timed-out ones."""

    help = (
        "Mark participants who returned their submission or timed out at Prolific; their places go back to the plan. "
        f"With --prolific-study the API is asked, with the token in {TOKEN_VARIABLE}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("csv", nargs="?", type=Path, metavar="CSV", help="demographic or submissions export")
        parser.add_argument("--study", required=True, metavar="SLUG")
        parser.add_argument("--prolific-study", metavar="ID", help="ask the API about this study of Prolific")
        parser.add_argument("--api", default=API, metavar="URL", help=f"address of the API ({API})")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Sync and say what changed.

        Raises:
            CommandError: nothing to read, or it cannot be read.
        """
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"No study {options['study']!r}; manage.py create_study makes one.")
        try:
            submissions = self._submissions(options)
        except ProlificError as error:
            raise CommandError(str(error)) from error
        report = sync_submissions(study, submissions)
        rows = [[name.replace("_", " "), number] for name, number in report.as_counts().items()]
        target = console(self.stdout, quiet=options["quiet"])
        print_table(target, f"{len(submissions)} submissions of Prolific", COLUMNS, rows)
        for pseudonym in report.finished_but_returned:
            target.print(f"{pseudonym} finished here, but returned the submission at Prolific: please decide yourself.")

    def _submissions(self, options: dict[str, Any]) -> list[Submission]:
        if (options["csv"] is None) == (options["prolific_study"] is None):
            raise CommandError("Give either a CSV of Prolific or --prolific-study.")
        if options["csv"] is not None:
            return read_csv(options["csv"])
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise CommandError(f"Set {TOKEN_VARIABLE} to a token of Prolific (Settings, API token).")
        with ProlificClient(token, base_url=options["api"]) as client:
            return client.submissions(options["prolific_study"])
