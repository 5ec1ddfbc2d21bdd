"""``manage.py lab_links``: one signed link for each participant of a laboratory, to print or to open there."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.management.base import BaseCommand, CommandError

from study.models import Study
from study.recruitment.lab import Lab, lab_pass

LONGEST_LABEL = 40


class Command(BaseCommand):
    """Print labels and links, as CSV: `label,link`."""

    help = "Print one signed link per participant. The same link always leads to the same participant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--study", required=True, metavar="SLUG")
        labels = parser.add_mutually_exclusive_group(required=True)
        labels.add_argument("--count", type=int, metavar="N", help="labels lab-001 to lab-N")
        labels.add_argument("--labels", type=Path, metavar="FILE", help="one label per line; - reads standard input")
        parser.add_argument("--base-url", default="", metavar="URL", help="such as https://study.example.org")

    def handle(self, **options: Any) -> None:
        """Print the links.

        Raises:
            CommandError: there is no such study, or a label is empty, too long or used twice.
        """
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"No study {options['study']!r}; manage.py create_study makes one.")
        base = options["base_url"].rstrip("/")
        parameter = Lab().parameter(study, "pass")
        self.stdout.write("label,link")
        for label in self._labels(options):
            query = urlencode({parameter: lab_pass(study, label)})
            self.stdout.write(f"{label},{base}{study.get_absolute_url()}?{query}")

    def _labels(self, options: dict[str, Any]) -> list[str]:
        if options["labels"] is None:
            if options["count"] < 1:
                raise CommandError(f"--count is {options['count']}; expected 1 or more.")
            return [f"lab-{number:03}" for number in range(1, options["count"] + 1)]
        source = options["labels"]
        try:
            text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot read {source}: {error}.") from error
        labels = [line.strip() for line in text.splitlines() if line.strip()]
        for label in labels:
            if len(label) > LONGEST_LABEL or "," in label or '"' in label:
                raise CommandError(f"Label {label!r} is not good: at most {LONGEST_LABEL} letters, no comma or quote.")
            if labels.count(label) > 1:
                raise CommandError(f"Label {label!r} occurs twice; two people would share one place.")
        return labels
