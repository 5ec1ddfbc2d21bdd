"""``manage.py create_study``: a draft study from a preset."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study.management.console import console, print_table
from study.presets import Preset, PresetError, load_preset, preset_names
from study.services.studies import StudyError, create_study

COLUMNS = ("choice", "value", "origin")


class Command(BaseCommand):
    """Create a draft; `import_stimuli` fills it and `import_stimuli --launch` opens it."""

    help = "Create a draft study from a preset. Next: manage.py import_stimuli RUN --study SLUG --launch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--preset", default="paper-2018", help=f"design to start from: {', '.join(preset_names())}")
        parser.add_argument("--slug", required=True, help="part of the link: /s/SLUG/")
        parser.add_argument("--title", help="what participants read; from the preset by default")
        parser.add_argument("--participants", type=int, help="participants planned")
        parser.add_argument("--trials-per-participant", type=int, help="trials of each participant, without practice")
        parser.add_argument("--contact", help="e-mail address shown to participants")
        parser.add_argument("--seed", type=int, default=0, help="makes the plan reproducible")
        parser.add_argument("--json", type=Path, help="also write the table to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Create the study and show which of its choices are reconstructed."""
        overrides = {
            field: options[option]
            for field, option in (
                ("title", "title"),
                ("participants_planned", "participants"),
                ("contact", "contact"),
            )
            if options[option] is not None
        }
        try:
            preset = load_preset(options["preset"])
            if options["trials_per_participant"] is not None:
                overrides["blocks"] = with_trials(preset, options["trials_per_participant"])
            study = create_study(preset, slug=options["slug"], seed=options["seed"], **overrides)
        except (PresetError, StudyError) as error:
            raise CommandError(str(error)) from error
        target = console(self.stdout, quiet=options["quiet"])
        target.print(preset.description, soft_wrap=True)
        rows = [
            [name, str(value), "given" if name in overrides else choice.origin.value]
            for name, choice in preset.listed().items()
            for value in [getattr(study, name, choice.value)]
        ]
        if "blocks" in overrides:
            rows.append(["trials_per_participant", str(study.trials_per_participant), "given"])
        print_table(target, f"Study {study.slug} (draft), preset {preset.name}", COLUMNS, rows, json=options["json"])
        target.print("Each reconstructed choice has its reason in study/presets/" + f"{preset.name}.json.")


def with_trials(preset: Preset, trials: int) -> list[dict[str, Any]]:
    """Return the preset's blocks with another number of trials.

    Raises:
        PresetError: the preset has several blocks, so that it is not clear which of them is meant.
    """
    blocks: list[dict[str, Any]] = preset.values()["blocks"]
    if len(blocks) != 1:
        raise PresetError(
            f"Preset {preset.name!r} has {len(blocks)} blocks; change their trials in the admin, as long as the study "
            "is a draft, instead of --trials-per-participant."
        )
    return [blocks[0] | {"trials": trials}]
