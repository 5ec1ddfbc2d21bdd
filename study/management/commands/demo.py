"""``manage.py demo``: the whole way in one command, by calling the product's own commands one after the other."""

from __future__ import annotations

import json
import secrets
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from study.management.commands.pregenerate import DRAWN_BIRDS
from study.management.console import console, print_table
from study.models import Study

SLUG = "demo"
ADMIN = "admin"
DRAWN_NETWORKS = "bird-small,bird-large"
PHOTOGRAPH_NETWORKS = "efficientnet-lite0,efficientnet-lite2"
COLUMNS = ("class", "network", "summaries", "nameable", "nameability", "modal share", "alpha", "AC1", "consensus names")
STATISTICS = ("nameability", "modal_share_named", "krippendorff_alpha_named", "gwet_ac1_named")


class Command(BaseCommand):
    """Summaries, a study from the preset, simulated answers, export, report, and a table of what came out."""

    help = "Show the whole way: pregenerate, import, simulate participants, export, report. Nothing is downloaded."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--images", type=Path, help="folder of class folders; the drawn birds by default")
        parser.add_argument("--dataset", help="imagenette, caltech101 or oxford-iiit-pet")
        parser.add_argument("--networks", help="comma-separated names")
        parser.add_argument("--classes", help="comma-separated classes; all by default")
        parser.add_argument("--per-class", type=int, help="images per class")
        parser.add_argument("--preset", default="default", help="constants of the method: default, reference or fast")
        parser.add_argument("--participants", type=int, default=24, help="simulated participants")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--port", type=int, default=8000, help="only for the links that are printed")
        parser.add_argument("--json", type=Path, help="also write the table to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Go the whole way."""
        started = time.monotonic()
        var = Path(settings.VAR_DIRECTORY)
        target = console(self.stdout, quiet=options["quiet"])
        quiet = {"quiet": options["quiet"]}
        call_command("migrate", verbosity=0)
        slug = free_slug()
        run, export, report = var / "runs" / _run_name(options), var / "exports" / slug, var / "reports" / slug

        target.rule("1 of 5  Visual summaries", align="left")
        call_command("pregenerate", **_pregenerate_options(options, run), **quiet, stdout=self.stdout._out)
        target.rule("2 of 5  Study", align="left")
        call_command("create_study", preset="paper-2018", slug=slug, seed=options["seed"], **quiet)
        call_command("import_stimuli", str(run), study=slug, launch=True, **quiet)
        target.rule("3 of 5  Simulated participants", align="left")
        call_command(
            "simulate_participants", study=slug, participants=options["participants"], seed=options["seed"], **quiet
        )
        target.rule("4 of 5  Export", align="left")
        call_command("export_study", study=slug, out=export, **quiet)
        target.rule("5 of 5  Report", align="left")
        _write_report(export, report, quiet=options["quiet"])

        password = _admin_password(var / "admin_password")
        results = json.loads((report / "results.json").read_text(encoding="utf-8"))
        target.print()
        print_table(target, "Answers of programs, not of people", COLUMNS, result_rows(results), json=options["json"])
        for claim in results["claims"]:
            target.print(f"{claim['question']} {claim['words']}", soft_wrap=True)
        target.print()
        base = f"http://127.0.0.1:{options['port']}"
        places = [
            ("run", run),
            ("export", export),
            ("report", report / "report.html"),
            ("take part", f"{base}/s/{slug}/"),
            ("admin", f"{base}/admin/   user {ADMIN}   password {password}"),
            ("time", f"{time.monotonic() - started:.0f} s"),
        ]
        for name, place in places:
            target.print(f"{name:>10}  {place}", soft_wrap=True)


def _run_name(options: dict[str, Any]) -> str:
    source = options["images"].resolve().name if options["images"] else options["dataset"] or DRAWN_BIRDS
    return f"{SLUG}-{source}"


def _pregenerate_options(options: dict[str, Any], run: Path) -> dict[str, Any]:
    photographs = options["images"] is not None or options["dataset"] is not None
    chosen: dict[str, Any] = {
        "networks": options["networks"] or (PHOTOGRAPH_NETWORKS if photographs else DRAWN_NETWORKS),
        "preset": options["preset"],
        "seed": options["seed"],
        "out": run,
    }
    if options["images"] is not None:
        chosen["images"] = options["images"]
    else:
        chosen["dataset"] = options["dataset"] or DRAWN_BIRDS
    for name in ("classes", "per_class"):
        if options[name] is not None:
            chosen[name] = options[name]
    return chosen


def free_slug() -> str:
    """``demo``, after deleting the programs' study of an earlier demo; ``demo-2`` and so on where people answered."""
    number = 1
    while True:
        slug = SLUG if number == 1 else f"{SLUG}-{number}"
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            return slug
        if not study.participants.filter(simulated=False).exists():
            study.delete()
            return slug
        number += 1


def _write_report(export: Path, report: Path, *, quiet: bool) -> None:
    from analysis.__main__ import main

    status = main([str(export), "--out", str(report), *(["--quiet"] if quiet else [])])
    if status:
        raise CommandError(
            f"The report could not be made; run `python -m analysis {export} --out {report}` to see why."
        )


def result_rows(results: dict[str, Any]) -> list[list[Any]]:
    """One row per class and network of ``results.json``: counts, and the statistics of the summaries."""
    values = {
        (record["class"], record["network"], record["statistic"]): record["value"]
        for record in results["results"]
        if record["scope"] == "condition" and record["arm"] == "summaries"
    }
    rows = []
    for cell in results["parts"]:
        numbers = [values.get((cell["class"], cell["network"], statistic)) for statistic in STATISTICS]
        names = ", ".join(f"{name} {votes}/{answers}" for name, votes, answers in cell["names"])
        counts = [cell["summaries"], "–" if cell["nameable"] is None else cell["nameable"]]
        rows.append(
            [cell["class"], cell["network"], *counts, *("–" if number is None else number for number in numbers), names]
        )
    return rows


def _admin_password(path: Path) -> str:
    """Password of the demo's administrator, made once and kept where only the owner of the files can read it."""
    user, created = get_user_model().objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
    )
    if not created and path.exists():
        return path.read_text(encoding="utf-8").strip()
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    path.touch(mode=0o600)
    path.write_text(password + "\n", encoding="utf-8")
    return password
