"""``manage.py import_study``: a whole study from another server, as `export_study --whole` wrote it."""

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from study.management.console import StageBars, console, print_table
from study.moving import MoveError, open_study
from study.services.moves import Moved, store_moved_study

COLUMNS = ("table", "rows")


class Command(BaseCommand):
    """Check the file, store the study in one transaction, and say what else has to be done."""

    help = "Store a study that export_study --whole wrote, with its participants. All of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, metavar="FILE", help="file that manage.py export_study --whole wrote")
        parser.add_argument("--slug", default="", help="store it under another slug, such as beside the original")
        parser.add_argument("--dry-run", action="store_true", help="check everything, then store nothing")
        parser.add_argument("--json", type=Path, help="also write the table to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Import, and turn what can go wrong into one line that says what to do."""
        target, path = console(self.stdout, quiet=options["quiet"]), options["file"]
        try:
            with open_study(path) as moved, StageBars(target) as bars:
                for table, total in moved.rows_of.items():
                    bars.start(table, total)
                with transaction.atomic():
                    report = store_moved_study(moved, slug=options["slug"], sha256=_sha256(path), on_row=bars.advance)
                    transaction.set_rollback(options["dry_run"])
                for table in moved.rows_of:
                    bars.finish(table)
        except MoveError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {path} or store its pictures: {error}") from error
        rows = [[name, number] for name, number in report.rows.items()]
        print_table(target, f"Study {report.study.slug} from {path}", COLUMNS, rows, json=options["json"])
        for line in ["Nothing was stored: this was a dry run."] if options["dry_run"] else closing_lines(report):
            target.print(line, soft_wrap=True)


def closing_lines(report: Moved) -> list[str]:
    """Say what was stored and what is left to do."""
    lines = [f"{report.study.slug} is {report.study.state}; {report.pictures} new pictures."]
    if report.new_links:
        lines.append(f"{report.new_links} participants got a new link, since somebody here has theirs.")
    lines += [
        f"No account {name!r} here, who was {role}: make one in the admin, then add them on the study's page People."
        for name, role in report.missing_accounts
    ]
    return [*lines, "Close the study at the old server, and lead its address here, so that nobody answers there."]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
