"""Smaller and older forms of a stimulus' picture: half the size for small screens, JPEG for browsers without WebP.

They lie beside the picture under the hash of the original, so their addresses never change either. Importing a run
makes them; where they are missing, as after an import by an older version, the first request does.
"""

import io
import os
import tempfile
from enum import StrEnum
from pathlib import Path

from study.models import picture_path

SMALL_FROM = 320
"""Pictures at least so wide, in pixels, have a small form of half their width."""
QUALITY = 82


class Rendition(StrEnum):
    """The forms, by what stands between the hash and the end of the file's name."""

    SMALL = "-small.webp"
    JPEG = ".jpg"


def rendition_path(sha256: str, rendition: Rendition) -> Path:
    """Return where a rendition of the picture with this hash lies, or would lie."""
    original = picture_path(sha256, "webp")
    return original.with_name(f"{sha256}{rendition}")


def ensure_rendition(sha256: str, rendition: Rendition) -> Path | None:
    """Return the path of a rendition, made if it is missing; None when the WebP original is not there.

    Raises:
        OSError: the folder of pictures is full or cannot be written.
    """
    target = rendition_path(sha256, rendition)
    if target.is_file():
        return target
    try:
        original = picture_path(sha256, "webp").read_bytes()
    except FileNotFoundError:
        return None
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".rendition-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(render(original, rendition))
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return target


def passing_rendition(sha256: str, rendition: Rendition) -> bytes | None:
    """Return a rendition that is made and not kept, as long as the folder of pictures is full or cannot be written."""
    try:
        original = picture_path(sha256, "webp").read_bytes()
    except FileNotFoundError:
        return None
    return render(original, rendition)


def render(original: bytes, rendition: Rendition) -> bytes:
    """Return a rendition of an encoded picture: half its width and height as WebP, or its full size as JPEG."""
    from PIL import Image

    content = io.BytesIO()
    with Image.open(io.BytesIO(original)) as picture:
        if rendition == Rendition.SMALL:
            size = (small_width(picture.width), max(1, round(picture.height / 2)))
            picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(content, "WEBP", quality=QUALITY)
        else:
            picture.convert("RGB").save(content, "JPEG", quality=QUALITY, optimize=True)
    return content.getvalue()


def small_width(width: int) -> int:
    """Return the width of the small form of a picture of this width, in pixels."""
    return max(1, round(width / 2))
