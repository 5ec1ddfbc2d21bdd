"""Build and execute the notebooks of the documentation from their scripts.

    python -m benchmarks.notebooks [NAME ...]

Every ``docs/notebooks/<name>.py`` (percent format) becomes ``docs/notebooks/<name>.ipynb`` with its outputs, run from
the root of the repository. Birds, networks and runs lie in ``var/`` and are used again. Needs requirements-dev.txt.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
LARGEST = 300_000
"""Bytes a notebook may have; pictures in it must stay small."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebooks", description="Build the notebooks.")
    parser.add_argument("names", nargs="*", help="scripts without .py; all where left out")
    options = parser.parse_args(arguments)
    for script in sorted(FOLDER.glob("*.py")):
        if options.names and script.stem not in options.names:
            continue
        started = time.perf_counter()
        size = build(script)
        print(f"{script.stem}: {size} bytes, {time.perf_counter() - started:.0f} s", flush=True)
        if size > LARGEST:
            raise SystemExit(f"{script.stem}.ipynb has {size} bytes; {LARGEST} are allowed. Show smaller pictures.")


def build(script: Path) -> int:
    """Execute one script as a notebook and write it beside the script; returns its size in bytes."""
    notebook = jupytext.reads(script.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    resources = {"metadata": {"path": str(FOLDER.parent.parent)}}
    NotebookClient(notebook, timeout=3600, resources=resources, record_timing=False).execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{script.stem}-{number}"  # the same on every build
        # tqdm, which Captum brings along, warns about a missing widget, with the path of this machine.
        cell["outputs"] = [one for one in cell.get("outputs", []) if "IProgress not found" not in one.get("text", "")]
        if cell["cell_type"] != "code":
            del cell["outputs"]
    target = script.with_suffix(".ipynb")
    nbformat.write(notebook, target)  # type: ignore[no-untyped-call]  # the package has no types
    return target.stat().st_size


if __name__ == "__main__":
    main()
