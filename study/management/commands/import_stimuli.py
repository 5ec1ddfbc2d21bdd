"""``manage.py import_stimuli``: a run directory into a study, then the plan."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from study.allocation import PlanError
from study.management.console import PictureBar, StageBars, console, print_table
from study.models import Study
from study.run_directory import RunDirectoryError
from study.services.plan import DrawnPlan, planned_burden_of
from study.services.runs import Import, import_run
from study.services.studies import StudyError, launch_study

COLUMNS = ("network", "class", "method", "arm", "stimuli", "coverage")


class Command(BaseCommand):
    """Check and copy the pictures, store the stimuli, draw the plan, and launch the study where that is asked for."""

    help = "Import the summaries of a run into a draft study and draw its plan. Importing the same run again is safe."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("run", type=Path, metavar="RUN", help="directory that manage.py pregenerate wrote")
        parser.add_argument("--study", required=True, metavar="SLUG", help="a study that manage.py create_study made")
        parser.add_argument("--launch", action="store_true", help="let participants in afterwards")
        parser.add_argument("--json", type=Path, help="also write the table to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Import, and turn what can go wrong into one line that says what to do."""
        target = console(self.stdout, quiet=options["quiet"])
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(
                f"No study {options['study']!r}; create it first: manage.py create_study --slug {options['study']}."
            )
        try:
            with StageBars(target) as bars:
                done = import_run(study, options["run"], on_summary=PictureBar(bars))
            if options["launch"]:
                study = launch_study(study)
        except (RunDirectoryError, PlanError, StudyError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read the run or store its pictures: {error}") from error
        conditions = study.conditions.annotate(number=Count("stimuli"))
        rows = [
            [c.network, c.class_name, c.method, c.arm, c.number, "–" if c.coverage is None else c.coverage]
            for c in conditions
        ]
        print_table(target, f"Study {study.slug} ({study.state})", COLUMNS, rows, json=options["json"])
        for line in self.closing_lines(study, done):
            target.print(line, soft_wrap=True)

    def closing_lines(self, study: Study, done: Import) -> list[str]:
        """Say what was imported and what each participant will see."""
        lines = [
            f"Run {done.run.digest[:12]} imported, {done.pictures_copied} new pictures."
            if done.created
            else f"Run {done.run.digest[:12]} was here already; {done.pictures_copied} missing pictures copied."
        ]
        if done.plan is not None:
            lines.append(plan_line(done.plan))
            if done.plan.is_short:
                lines += [
                    f"Note: the design asks for {wanted.total} trials of {task} ({wanted.controls} controls); "
                    "this run has fewer different stimuli that fit together."
                    for task, wanted, drawn in zip(done.plan.tasks, done.plan.wanted, done.plan.drawn, strict=True)
                    if wanted != drawn
                ]
            lines.append(burden_line(study))
        if not study.takes_participants:
            lines.append("Participants cannot enter yet; add --launch when the study is ready.")
        return lines


def plan_line(drawn: DrawnPlan) -> str:
    """Say in one sentence what the plan holds."""
    blocks = "; ".join(
        f"{task}: {split.total} ({split.summaries} summaries, {split.controls} controls)"
        for task, split in zip(drawn.tasks, drawn.drawn, strict=True)
    )
    return f"Plan: {drawn.slots} participants, {drawn.trials} trials each. {blocks}."


def burden_line(study: Study) -> str:
    """Say how long a participant needs by plan, and what the pages announce."""
    burden = planned_burden_of(study)
    line = f"Planned burden: {burden.minutes:.0f} minutes; the pages announce {study.minutes}."
    return line if burden.minutes <= study.minutes + 0.5 else f"{line} Raise minutes, or lower the trials."
