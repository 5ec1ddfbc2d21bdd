"""Answers as Apache Parquet: typed columns, written in groups of rows so that memory stays constant."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from study.contract import Table
from study.exports.cells import Row, batches, checked, lone_surrogate

ROWS_IN_GROUP = 20_000


def parquet_chunks(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the file piece by piece; columns and types are the contract's, moments are UTC in milliseconds.

    Raises:
        ExportError: a row does not follow the contract.
    """
    import pyarrow
    import pyarrow.parquet

    types = {
        "string": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "datetime": pyarrow.timestamp("ms", tz="UTC"),
    }
    schema = pyarrow.schema(
        [
            pyarrow.field(column.name, types[column.type], not column.required, {"description": column.description})
            for column in table.columns
        ]
    )
    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches(checked(table, rows), ROWS_IN_GROUP):
            try:
                columns = [
                    pyarrow.array(values, field.type)
                    for values, field in zip(zip(*batch, strict=True), schema, strict=True)
                ]
            except UnicodeEncodeError as error:
                raise lone_surrogate(error) from error
            writer.write_batch(pyarrow.record_batch(columns, schema=schema))
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """What was written since somebody took it; Parquet is written from front to back and needs no seeking."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Say that this can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes were written in all."""
        return self._written

    def take(self) -> bytes:
        """Return the pieces that were not taken yet."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
