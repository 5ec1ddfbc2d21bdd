"""``manage.py export_study``: the tables, their codebook, the pictures and the manifests of a study; or all of it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from study.exports import STREAMED_FORMATS, ExportError, Format, Profile, export_study
from study.management.console import StageBars, console, print_table
from study.models import Answer, Event, Study
from study.moving import TABLES, MoveError, write_study

COLUMNS = ("file", "rows")
COLUMNS_OF_MOVE = ("table", "rows")


class Command(BaseCommand):
    """Write an export directory that `python -m analysis` reads, or one file that `import_study` reads."""

    help = (
        "Write a study's answers, participants and stimuli, with codebook, pictures and manifests, pseudonymous; "
        "or, with --whole, everything that moves the study to another server."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--study", required=True, metavar="SLUG")
        kind = parser.add_mutually_exclusive_group(required=True)
        kind.add_argument("--out", type=Path, metavar="DIR", help="for analysis; made where it does not exist")
        kind.add_argument(
            "--whole",
            type=Path,
            metavar="FILE",
            help="for manage.py import_study on another server: one file, with participants' links and recruiters' "
            "identifiers, as confidential as the database",
        )
        parser.add_argument(
            "--profile",
            choices=[profile.value for profile in Profile],
            default=Profile.FULL.value,
            help="full: for the team; public: no cell under five people, days instead of moments",
        )
        parser.add_argument(
            "--formats",
            default=",".join(sorted(STREAMED_FORMATS)),
            help="comma-separated forms of the answers besides CSV: jsonl, parquet, wide, and sav (SPSS; needs memory "
            "for all answers); none for CSV only (default: %(default)s)",
        )
        parser.add_argument("--json", type=Path, help="also write the table to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Export, and turn what can go wrong into one line that says what to do."""
        target = console(self.stdout, quiet=options["quiet"])
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"No study {options['study']!r}; manage.py create_study makes one.")
        if options["whole"] is not None:
            self.move(study, options["whole"], target, json=options["json"])
            return
        formats = _formats(options["formats"])
        totals = {
            "responses_long": Answer.objects.filter(trial__participant__study=study).count(),
            "participants": study.participants.count(),
            "stimuli": study.stimuli.count(),
            "events": Event.objects.filter(participant__study=study).count(),
        }
        try:
            with StageBars(target) as bars:
                for table, total in totals.items():
                    bars.start(table, total)
                report = export_study(
                    study,
                    options["out"],
                    profile=Profile(options["profile"]),
                    formats=formats,
                    on_row=lambda table: bars.advance(table) if table in totals else None,
                )
                for table in totals:
                    bars.finish(table)
        except ExportError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot write to {options['out']}: {error}; give another directory.") from error
        rows = [[f"{table}.csv", number] for table, number in report.rows.items()]
        print_table(target, f"Export of {study.slug} in {options['out']}", COLUMNS, rows, json=options["json"])
        target.print(f"{report.pictures} pictures, the codebook and the manifests lie beside them.", soft_wrap=True)

    def move(self, study: Study, path: Path, target: Console, *, json: Path | None) -> None:
        """Write the whole study into one file."""
        counts = {table.name: table.rows_of(study).count() for table in TABLES}
        try:
            with StageBars(target) as bars:
                for table, total in counts.items():
                    bars.start(table, total)
                written = write_study(study, path, on_row=bars.advance)
                for table in counts:
                    bars.finish(table)
        except MoveError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error}; give another file.") from error
        rows = [[table, number] for table, number in written.rows.items()]
        print_table(target, f"Study {study.slug} in {path}", COLUMNS_OF_MOVE, rows, json=json)
        target.print(
            f"{written.pictures} pictures. SHA-256 {written.sha256}. Only you may read the file.", soft_wrap=True
        )
        if study.takes_participants:
            target.print(
                "The study still takes participants; what they do from now on is not in the file. Pause it, wait until "
                "nobody is inside, and export again.",
                soft_wrap=True,
            )


def _formats(text: str) -> frozenset[Format]:
    names = {name.strip() for name in text.split(",") if name.strip()} - {"none"}
    unknown = names - {kind.value for kind in Format}
    if unknown:
        known = ", ".join(kind.value for kind in Format)
        raise CommandError(f"--formats: {', '.join(sorted(unknown))} is unknown; there is {known}.")
    return frozenset(Format(name) for name in names)
