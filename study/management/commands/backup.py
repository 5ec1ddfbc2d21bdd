"""``manage.py backup``: the database and all pictures into one directory, checked. For cron, daily."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from study.backups.erasures import FILE, keep_erasures, known_erasures
from study.backups.making import make_backup
from study.backups.manifest import BackupError
from study.management.console import PictureBar, StageBars, console

MEGABYTE = 1e6


class Command(BaseCommand):
    """Write a backup while the server runs, and delete old ones."""

    help = "Write the database and all pictures into a new directory, check it, and delete old backups with --keep."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--out",
            type=Path,
            default=settings.VAR_DIRECTORY / "backups",
            metavar="DIR",
            help="directory of backups; better on another disk (default: %(default)s)",
        )
        parser.add_argument("--keep", type=int, metavar="N", help="afterwards delete all but the newest N backups")
        parser.add_argument(
            "--erasures-only",
            action="store_true",
            help=f"only bring {FILE} up to date, the list of erasures that a restore repeats; for cron, every minutes",
        )
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Back up, and turn what can go wrong into one line that says what to do."""
        target, directory = console(self.stdout, quiet=options["quiet"]), options["out"]
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep: at least the newest backup has to stay; give 1 or more.")
        try:
            if options["erasures_only"]:
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                kept = keep_erasures(directory, known_erasures())
                target.print(f"{directory / FILE}: {len(kept.withdrawn)} withdrawn participants.", soft_wrap=True)
                return
            with StageBars(target) as bars:
                backup = make_backup(directory, keep=options["keep"], on_picture=PictureBar(bars))
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot write to {directory}: {error}; no backup was made.") from error
        manifest = backup.manifest
        size = sum(file["bytes"] for file in manifest.files.values()) / MEGABYTE
        target.print(
            f"{backup.directory}: {sum(manifest.rows.values())} rows, {len(manifest.pictures)} pictures, "
            f"{size:.1f} MB, read again and found whole.",
            soft_wrap=True,
        )
        for old in backup.deleted:
            target.print(f"{old} was deleted.", soft_wrap=True)
        target.print("Keep it as confidential as the database, and a copy on another machine.")
