"""The command line: one run on each database, in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks.torture.databases import DATABASES, NoDatabaseError, fresh_database
from benchmarks.torture.processes import ROOT
from benchmarks.torture.run import Plan, torture

TABLES = ("kills", "refused")


def in_own_process(arguments: argparse.Namespace, kind: str) -> dict[str, Any]:
    """Run it in a process whose settings point to a database of its own, and return the outcome.

    Raises:
        NoDatabaseError: there is no database of this kind.
    """
    with tempfile.TemporaryDirectory() as var, fresh_database(kind, Path(var)) as url:
        command = [sys.executable, "-m", "benchmarks.torture", "--here"]
        for option in fields(Plan):
            name, value = f"--{option.name.replace('_', '-')}", getattr(arguments, option.name)
            command += ([name] if value else []) if isinstance(value, bool) else [name, str(value)]
        own = {"DATABASE_URL": url, "VAR_DIRECTORY": var, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "0"}
        result = subprocess.run(  # noqa: S603  (the command is built here)
            command, cwd=ROOT, env=os.environ | own, stdout=subprocess.PIPE, text=True
        )
    if result.returncode:
        raise SystemExit(f"The run on {kind} ended with {result.returncode}.")
    return dict(json.loads(result.stdout.strip().splitlines()[-1]))


def main() -> int:
    """Run, print, and end with 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="processes killed on each database")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--people", type=int, default=8, help="people who answer at the same time")
    parser.add_argument("--places", type=int, default=40, help="slots of each study; a full one is followed by another")
    parser.add_argument("--trials", type=int, default=8, help="trials of each participant")
    parser.add_argument("--workers", type=int, default=3, help="gunicorn's processes")
    parser.add_argument("--threads", type=int, default=2, help="threads of each")
    parser.add_argument("--mean-pause", type=float, default=0.08, help="seconds between kills, on average")
    parser.add_argument("--migrate", action="store_true", help="apply the last migration while people answer")
    parser.add_argument("--here", action="store_true", help="run on the database of the environment, print JSON")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON, by database")
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(torture(Plan(**{option.name: getattr(arguments, option.name) for option in fields(Plan)}))))
        return 0
    outcomes, missing = {}, {}
    for kind in arguments.databases:
        try:
            outcomes[kind] = in_own_process(arguments, kind)
        except NoDatabaseError as error:
            missing[kind] = str(error)
    if arguments.json:
        print(json.dumps(outcomes))
    else:
        print_outcomes(outcomes)
    for kind, reason in missing.items():
        print(f"{kind}: not run. {reason}", file=sys.stderr)
    return 1 if missing or any(outcome["problems"] for outcome in outcomes.values()) else 0


def print_outcomes(outcomes: dict[str, dict[str, Any]]) -> None:
    """Print every number of every outcome, and what is wrong."""
    for outcome in outcomes.values():
        for name, value in outcome.items():
            if name != "problems":
                words = ", ".join(f"{key}: {number}" for key, number in value.items()) if name in TABLES else value
                print(f"{name.replace('_', ' '):20} {words if words != '' else 'none'}")
        for problem in outcome["problems"]:
            print(f"PROBLEM              {problem}")
        print()


if __name__ == "__main__":
    sys.exit(main())
