"""One image file: decoded completely and turned into RGB, or refused with a reason."""

from __future__ import annotations

import enum
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAXIMUM_PIXELS = 100_000_000
"""Images with more pixels than this are skipped as too large. Pillow itself refuses more than about 179 million."""

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg"}
    | {".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""Files with these suffixes claim to be images: they are read or reported. All other files are ignored."""

_WHITE = (255, 255, 255)


class SkipReason(enum.StrEnum):
    """Why an image takes no part; the values are those of ``contracts/manifest.schema.json``."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    DUPLICATE = "duplicate"
    MISCLASSIFIED = "misclassified"
    NO_REGION = "no-region"


class DatasetError(Exception):
    """Something about the images of a run has to be mended by its owner; the message says what."""


class UnreadableImageError(DatasetError):
    """A file cannot be decoded as an image."""

    reason = SkipReason.UNREADABLE


class ImageTooLargeError(DatasetError):
    """An image has more pixels than allowed; the header alone was read."""

    reason = SkipReason.TOO_LARGE


def read_image(
    path: Path | str, *, size: tuple[int, int] | None = None, maximum_pixels: int = MAXIMUM_PIXELS
) -> np.ndarray:
    """Decode an image as RGB, ``uint8`` of shape (height, width, 3).

    The EXIF orientation is applied; transparency lies on white; grey, palette, CMYK and 16-bit images are converted.

    Args:
        path: image file.
        size: ``(height, width)`` to resize to (bilinear, antialiased, not cropped); None keeps the size.
        maximum_pixels: largest image accepted.

    Raises:
        UnreadableImageError: the file is missing, empty, truncated or no image.
        ImageTooLargeError: the image has more than ``maximum_pixels`` pixels.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        image = decode_image(content, maximum_pixels=maximum_pixels)
    except (UnreadableImageError, ImageTooLargeError) as error:
        raise type(error)(f"{path}: {error}") from error
    if size is not None:
        height, width = size
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).copy()


def decode_image(content: bytes, *, maximum_pixels: int = MAXIMUM_PIXELS) -> Image.Image:
    """Decode the bytes of an image file completely, as an upright RGB image.

    Raises:
        UnreadableImageError: the bytes are empty, truncated or no image.
        ImageTooLargeError: the image has more than ``maximum_pixels`` pixels; they were not decoded.
    """
    if not content:
        raise UnreadableImageError("The file is empty.")
    try:
        with warnings.catch_warnings():
            # Our own limit replaces Pillow's warning; other warnings are about metadata, which is not used.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                if width * height > maximum_pixels:
                    raise ImageTooLargeError(
                        f"The image has {width} × {height} pixels; at most {maximum_pixels / 1e6:g} million are read."
                    )
                return _as_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"The image has more pixels than can be read safely ({error}).") from error
    except UnidentifiedImageError as error:
        raise UnreadableImageError("The file is not an image of a known format.") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        # Pillow's decoders report broken files by any of these.
        raise UnreadableImageError(f"The image is broken: {error}.") from error


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise UnreadableImageError(f"Pixels run from {values.min():g} to {values.max():g}; expected 8 or 16 bits.")
        return Image.fromarray(np.rint(values / 257).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (*_WHITE, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")
