"""Reading a run directory: the manifest is checked against its contract, each picture against its hash."""

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from django.conf import settings
from PIL import Image, UnidentifiedImageError

from study.models import Picture

MANIFEST_NAME = "manifest.json"
PICTURE_EXTENSIONS = frozenset({"webp", "png", "jpg"})
PICTURE_FORMATS = ("WEBP", "PNG", "JPEG")
LARGEST_PICTURE = 64_000_000
"""Pixels; a grid of a hundred cells of 800 × 800."""


class RunDirectoryError(ValueError):
    """A run directory cannot be imported; the message says what was expected and what to do."""


@dataclass(frozen=True)
class SummaryPictures:
    """The pictures of one summary: all cells in one, each cell, each region alone."""

    grid: Picture
    cells: tuple[Picture, ...]
    crops: tuple[Picture, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what `Stimulus.pictures` stores."""
        return {
            "grid": asdict(self.grid),
            "cells": [asdict(picture) for picture in self.cells],
            "crops": [asdict(picture) for picture in self.crops],
        }

    def __iter__(self) -> Iterator[Picture]:
        yield self.grid
        yield from self.cells
        yield from self.crops


@cache
def manifest_validator() -> jsonschema.Draft202012Validator:
    """Return the validator of `contracts/manifest.schema.json`."""
    schema = json.loads((settings.CONTRACTS_DIRECTORY / "manifest.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read and check the manifest of a run directory.

    Raises:
        RunDirectoryError: there is no manifest, it is no JSON, it breaks its schema, an identifier occurs twice, or a
            summary does not have one cell and one crop per member.
    """
    path = directory / MANIFEST_NAME
    if not path.is_file():
        raise RunDirectoryError(f"{path} does not exist; give the directory that `manage.py pregenerate` wrote.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path} is not valid JSON ({error}); pregenerate the run again.") from error
    if not _can_be_stored(manifest):
        raise RunDirectoryError(
            f"{path} holds NUL or a lone surrogate, which no database stores; pregenerate the run again."
        )
    violation = jsonschema.exceptions.best_match(manifest_validator().iter_errors(manifest))
    if violation is not None:
        place = "/".join(str(step) for step in violation.absolute_path) or "the top level"
        raise RunDirectoryError(
            f"{path} breaks its schema at {place}: {violation.message[:300]}. "
            "Pregenerate the run again with this version."
        )
    identifiers: set[str] = set()
    for summary in manifest["summaries"]:
        identifier = summary["id"]
        if identifier in identifiers:
            raise RunDirectoryError(f"{path}: summary {identifier!r} occurs twice; expected unique identifiers.")
        identifiers.add(identifier)
        for kind in ("cells", "crops"):
            found, expected = len(summary["files"][kind]), len(summary["members"])
            if found != expected:
                raise RunDirectoryError(
                    f"{path}: summary {identifier!r} has {found} {kind} for {expected} members; expected one each."
                )
    return dict(manifest)


def _can_be_stored(document: Any) -> bool:
    """Tell whether every database takes the document's texts."""
    try:
        return b"\\u0000" not in json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False


def refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities: Python writes them, but they are no JSON and no database takes them.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is no JSON number")


def read_pictures(directory: Path, summary: dict[str, Any]) -> SummaryPictures:
    """Check a summary's pictures and return what is known of them.

    Raises:
        RunDirectoryError: a picture is missing, leads outside the directory, differs from the hash in its name, is no
            picture, or has another size than the manifest says.
    """
    files = summary["files"]
    return SummaryPictures(
        grid=read_picture(directory, files["grid"]),
        cells=tuple(read_picture(directory, cell["file"], (cell["width"], cell["height"])) for cell in files["cells"]),
        crops=tuple(read_picture(directory, crop["file"], (crop["width"], crop["height"])) for crop in files["crops"]),
    )


def read_picture(directory: Path, file: str, size: tuple[int, int] | None = None) -> Picture:
    """Check one picture; `file` is its path in the run directory, `size` its expected width and height in pixels.

    Raises:
        RunDirectoryError: as `read_pictures`.
    """
    path = picture_source(directory, file)
    sha256, _, extension = path.name.partition(".")
    if extension not in PICTURE_EXTENSIONS:
        raise RunDirectoryError(f"{file} is no picture; expected {', '.join(sorted(PICTURE_EXTENSIONS))}.")
    if not path.is_file():
        raise RunDirectoryError(f"{file} is missing in {directory}; copy the whole run, or pregenerate it again.")
    with path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256:
        raise RunDirectoryError(
            f"{file} was changed: its content has the SHA-256 {actual[:12]}…, its name says {sha256[:12]}…. "
            "Pregenerate the run again."
        )
    width, height = picture_size(path, file)
    if size is not None and size != (width, height):
        raise RunDirectoryError(
            f"{file} is {width} × {height} pixels; the manifest says {size[0]} × {size[1]}. Pregenerate the run again."
        )
    return Picture(sha256=sha256, extension=extension, width=width, height=height)


def picture_size(path: Path, file: str) -> tuple[int, int]:
    """Return width and height in pixels, from the header alone; `file` is what messages call the picture.

    Raises:
        RunDirectoryError: the file is no picture of a known format, or has more than `LARGEST_PICTURE` pixels: a small
            file may unfold into more than memory holds when its small form is made.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, smaller limit follows
            with Image.open(path, formats=PICTURE_FORMATS) as picture:
                width, height = picture.size
    except Image.DecompressionBombError as error:
        raise RunDirectoryError(f"{file} has too many pixels to be a picture of a summary ({error}).") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:  # Pillow's words for broken files
        raise RunDirectoryError(f"{file} cannot be read as a picture ({error}).") from error
    if width * height > LARGEST_PICTURE:
        raise RunDirectoryError(
            f"{file} is {width} × {height} pixels; at most {LARGEST_PICTURE / 1e6:g} million are taken. "
            "Pregenerate the run again."
        )
    return width, height


def picture_source(directory: Path, file: str) -> Path:
    """Return where a file of the manifest lies.

    Raises:
        RunDirectoryError: the path, or a link behind it, leads outside the run directory.
    """
    root = directory.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise RunDirectoryError(f"{file} leads outside {directory}; a run must hold all its files.")
    return path
