"""Answers as an SPSS file (.sav), with labels. All rows are held in memory: commands write it, never the web."""

from collections.abc import Iterable
from pathlib import Path

from study.contract import Table
from study.exports.cells import Row, checked


def write_sav(path: Path, table: Table, rows: Iterable[Row], *, title: str) -> None:
    """Write a table with pyreadstat: variable labels from the contract, truth values as 0 and 1, moments as times.

    Raises:
        ExportError: a row does not follow the contract.
    """
    import pandas
    import pyreadstat

    names = [column.name for column in table.columns]
    frame = pandas.DataFrame(list(checked(table, rows)), columns=names)
    for column in table.columns:
        if column.type in {"number", "integer", "boolean"}:
            frame[column.name] = frame[column.name].astype("Float64").astype("float64")
        elif column.type == "datetime":
            frame[column.name] = pandas.to_datetime(frame[column.name], utc=True).dt.tz_localize(None)
        else:
            frame[column.name] = frame[column.name].astype("object").where(frame[column.name].notna(), "")
    truth = {column.name: {0.0: "false", 1.0: "true"} for column in table.columns if column.type == "boolean"}
    pyreadstat.write_sav(
        frame,
        path,
        file_label=title[:60],
        column_labels={column.name: column.description[:255] for column in table.columns},
        variable_value_labels=truth,
        row_compress=True,
    )
