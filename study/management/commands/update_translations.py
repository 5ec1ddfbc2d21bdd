"""``manage.py update_translations``: collect what participants read, and compile what is translated.

Needs GNU gettext (Debian: `gettext`). Researchers' pages are in English; participants' are in every language of
`LANGUAGES`.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

NOT_FOR_PARTICIPANTS = (
    ".*",
    "analysis",
    "benchmarks",
    "config",
    "docs",
    "fixtures",
    "tests",
    "var",
    "vsum_core",
    "study/admin",
    "study/exports",
    "study/management",
    "study/migrations",
    "study/models",
    "study/research",
    "templates/admin",
    "templates/research",
)
"""Folders without a text that participants read."""


class Command(BaseCommand):
    """Bring `locale/*/LC_MESSAGES/django.po` up to date and compile it; then translate what is new and run it again."""

    help = "Collect the texts that participants read into locale/, and compile the translations."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--no-compile", action="store_true", help="only collect")

    def handle(self, **options: Any) -> None:
        """Collect and compile."""
        languages = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
        call_command(
            "makemessages",
            locale=languages,
            ignore_patterns=list(NOT_FOR_PARTICIPANTS),
            add_location="file",
            no_obsolete=True,
            no_wrap=True,
            verbosity=0,
        )
        if not options["no_compile"]:
            for language in languages:
                compile_messages(Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po")


def compile_messages(source: Path) -> None:
    """Compile one `django.po` beside itself."""
    from django.core.management.utils import popen_wrapper

    target = source.with_suffix(".mo")
    _output, errors, status = popen_wrapper(["msgfmt", "--check-format", "-o", str(target), str(source)])
    if status:
        raise RuntimeError(f"{source} cannot be compiled by Django {django.__version__}: {errors}")
