"""``python -m analysis DIR --out REPORT``: from an export directory to a report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from analysis.evaluation import Evaluation, evaluate
from analysis.interpretability import InferenceOptions, NameableRule
from analysis.report import json_text, write_report
from analysis.schema import ExportError, load
from analysis.selection import SelectionOptions, UnknownMethodError
from analysis.wording import interval_text, value_text

OK, BAD_EXPORT, BAD_USAGE, CANNOT_WRITE = 0, 1, 2, 3
"""Exit codes."""
COMPLAINTS_SHOWN = 20


def parser() -> argparse.ArgumentParser:
    """The command line."""
    defaults = InferenceOptions()
    out = argparse.ArgumentParser(prog="python -m analysis", description="Analyse the export of a study.")
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
    out.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for a bad export, 2 for bad usage, 3 when writing fails."""
    options = parser().parse_args(arguments)
    console = Console(highlight=False, markup=False, emoji=False)
    errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    try:
        infer = InferenceOptions(
            draws=options.bootstrap, seed=options.seed, nameable_rule=NameableRule(options.nameable)
        )
        choose = SelectionOptions(
            include_active=options.include_active, simulated=options.simulated, method=options.method
        )
        evaluation = evaluate(load(options.directory), selection_options=choose, inference_options=infer)
    except ExportError as error:
        for complaint in error.complaints[:COMPLAINTS_SHOWN]:
            errors.print(str(complaint))
        if len(error.complaints) > COMPLAINTS_SHOWN:
            errors.print(f"… and {len(error.complaints) - COMPLAINTS_SHOWN} more problems.")
        return BAD_EXPORT
    except (UnknownMethodError, ValueError) as error:
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
