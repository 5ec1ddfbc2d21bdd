"""``manage.py restore``: a backup in the place of the database, with every erasure repeated."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study.backups.manifest import BackupError
from study.backups.restoring import Restored, check_backup, restore_backup
from study.management.console import console


class Command(BaseCommand):
    """Check a backup, put it in place, and say what was done."""

    help = "Restore a backup that manage.py backup wrote. Stop the server and the worker first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("backup", type=Path, metavar="BACKUP", help="directory that manage.py backup wrote")
        parser.add_argument("--replace", action="store_true", help="also where the database holds data, which is lost")
        parser.add_argument(
            "--erasures",
            type=Path,
            metavar="FILE",
            help="a newer erasures.json than the one beside the backup, such as from another machine",
        )
        parser.add_argument("--check", action="store_true", help="only check the backup; change nothing")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Restore, and turn what can go wrong into one line that says what to do."""
        target = console(self.stdout, quiet=options["quiet"])
        try:
            if options["check"]:
                manifest = check_backup(options["backup"])
                target.print(f"Whole, of {manifest.made_at}; this server can take it.", soft_wrap=True)
                return
            done = restore_backup(options["backup"], replace=options["replace"], erasures=options["erasures"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot restore {options['backup']}: {error}") from error
        for line in closing_lines(done):
            target.print(line, soft_wrap=True)


def closing_lines(done: Restored) -> list[str]:
    """Say what was restored, and what the person in charge has to know."""
    repeated = done.repeated
    lines = [
        f"The database is that of {done.manifest.made_at}, with {sum(done.manifest.rows.values())} rows; "
        f"{done.pictures} pictures were missing and {done.migrations} migrations were applied.",
        f"{repeated.participants} participants who withdrew since then were erased again.",
    ]
    if repeated.retention:
        lines.append(f"Past their retention date and emptied again: {', '.join(repeated.retention)}.")
    if repeated.back_again:
        lines.append(f"Deleted since then and here again: {', '.join(repeated.back_again)}. Delete what must not stay.")
    if not done.old_database_asked:
        lines.append(
            "There was no old database that could be asked: whoever withdrew after the last backup, or the last "
            "backup --erasures-only, may be here again. Compare with the requests that you have."
        )
    if not done.same_key:
        lines.append("EXTERNAL_ID_KEY is another than when the backup was made; hashes in exports will differ.")
    return lines
