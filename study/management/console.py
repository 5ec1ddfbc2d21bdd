"""What the commands print: progress bars with totals and remaining time, and tables.

Quiet in pipes, and NO_COLOR is respected.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table


def console(output: OutputWrapper, *, quiet: bool = False) -> Console:
    """A console on a command's ``stdout`` that prints nothing when ``quiet``, and everything else as it is.

    Names of classes and networks may hold brackets and colons, which are neither markup nor emoji.
    """
    stream = cast("TextIO", output._out)
    width = None if stream.isatty() else 140
    return Console(file=stream, quiet=quiet, highlight=False, markup=False, emoji=False, width=width)


class StageBars:
    """Progress bars, one per stage; receives what :class:`vsum_core.progress.Progress` describes.

    In a pipe no bar is drawn; each finished stage becomes one line.
    """

    def __init__(self, target: Console) -> None:
        self._console = target
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=target,
            disable=not target.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._totals: dict[str, int] = {}

    def __enter__(self) -> StageBars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, stage: str, total: int) -> None:
        """Show a bar for the stage; a stage with nothing left to do shows as already done."""
        self._totals[stage] = total
        self._tasks[stage] = self._progress.add_task(stage, total=max(total, 1), completed=0 if total else 1)

    def advance(self, stage: str, count: float = 1) -> None:
        """Move the stage's bar."""
        self._progress.advance(self._tasks[stage], count)

    def finish(self, stage: str) -> None:
        """Fill the bar; in a pipe, say that the stage is done."""
        total = self._totals[stage]
        self._progress.update(self._tasks[stage], completed=max(total, 1))
        if not self._console.is_terminal:
            self._console.print(f"{stage}: " + (f"{total} of {total}" if total else "nothing to do"), soft_wrap=True)


def print_table(
    target: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, json: Path | None = None
) -> None:
    """Print a table; numbers are aligned to the right. With ``json`` the same table goes to that file too."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) or row[index] in ("", "–") for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    target.print(table)
    if json is not None:
        _write_json(json, columns, rows)


def _write_json(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A list with one object per row; a dash, which stands for no value, becomes null."""
    records = [
        {column: None if cell == "–" else cell for column, cell in zip(columns, row, strict=True)} for row in rows
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dumps(records, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"Cannot write {path}: {reason}. Choose another file for --json.") from error


class PictureBar:
    """Moves one bar of :class:`StageBars` as pictures come; called with how many there are, and the total."""

    def __init__(self, bars: StageBars) -> None:
        self._bars = bars

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are there."""
        if done == 1:
            self._bars.start("pictures", total)
        self._bars.advance("pictures")
        if done == total:
            self._bars.finish("pictures")
