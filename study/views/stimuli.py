"""Pictures of stimuli. The URL is the hash of the content, so browsers may keep a picture for ever.

With `X_ACCEL_LOCATION` the web server before this one sends the file; here it is only said which.
"""

import logging

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from study.models import picture_path
from study.picture_renditions import Rendition, ensure_rendition, passing_rendition

CONTENT_TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}
logger = logging.getLogger(__name__)
FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def show_picture(request: HttpRequest, sha256: str, extension: str, small: str | None = None) -> HttpResponseBase:
    """Send one picture or a rendition; the URL pattern admits nothing but a hash, a size and a known extension."""
    tag = f'"{sha256}{small or ""}.{extension}"'
    headers = {"Cache-Control": FOR_EVER, "ETag": tag}
    rendition = _rendition(sha256, extension, small=bool(small))
    try:
        path = picture_path(sha256, extension) if rendition is None else ensure_rendition(sha256, rendition)
    except OSError as error:
        logger.warning("Pictures cannot be stored (%s); a rendition is made for every request.", error.strerror)
        content = passing_rendition(sha256, rendition) if rendition is not None else None
        if content is None:
            raise Http404("No such picture.") from None
        return HttpResponse(content, content_type=CONTENT_TYPES[extension], headers=headers)
    if path is None or not path.is_file():
        raise Http404("No such picture.")
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    if settings.X_ACCEL_LOCATION:
        headers["X-Accel-Redirect"] = f"{settings.X_ACCEL_LOCATION}{path.parent.name}/{path.name}"
        return HttpResponse(content_type=CONTENT_TYPES[extension], headers=headers)
    return FileResponse(path.open("rb"), content_type=CONTENT_TYPES[extension], headers=headers)


def _rendition(sha256: str, extension: str, *, small: bool) -> Rendition | None:
    """Return which rendition is asked for, or None for an original.

    Raises:
        Http404: small pictures are WebP only.
    """
    if small and extension != "webp":
        raise Http404("No such picture.")
    if small:
        return Rendition.SMALL
    return Rendition.JPEG if extension == "jpg" and not picture_path(sha256, extension).is_file() else None
