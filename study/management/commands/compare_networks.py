"""``manage.py compare_networks``: what the networks and methods of a run yield, side by side."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study.management.console import console, print_table


class Command(BaseCommand):
    """Three tables: explainers, how much their summaries agree, and the most important summaries."""

    help = "Compare the networks and explanation methods of a finished run."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("run", type=Path, help="run directory that pregenerate wrote")
        parser.add_argument(
            "--summaries", type=int, default=10, help="how many of the most important summaries to list"
        )
        parser.add_argument("--json", type=Path, help="also write the first table to this file")

    def handle(self, **options: Any) -> None:
        """Read the manifest and print."""
        from vsum_core.comparison import compare_explainers, compare_pairs, summary_importance
        from vsum_core.manifest import ManifestError, read

        try:
            manifest = read(options["run"])
        except ManifestError as error:
            raise CommandError(" ".join(str(error).split())) from error
        target = console(self.stdout)
        rows = [
            [
                row.network,
                row.method,
                _cell(row.accuracy),
                row.images,
                _cell(row.p0),
                _cell(row.p_thresholded),
                _cell(row.area),
                row.summaries,
                row.summaries_per_class,
                "–" if row.interval is None else f"{row.interval[0]:.2f} to {row.interval[1]:.2f}",
                _cell(row.members),
                _cell(row.member_drop),
                _cell(row.coverage),
                _cell(row.purity),
            ]
            for row in compare_explainers(manifest)
        ]
        columns = (
            "network", "method", "accuracy", "images", "p0", "p masked", "area", "summaries", "per class", "95 %",
            "members", "drop", "coverage", "purity",
        )  # fmt: skip
        print_table(target, f"Networks and methods of {options['run']}", columns, rows, json=options["json"])
        pairs = [
            [" · ".join(pair.first), " · ".join(pair.second), _cell(pair.overlap), _cell(pair.matched)]
            for pair in compare_pairs(manifest)
        ]
        if pairs:
            print_table(target, "Do they find the same summaries?", ("one", "other", "overlap", "matched"), pairs)
        important = [
            [row.summary, row.importance, row.mean_drop, row.share_of_images]
            for row in summary_importance(manifest)[: max(0, options["summaries"])]
        ]
        if important:
            heading = "Most important summaries (score drop explained per image of the class)"
            print_table(target, heading, ("summary", "importance", "drop", "share of images"), important)


def _cell(value: float | None) -> float | str:
    return "–" if value is None else value
