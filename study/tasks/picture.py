"""Pictures on a participant's page, and their records in the details of trials."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.templatetags.static import static
from django.urls import get_script_prefix
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from study.models import Picture
from study.picture_renditions import SMALL_FROM, Rendition, small_width

OWN_PRACTICE = re.compile(r"(study/practice/[a-z0-9-]+)\.webp")
"""Our own practice pictures lie beside their JPEG forms; those of task types from elsewhere may not."""
STIMULUS_URL = re.compile(r"(.*/[0-9a-f]{64})\.webp")
PRACTICE_SIDE = 480
PICTURE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["width", "height"],
    "properties": {"width": {"type": "integer", "minimum": 1}, "height": {"type": "integer", "minimum": 1}},
    "oneOf": [{"required": ["sha256", "extension"]}, {"required": ["static"]}],
}
"""A picture in a detail: stored under its hash, or a static file of a practice item."""


@dataclass(frozen=True)
class ShownPicture:
    """A picture on a page; width and height in pixels, so that nothing jumps while it loads.

    Pictures of stimuli come in a small form too, and as JPEG for browsers without WebP; practice pictures as JPEG.
    """

    url: str
    width: int
    height: int
    alt: str
    static_fallback: str = ""
    """Address of the JPEG form of a static picture; empty where there is none."""

    @cached_property
    def fallback_url(self) -> str:
        """The address for browsers without WebP; that of the picture itself where there is no other."""
        return f"{self._stem}{Rendition.JPEG}" if self._stem else self.static_fallback or self.url

    @cached_property
    def source_set(self) -> str:
        """The WebP forms with their widths, for `srcset`; empty where there is but one."""
        if not self._stem or self.width < SMALL_FROM:
            return ""
        return f"{self._stem}{Rendition.SMALL} {small_width(self.width)}w, {self.url} {self.width}w"

    @cached_property
    def preload(self) -> dict[str, str]:
        """What a browser needs to load the same form ahead that the page will show."""
        return {"src": self.url, "srcset": self.source_set}

    @cached_property
    def _stem(self) -> str:
        found = STIMULUS_URL.fullmatch(self.url)
        return found[1] if found else ""


def shown_picture(record: Mapping[str, Any], alt: str) -> ShownPicture:
    """Return the picture that a detail's record stands for."""
    if "static" in record:
        own = OWN_PRACTICE.fullmatch(record["static"])
        fallback = static(f"{own[1]}.jpg") if own else ""
        return ShownPicture(static(record["static"]), record["width"], record["height"], alt, fallback)
    return _stored_picture(get_script_prefix(), alt, **record)


@lru_cache(maxsize=20_000)
def _stored_picture(_script_prefix: str, alt: str, **record: Any) -> ShownPicture:
    """Return a picture that is stored under its hash; its address depends on the prefix that is in force."""
    picture = Picture(**record)
    return ShownPicture(picture.url, picture.width, picture.height, alt)


def static_record(name: str, *, width: int = PRACTICE_SIDE, height: int = PRACTICE_SIDE) -> dict[str, Any]:
    """Return the record of a practice picture among the static files of this app."""
    return {"static": f"study/practice/{name}.webp", "width": width, "height": height}


def numbered(records: Sequence[Mapping[str, Any]]) -> list[ShownPicture]:
    """Return pictures whose alternative texts tell their number and nothing else."""
    return [
        shown_picture(record, _number_in_words(get_language(), number))
        for number, record in enumerate(records, start=1)
    ]


@lru_cache(maxsize=1000)
def _number_in_words(_language: str | None, number: int) -> str:
    return _("Picture %(number)d") % {"number": number}
