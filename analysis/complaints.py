"""What is wrong with an export: where, what, and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

SHOWN_PER_COLUMN = 3
"""Complaints of one kind that are spelt out before the rest are counted."""


@dataclass(frozen=True)
class Complaint:
    """One thing wrong with an export: where it is, what it is, and what to do. ``row`` counts the header as row 1."""

    file: str
    message: str
    mend: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        row = "" if self.row is None else f", row {self.row}"
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.file}{row}{column}: {self.message} {self.mend}"


class ExportError(Exception):
    """An export directory that cannot be analysed.

    Attributes:
        complaints: every problem found, in the order of the files.
    """

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in complaints))


def complain(
    complaints: list[Complaint],
    bad: pd.Series[Any],
    values: pd.Series[Any],
    place: tuple[str, str],
    text: str,
    mend: str,
) -> None:
    """Append complaints for the rows where ``bad`` is true, the first three one by one and the rest as a number.

    Args:
        complaints: receives them.
        bad: truth value per row, in the order of the file.
        values: cells of the same rows.
        place: file and column.
        text: what is wrong; may show the cell as ``{cell}``.
        mend: what to do.
    """
    rows = [int(row) for row in bad.to_numpy().nonzero()[0]]
    file, column = place
    for row in rows[:SHOWN_PER_COLUMN]:
        cell = values.iloc[row]
        shown = repr("" if pd.isna(cell) else str(cell)[:80])
        complaints.append(Complaint(file, text.replace("{cell}", shown), mend, row=row + 2, column=column))
    if len(rows) > SHOWN_PER_COLUMN:
        more = f"{len(rows) - SHOWN_PER_COLUMN} more rows have the same problem."
        complaints.append(Complaint(file, more, mend, column=column))
