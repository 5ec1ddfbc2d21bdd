"""The only place where the core touches the run directory: objects by content hash, stage results by key.

Layout of a run directory::

    manifest.json                     written last, atomically
    objects/<aa>/<sha256>.<suffix>    immutable; the name is the SHA-256 of the content
    stages/<stage>/<key>.json         what a finished stage produced: plain values, and arrays as objects

Every file appears under its final name only when it is complete (written beside it, flushed to the disk, renamed), so a
run killed at any moment leaves nothing half-written, and a second run finds every finished stage.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

OBJECT_SUFFIXES = frozenset({"png", "webp", "jpg", "npz", "json"})
_LARGER = "move the run directory to a larger disk and name that with --out"
_WRITABLE = "Let this user read and write there, or choose a writable --out directory"
_MENDS = {
    errno.ENOSPC: f"Free space there, or {_LARGER}",
    errno.EDQUOT: f"Free space within this user's quota, or {_LARGER}",
    errno.EFBIG: f"Raise the limit on the size of files (ulimit -f), or {_LARGER}",
    errno.EROFS: _WRITABLE,
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
}


class StorageError(RuntimeError):
    """The run directory cannot be written or read; the message says why and what to do."""


@dataclass(frozen=True)
class StageResult:
    """What a finished stage left behind: JSON values and named arrays."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def key_of(**parts: Any) -> str:
    """SHA-256 (hex) of named JSON-serialisable parts; the order of the names does not matter."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Store:
    """One run directory.

    Args:
        directory: created when it does not exist.

    Raises:
        StorageError: the directory cannot be created or written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        with _storage_errors(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / "objects").mkdir(exist_ok=True)
            (self.directory / "stages").mkdir(exist_ok=True)

    def put(self, content: bytes, *, suffix: str) -> str:
        """Store bytes once and return their path relative to the directory, such as ``objects/ab/ab….webp``."""
        if suffix not in OBJECT_SUFFIXES:
            raise ValueError(f"suffix must be one of {sorted(OBJECT_SUFFIXES)}, but it is {suffix!r}.")
        digest = hashlib.sha256(content).hexdigest()
        relative = f"objects/{digest[:2]}/{digest}.{suffix}"
        path = self.directory / relative
        if not path.exists():
            self._write(path, content)
        return relative

    def read(self, relative: str) -> bytes:
        """Bytes of an object.

        Raises:
            StorageError: the object is missing, or its content does not match its name.
        """
        path = self.directory / relative
        with _storage_errors(path):
            content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != path.stem:
            raise StorageError(f"{path} is damaged: its content does not match its name. Delete it and run again.")
        return content

    def remember(
        self,
        stage: str,
        key: str,
        *,
        values: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray] | None = None,
        compressed: bool = True,
    ) -> StageResult:
        """Record a finished stage; the record appears only after everything it points to is on the disk.

        Large arrays that are read once and forgotten are better not ``compressed``: that takes longer than writing.
        """
        record: dict[str, Any] = {"values": dict(values)}
        if arrays:
            buffer = io.BytesIO()
            save = np.savez_compressed if compressed else np.savez
            save(buffer, **dict(arrays))  # type: ignore[arg-type]
            record["arrays"] = self.put(buffer.getvalue(), suffix="npz")
        content = json.dumps(record, sort_keys=True).encode()
        self._write(self._record_path(stage, key), content)
        return StageResult(values=json.loads(content)["values"], arrays=dict(arrays or {}))

    def recall(self, stage: str, key: str) -> StageResult | None:
        """What :meth:`remember` recorded, or ``None`` when the stage has to run (again).

        A record whose object is gone or damaged counts as not finished: the stage is deterministic, so running it again
        mends the directory.
        """
        path = self._record_path(stage, key)
        if not path.exists():
            return None
        with _storage_errors(path):
            record = json.loads(path.read_bytes())
        arrays: dict[str, np.ndarray] = {}
        if "arrays" in record:
            try:
                content = self.read(record["arrays"])
            except StorageError:
                (self.directory / record["arrays"]).unlink(missing_ok=True)
                return None
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        return StageResult(values=record["values"], arrays=arrays)

    def knows(self, stage: str, key: str) -> bool:
        """Whether a stage is recorded as finished; whether its arrays are undamaged only :meth:`recall` tells."""
        return self._record_path(stage, key).exists()

    def forget(self, stage: str, key: str) -> None:
        """Remove a record and its arrays; for results that only another stage needed. Unknown records are no error."""
        path = self._record_path(stage, key)
        with _storage_errors(path):
            if not path.exists():
                return
            arrays = json.loads(path.read_bytes()).get("arrays")
            path.unlink(missing_ok=True)
            if arrays is not None:
                (self.directory / arrays).unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> Path:
        """Write a file at the top of the directory atomically, such as ``manifest.json``."""
        path = self.directory / name
        self._write(path, text.encode())
        return path

    def _record_path(self, stage: str, key: str) -> Path:
        return self.directory / "stages" / stage / f"{key}.json"

    def _write(self, path: Path, content: bytes) -> None:
        with _storage_errors(path, size=len(content)):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).chmod(0o644)  # mkstemp gives 0600; a web server must be able to read pictures
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise


@contextlib.contextmanager
def _storage_errors(path: Path, *, size: int | None = None) -> Iterator[None]:
    """Say which file it was, what is missing and what to do; ``size`` is what was to be written, in bytes."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOSPC and size is not None:
            reason += f" ({size} bytes to write, {_free_bytes(path)} free)"
        mend = _MENDS.get(error.errno or 0, "Free space or choose a writable --out directory")
        raise StorageError(
            f"Cannot use {path}: {reason}. Finished work is kept. {mend}, and run the same command again."
        ) from error


def _free_bytes(path: Path) -> int:
    """Free bytes of the disk that holds the nearest folder above ``path`` that is there."""
    return shutil.disk_usage(next(folder for folder in path.parents if folder.exists())).free
