"""``manage.py write_fixtures``: the presets as files for `loaddata`, and as a page with every reason."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import serializers
from django.core.management.base import BaseCommand

from study.management.console import console
from study.models import Study
from study.presets import Choice, Origin, Preset, load_preset, preset_names

CREATED_AT = datetime(2018, 1, 29, tzinfo=UTC)
"""Fixtures need a date of creation; that of the paper's first version stays the same for everybody."""
ORIGINS = {Origin.PAPER: "publication", Origin.PUBLIC_CODE: "public code", Origin.RECONSTRUCTED: "ours"}


class Command(BaseCommand):
    """Write one fixture per preset, and `docs/presets.md`. A test checks that both are up to date."""

    help = "Write fixtures/*.json (for manage.py loaddata) and docs/presets.md from the shipped presets."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--out", type=Path, help="directory of the fixtures; without it the page is written, too")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Write the files."""
        base = Path(settings.BASE_DIR)
        directory = options["out"] or base / "fixtures"
        directory.mkdir(parents=True, exist_ok=True)
        for name in preset_names():
            (directory / f"{name}.json").write_text(fixture(load_preset(name)), encoding="utf-8")
        if options["out"] is None:
            (base / "docs" / "presets.md").write_text(presets_page(), encoding="utf-8")
        console(self.stdout, quiet=options["quiet"]).print(f"{len(preset_names())} fixtures in {directory}")


def fixture(preset: Preset) -> str:
    """Return a draft of the preset as `loaddata` reads it; without codes, which each installation draws itself."""
    study = Study(slug=preset.name, preset=preset.name, created_at=CREATED_AT, **preset.values())
    serialized: str = serializers.serialize("json", [study], indent=2, use_natural_primary_keys=True)
    return serialized + "\n"


def presets_page() -> str:
    """Return a page that lists every choice of every preset with where it comes from and why."""
    lines = [
        "# Presets",
        "",
        "Designs to start a study from: `manage.py create_study --preset NAME`, or, for a draft under the preset's own",
        "name, `manage.py loaddata fixtures/NAME.json`. Every choice says where it comes from; *ours* means that no",
        "source settles it. This page and `fixtures/` are written by `manage.py write_fixtures` from `study/presets/`.",
        "",
    ]
    for name in preset_names():
        preset = load_preset(name)
        lines += [f"## {name}", "", preset.description, ""]
        lines += _table("choice", preset.choices)
        for number, block in enumerate(preset.blocks, start=1):
            lines += [f"Block {number}, `{block['task'].value}`:", ""]
            lines += _table("choice", block)
        lines += ["What the imported run should hold:", ""]
        lines += _table("material", preset.material)
    return "\n".join(lines).rstrip() + "\n"


def _table(heading: str, choices: dict[str, Choice]) -> list[str]:
    rows = [
        f"| `{name}` | {_cell(choice.value)} | {ORIGINS[choice.origin]} | {choice.rationale} |"
        for name, choice in choices.items()
    ]
    return [f"| {heading} | value | from | why |", "|---|---|---|---|", *rows, ""]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ", ".join(value) or "none"
    return f"`{json.dumps(value, ensure_ascii=False)}`"
