"""An export as a ZIP file that is sent while it is written: no temporary file, constant memory."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from study.exports.files import ExportFile

STORED_SUFFIXES = (".webp", ".png", ".jpg", ".parquet")
"""Compressed already."""
SEND_AT_LEAST = 1 << 16


def zip_chunks(files: Iterable[ExportFile], *, folder: str) -> Iterator[bytes]:
    """Yield a ZIP archive with all files below one folder.

    Raises:
        ExportError: as the files' chunks; the archive then lacks its end, so that no program takes it for whole.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in files:
            information = zipfile.ZipInfo(f"{folder}/{file.name}")
            information.external_attr = 0o644 << 16
            stored = file.name.endswith(STORED_SUFFIXES)
            information.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            with archive.open(information, "w", force_zip64=True) as stream:
                for chunk in file.chunks():
                    stream.write(chunk)
                    if sink.size >= SEND_AT_LEAST:
                        yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Bytes on their way; not seekable, so that `zipfile` writes sizes after the content."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        """Say that this can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        piece = bytes(data)
        self._pieces.append(piece)
        self.size += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return the pieces that were not taken yet."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return taken
