"""Pictures of summaries as data addresses, small enough to stand in one HTML file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

LARGEST_SIDE = 480
QUALITY = 78


def data_address(directory: Path, picture: str | None) -> tuple[str | None, str]:
    """Read a picture, shrink it to ``LARGEST_SIDE`` and encode it as WebP.

    Args:
        directory: the export directory.
        picture: path relative to it, or None.

    Returns:
        The ``data:`` address, or None with the reason why there is no picture.
    """
    if not picture:
        return None, "the export names no picture"
    path = (directory / picture).resolve()
    if not path.is_relative_to(directory.resolve()):
        return None, "its path leads out of the export"
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except FileNotFoundError:
        return None, "the file is missing"
    except (UnidentifiedImageError, OSError):
        return None, "the file is no picture"
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}", ""
