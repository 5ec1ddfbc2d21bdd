"""Tables as they stand on the report's page: cells with what is read and what is sorted by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import wording
from analysis.estimates import Estimate


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is read, and what is sorted by."""

    text: str
    order: float | str | None = None
    title: str = ""
    numeric: bool = False


def estimate_cell(estimate: Estimate, *, share: bool = False, digits: int = 2) -> Cell:
    """An estimate with its interval; the title says n and method, or why it is undefined."""
    title = estimate.reason or f"n = {estimate.n}; {estimate.method}"
    return Cell(wording.estimate_text(estimate, share=share, digits=digits), estimate.value, title, numeric=True)


def count_cell(value: Any) -> Cell:
    """A whole number, or a dash."""
    if value is None or pd.isna(value):
        return Cell(wording.NOTHING, numeric=True)
    return Cell(f"{int(value):,}".replace(",", "\u202f"), int(value), numeric=True)


def share_cell(value: Any) -> Cell:
    """A share in percent, or a dash."""
    missing = value is None or pd.isna(value)
    return Cell(wording.percent(None if missing else float(value)), None if missing else float(value), numeric=True)


def sheet(headings: list[str], rows: list[list[Cell]]) -> dict[str, Any]:
    """A table for the page; columns are numeric when their first cell is."""
    numeric = [bool(rows) and rows[0][column].numeric for column in range(len(headings))]
    return {"headings": list(zip(headings, numeric, strict=True)), "rows": rows}


def blank_cell() -> Cell:
    """An empty cell in a column of numbers."""
    return Cell("", numeric=True)


def p_cell(p_value: float | None) -> Cell:
    """A p value."""
    text = wording.NOTHING if p_value is None else "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
    return Cell(text, p_value, numeric=True)
