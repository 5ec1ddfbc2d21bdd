"""Making a backup: aside first, then checked, then put in place under its name."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from study.backups.databases import dump
from study.backups.erasures import keep_erasures, known_erasures
from study.backups.manifest import (
    PICTURE,
    PICTURES,
    BackupError,
    Manifest,
    backups_in,
    check_files,
    describe,
    key_fingerprint,
    read_manifest,
    write_manifest,
)
from study.exports.directory import whole_file


@dataclass(frozen=True)
class Backup:
    """A backup that was made, its manifest, and the older ones that were deleted."""

    directory: Path
    manifest: Manifest
    deleted: list[Path] = field(default_factory=list)


def make_backup(
    directory: Path, *, keep: int | None = None, on_picture: Callable[[int, int], None] = lambda done, total: None
) -> Backup:
    """Write a backup into a directory of backups, read it again, and only then delete all but the newest `keep`.

    The database is copied first: pictures are stored before the rows that point to them, so every picture of the copy
    is there. `on_picture` is called with the number of pictures done and their total.

    Raises:
        BackupError: the copy is not sound, or a backup of this second exists.
        OSError: the disk is full, or the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = timezone.now()
    target = directory / now.strftime("backup-%Y%m%dT%H%M%SZ")
    if target.exists():
        raise BackupError(f"{target} exists already; wait a second.")
    draft = Path(tempfile.mkdtemp(prefix=".backup-", dir=directory))
    try:
        dumped = dump(draft)
        pictures = _pictures()
        for number, name in enumerate(pictures, start=1):
            _copy(Path(settings.MEDIA_ROOT) / name, draft / name)
            on_picture(number, len(pictures))
        files = {
            path.relative_to(draft).as_posix(): describe(path) for path in sorted(draft.rglob("*")) if path.is_file()
        }
        manifest = Manifest(
            made_at=now.isoformat(),
            vendor="sqlite" if "database.sqlite3" in files else "postgresql",
            migrations=dumped.migrations,
            rows=dumped.rows,
            key_fingerprint=key_fingerprint(),
            files=files,
        )
        write_manifest(draft, manifest)
        check_files(draft, read_manifest(draft))
        keep_erasures(directory, known_erasures())
        draft.rename(target)
        _synchronise(directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Backup(target, manifest, _delete_old(directory, keep=keep) if keep else [])


def _pictures() -> list[str]:
    """Return the pictures of all stimuli, by their path below the media directory; no drafts."""
    root = Path(settings.MEDIA_ROOT)
    found = (path.relative_to(root).as_posix() for path in (root / PICTURES).rglob("*") if path.is_file())
    return sorted(name for name in found if PICTURE.fullmatch(name))


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as original, whole_file(target) as stream:
        shutil.copyfileobj(original, stream)


def _delete_old(directory: Path, *, keep: int) -> list[Path]:
    old = list(backups_in(directory))[:-keep]
    for path in old:
        doomed = path.with_name(f".{path.name}-deleted")
        path.rename(doomed)  # whatever happens now, nobody takes it for a whole backup
        shutil.rmtree(doomed)
    return old


def _synchronise(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
