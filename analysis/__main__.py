"""``python -m analysis DIR --out REPORT``: from an export directory to a report.

``python -m analysis paper-2018 DIR --out REPORT`` does the same and refuses data that lack what one of the paper's
claims needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from analysis.answers import LEVELS
from analysis.evaluation import Evaluation, evaluate
from analysis.interpretability import InferenceOptions, NameableRule
from analysis.plan import AnalysisPlan
from analysis.replication import ReplicationError, missing_for_replication
from analysis.report import json_text, write_report
from analysis.schema import ExportError, load
from analysis.selection import SelectionOptions
from analysis.synonyms import read_synonyms
from analysis.wording import interval_text, value_text
from analysis.wordnet import find_directory, read_wordnet

OK, BAD_EXPORT, BAD_USAGE, CANNOT_WRITE = 0, 1, 2, 3
"""Exit codes."""
COMPLAINTS_SHOWN = 20
COMMANDS = {"power": "analysis.power_command"}
"""Words that, as the first argument, call the ``main`` of another module instead of analysing a directory."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    defaults = InferenceOptions()
    out = argparse.ArgumentParser(
        prog="python -m analysis",
        usage="%(prog)s [paper-2018] DIR [options]",
        description="Analyse the export of a study. With paper-2018 first, refuse data that lack what one of the "
        "claims of arXiv 1801.09103 needs.",
        epilog="python -m analysis power --help: how many people and summaries a study needs.",
    )
    out.add_argument(
        "directory", type=Path, metavar="DIR", help="export directory with responses_long.csv and the rest"
    )
    out.add_argument(
        "--out", type=Path, metavar="REPORT", help="directory for the report, or the path of its .html file"
    )
    out.add_argument("--json", type=Path, metavar="FILE", help="write every number to this file as JSON")
    out.add_argument("--seed", type=int, default=defaults.seed, help="of the bootstrap (default %(default)s)")
    out.add_argument("--bootstrap", type=int, default=defaults.draws, metavar="N", help="draws (default %(default)s)")
    out.add_argument("--include-active", action="store_true", help="also take participants who have not finished")
    out.add_argument(
        "--simulated", action="store_true", help="analyse answers of programs although people answered too"
    )
    out.add_argument("--method", help="analyse one explanation method only")
    out.add_argument(
        "--nameable",
        choices=[str(rule) for rule in NameableRule],
        default=str(defaults.nameable_rule),
        help="what must reach one half before a summary counts as nameable (default %(default)s)",
    )
    out.add_argument(
        "--names",
        choices=list(LEVELS),
        help="level at which names are compared (default: that of the frozen plan, else l2)",
    )
    out.add_argument(
        "--synonyms", type=Path, metavar="CSV", help="merges that a person confirmed: columns class, name, into"
    )
    out.add_argument(
        "--wordnet", type=Path, metavar="DIR", help="WordNet's files, for suggestions (default: WORDNET_DIRECTORY)"
    )
    out.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for a bad export, 2 for bad usage, 3 when writing fails."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return int(import_module(COMMANDS[given[0]]).main(given[1:]))
    replicate = given[:1] == ["paper-2018"]
    options = parser().parse_args(given[replicate:])
    console = Console(highlight=False, markup=False, emoji=False)
    errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    try:
        evaluation = analyse(options, replicate=replicate)
    except ExportError as error:
        for complaint in error.complaints[:COMPLAINTS_SHOWN]:
            errors.print(str(complaint))
        if len(error.complaints) > COMPLAINTS_SHOWN:
            errors.print(f"… and {len(error.complaints) - COMPLAINTS_SHOWN} more problems.")
        return BAD_EXPORT
    except ReplicationError as error:
        errors.print("These data cannot answer the paper's questions.")
        for lack in error.lacks:
            errors.print(str(lack))
        return BAD_EXPORT
    except ValueError as error:
        errors.print(str(error))
        return BAD_USAGE
    if not options.quiet:
        show(evaluation, console)
    try:
        written = write_report(evaluation, page_path(options.out)) if options.out else []
        if options.json:
            options.json.write_text(json_text(evaluation), encoding="utf-8")
    except OSError as error:
        errors.print(f"Cannot write {error.filename}: {error.strerror}. Choose another place with --out.")
        return CANNOT_WRITE
    if written and not options.quiet:
        console.print(str(written[0]), soft_wrap=True)
    return OK


def analyse(options: argparse.Namespace, *, replicate: bool) -> Evaluation:
    """Load and evaluate as the options say.

    Raises:
        ExportError: the export, or the file of synonyms, is not sound.
        ReplicationError: ``replicate`` is asked for, and a claim lacks data.
        ValueError: an option does not fit the export.
    """
    export = load(options.directory)
    plan = (export.study_file.plan if export.study_file else None) or AnalysisPlan()
    infer = InferenceOptions(
        draws=options.bootstrap,
        seed=options.seed,
        level=round(1 - plan.alpha, 10),
        name_level=options.names or plan.name_level,
        nameable_rule=NameableRule(options.nameable),
    )
    choose = SelectionOptions(include_active=options.include_active, simulated=options.simulated, method=options.method)
    if replicate:
        lacks = missing_for_replication(export, selection_options=choose, inference_options=infer)
        if lacks:
            raise ReplicationError(lacks)
    wordnet = find_directory(options.wordnet)
    return evaluate(
        export,
        selection_options=choose,
        inference_options=infer,
        synonyms=read_synonyms(options.synonyms) if options.synonyms else None,
        wordnet=read_wordnet(wordnet) if wordnet else None,
    )


def page_path(out: Path) -> Path:
    """Where the page goes: ``out`` itself when it ends in .html, otherwise ``report.html`` inside it."""
    return out if out.suffix == ".html" else out / "report.html"


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the four questions; as tab-separated lines where nobody watches."""
    rows = [
        (
            claim.question,
            value_text(claim.estimate, share=claim.share, digits=1),
            interval_text(claim.estimate, share=claim.share, digits=1),
            str(claim.verdict),
        )
        for claim in evaluation.claims
    ]
    if not console.is_terminal:
        for row in rows:
            console.file.write("\t".join(row) + "\n")  # console.print would turn tabs into spaces
        return
    console.print(evaluation.answer)
    table = Table("question", "value", "interval", "verdict")
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
