"""``python -m analysis power``: simulate studies, say how many people they need, draw power and width."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from analysis.power import MEASURES, PowerOptions, power_table, smallest_sample
from analysis.simulate import StudyDesign

OK, BAD_USAGE, CANNOT_WRITE = 0, 2, 3
HELP = {
    "classes": "classes of images",
    "networks": "networks; each has summaries of every class",
    "random_regions": "control stimuli per class and network",
    "trials": "naming trials per participant (default: everything)",
    "nameability": "true share of names, first network",
    "network_effect": "log odds added from network to network",
    "random_nameability": "true share of names of random regions",
    "participant_spread": "SD of participants' log odds",
    "summary_spread": "SD of summaries' log odds",
    "vocabulary": "words of a class",
    "zipf": "exponent of their frequencies",
    "concentration": "small: people agree on one word of each summary",
    "intruder_trials": "intruder trials per participant",
    "intruder_precision": "true share of intruders found",
    "intruder_options": "tiles to choose from",
}
PLANNED = {
    "nameability": 0.6,
    "network_effect": 0.7,
    "random_nameability": 0.4,
    "concentration": 1.0,
    "intruder_trials": 10,
    "intruder_precision": 0.25,
}
"""Defaults of the command that differ from the design's: effects of which one would not be sure beforehand."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    defaults = PowerOptions()
    out = argparse.ArgumentParser(
        prog="python -m analysis power",
        description="Simulate whole studies and say how many participants and summaries they need.",
    )
    out.add_argument("--participants", type=int, nargs="+", default=list(defaults.participants), metavar="N")
    out.add_argument(
        "--summaries", type=int, nargs="+", default=list(defaults.summaries), metavar="N", help="per class and network"
    )
    out.add_argument("--studies", type=int, default=defaults.studies, help="per size (default %(default)s)")
    out.add_argument("--seed", type=int, default=defaults.seed, help="default %(default)s")
    out.add_argument("--level", type=float, default=defaults.level, help="coverage (default %(default)s)")
    out.add_argument("--power", type=float, default=0.8, help="that is wanted (default %(default)s)")
    out.add_argument("--out", type=Path, metavar="DIR", help="write power.csv, power.svg and power.png there")
    truth = out.add_argument_group("what is true")
    for field in fields(StudyDesign):
        if field.name in HELP:
            default = PLANNED.get(field.name, field.default)
            kind = int if isinstance(field.default, int) or field.name == "trials" else float
            text = HELP[field.name] + ("" if default is None else " (default %(default)s)")
            flag = f"--{field.name.replace('_', '-')}"
            truth.add_argument(flag, type=kind, default=default, metavar="X", help=text)
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, 2 for bad usage, 3 when writing fails."""
    given = parser().parse_args(arguments)
    console = Console(highlight=False, markup=False, emoji=False)
    errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    try:
        design = StudyDesign(**{name: getattr(given, name) for name in HELP})
        options = PowerOptions(
            participants=sorted(given.participants),
            summaries=sorted(given.summaries),
            studies=given.studies,
            seed=given.seed,
            level=given.level,
        )
        table = power_table(design, options=options)
    except ValueError as error:
        errors.print(str(error))
        return BAD_USAGE
    show(table, console, power=given.power)
    if given.out is None:
        return OK
    try:
        for path in write(table, given.out, power=given.power):
            console.print(str(path), soft_wrap=True)
    except OSError as error:
        errors.print(f"Cannot write {error.filename}: {error.strerror}. Choose another place with --out.")
        return CANNOT_WRITE
    return OK


def show(table: pd.DataFrame, console: Console, *, power: float) -> None:
    """Print power and half-width of every size, and the smallest size that suffices."""
    if not console.is_terminal:
        console.file.write(table.to_csv(index=False, sep="\t", float_format="%.4f"))
        return
    for measure, question in MEASURES.items():
        own = table[table["measure"] == measure]
        if own.empty:
            continue
        grid = Table("participants", *(f"{count} summaries" for count in own["summaries"].unique()), title=question)
        for participants, row in own.groupby("participants"):
            cells = [f"{cell.power:.0%} (± {cell.half_width:.3f})" for cell in row.itertuples()]
            grid.add_row(str(participants), *cells)
        console.print(grid)
        least = smallest_sample(table, measure, power=power)
        words = "no size reaches" if least is None else f"{least[0]} participants and {least[1]} summaries reach"
        console.print(f"{words} a power of {power:.0%}\n")


def write(table: pd.DataFrame, directory: Path, *, power: float) -> list[Path]:
    """Write the table as CSV and the figure as SVG and PNG; returns the paths."""
    from analysis.power_figure import power_figure

    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"power.{suffix}" for suffix in ("csv", "svg", "png")]
    table.to_csv(paths[0], index=False)
    figure = power_figure(table, power=power)
    figure.savefig(paths[1])
    figure.savefig(paths[2], dpi=150)
    return paths
