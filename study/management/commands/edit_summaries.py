"""``manage.py edit_summaries``: merge or split summaries of a run by hand, into a run of its own."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Every edited summary lists its parents; the run it came from is not changed."""

    help = "Merge and split summaries; the result is a new run directory, whose summaries list their parents."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("run", type=Path, help="run directory that pregenerate wrote")
        parser.add_argument("--out", type=Path, required=True, help="new run directory")
        parser.add_argument("--merge", action="append", default=[], metavar="ID,ID", help="summaries to make one of")
        parser.add_argument(
            "--split", action="append", default=[], metavar="ID=IMAGE,IMAGE/IMAGE,…", help="groups of image ids"
        )

    def handle(self, **options: Any) -> None:
        """Edit, and turn what can go wrong into one line."""
        from vsum_core.editing import EditError, begin_edit, finish_edit, merge_summaries, split_summary
        from vsum_core.manifest import ManifestError
        from vsum_core.store import StorageError

        if not options["merge"] and not options["split"]:
            raise CommandError("Give --merge or --split.")
        try:
            store, manifest = begin_edit(options["run"], options["out"])
            for text in options["merge"]:
                made = merge_summaries(store, manifest, [name.strip() for name in text.split(",")])
                self.stdout.write(f"{text} → {made}")
            for text in options["split"]:
                identifier, _, groups = text.partition("=")
                parts = [[name.strip() for name in group.split(",")] for group in groups.split("/")]
                made_of = split_summary(store, manifest, identifier.strip(), parts)
                self.stdout.write(f"{identifier} → {', '.join(made_of)}")
            path = finish_edit(store, manifest)
        except (EditError, ManifestError, StorageError) as error:
            raise CommandError(" ".join(str(error).split())) from error
        self.stdout.write(f"Wrote {path}.")
