"""Values as they stand in files: CSV cells that no spreadsheet runs as a formula, moments, lines of JSON."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from study.contract import Table

Item = TypeVar("Item")
Row = dict[str, Any]
GUARDED = re.compile("'*[=+\\-@\\t\\r\\n#＝＋－＠]")
"""Texts that get an apostrophe: those that a spreadsheet runs as a formula, or that read like its error messages
(`#NAME?`), and those that begin with apostrophes before such a sign, so that taking one off gives back what was typed.
`analysis.cells` and `import.R` take it off again and know the same signs."""
AS_JSON_ESCAPES = "backslashreplace"
"""How to encode JSON in UTF-8: a lone surrogate, which UTF-8 cannot hold, becomes JSON's own escape for it."""
LINE_END = "\r\n"
"""As RFC 4180 has it. With a bare newline, Python's csv module (before 3.13) leaves texts that hold a carriage return
without quotes, and readers take its rest for another row."""
ROWS_AT_ONCE = 2000


class ExportError(RuntimeError):
    """The rows do not follow the contract, a picture is missing, or a profile refuses; the message says what to do."""


def cell(value: Any) -> str:
    """Return a value as it stands in a CSV file.

    Missing values are empty, times are UTC with milliseconds, and text that a spreadsheet would take for a formula
    gets an apostrophe in front; numbers never do.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return truth(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    return guarded(str(value))


def guarded(text: str) -> str:
    """Return a text with one more apostrophe in front where a spreadsheet would run it; see `GUARDED`."""
    return f"'{text}" if GUARDED.match(text) else text


def truth(value: bool) -> str:
    """Return a truth value as `true` or `false`."""
    return "true" if value else "false"


def timestamp(moment: datetime) -> str:
    """Return a moment as UTC in ISO 8601 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_FORMATTERS: dict[str, Callable[[Any], Any] | None] = {
    "string": lambda text: guarded(str(text)),
    "boolean": truth,
    "datetime": timestamp,
    "integer": None,  # the csv module writes numbers as `str` and `repr` do
    "number": None,
}


def csv_chunks(table: Table, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield a table as RFC 4180 text in UTF-8, columns in the contract's order, about 2,000 rows at a time.

    Raises:
        ExportError: a row has other columns than the contract (their order does not matter), or lacks a required value.
    """
    names = table.column_names
    formatters = [_FORMATTERS[column.type] for column in table.columns]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=LINE_END)
    writer.writerow(names)
    for batch in batches(checked(table, rows)):
        writer.writerows(
            [
                value if value is None or formatter is None else formatter(value)
                for value, formatter in zip(row, formatters, strict=True)
            ]
            for row in batch
        )
        yield _taken(buffer)
    if buffer.tell():
        yield _taken(buffer)


def checked(table: Table, rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
    """Yield each row's values in the contract's order.

    Raises:
        ExportError: as `csv_chunks`.
    """
    names = table.column_names
    expected = set(names)
    required = [number for number, column in enumerate(table.columns) if column.required]
    for number, row in enumerate(rows, start=1):
        if row.keys() != expected:
            raise ExportError(f"{table.name}: a row differs from the contract in {sorted(row.keys() ^ expected)}.")
        values = [row[name] for name in names]
        for index in required:
            if values[index] is None:
                missing = [names[index] for index in required if values[index] is None]
                raise ExportError(f"{table.name}, row {number}: {', '.join(missing)} is missing, but required.")
        yield values


def plain_csv_chunks(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield rows of any values as CSV in UTF-8, for tables that no contract fixes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=LINE_END)
    writer.writerow([guarded(name) for name in columns])
    for batch in batches(rows):
        writer.writerows([cell(value) for value in row] for row in batch)
        yield _taken(buffer)
    if buffer.tell():
        yield _taken(buffer)


def json_line_chunks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows as they are, one JSON object per line, about 2,000 at a time; lone surrogates survive as well."""
    encode = json.JSONEncoder(ensure_ascii=False, default=_plain, check_circular=False).encode
    for batch in batches(rows):
        yield ("\n".join(map(encode, batch)) + "\n").encode(errors=AS_JSON_ESCAPES)


def json_chunks(content: Any) -> Iterator[bytes]:
    """Yield one indented JSON document."""
    yield (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode(errors=AS_JSON_ESCAPES)


def json_text(content: Any) -> str:
    """Return a JSON document on one line, as a cell holds it."""
    return json.dumps(content, ensure_ascii=False).encode(errors=AS_JSON_ESCAPES).decode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    raise TypeError(f"{type(value).__name__} is no value of an export.")


def batches(rows: Iterable[Item], size: int = ROWS_AT_ONCE) -> Iterator[list[Item]]:
    """Yield the rows in lists of `size`, the last one shorter."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def lone_surrogate(error: UnicodeEncodeError) -> ExportError:
    """Return what to raise where a text cannot be written as UTF-8."""
    return ExportError(
        f"A text holds the lone surrogate U+{ord(error.object[error.start]):04X}, which is no character: no CSV or "
        "Parquet file can hold it, and no database stores it. Look where the text comes from."
    )


def _taken(buffer: io.StringIO) -> bytes:
    try:
        content = buffer.getvalue().encode()
    except UnicodeEncodeError as error:
        raise lone_surrogate(error) from error
    buffer.seek(0)
    buffer.truncate()
    return content
