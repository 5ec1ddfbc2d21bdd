"""Pictures of stimuli. The URL is the hash of the content, so browsers may keep a picture for ever."""

from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from study.models import picture_path
from study.picture_renditions import Rendition, ensure_rendition

CONTENT_TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}
FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def show_picture(request: HttpRequest, sha256: str, extension: str, small: str | None = None) -> HttpResponseBase:
    """Send one picture or a rendition; the URL pattern admits nothing but a hash, a size and a known extension."""
    tag = f'"{sha256}{small or ""}.{extension}"'
    headers = {"Cache-Control": FOR_EVER, "ETag": tag}
    path = _path(sha256, extension, small=bool(small))
    if path is None:
        raise Http404("No such picture.")
    if request.headers.get("If-None-Match") == tag and path.is_file():
        return HttpResponse(status=304, headers=headers)
    try:
        picture = path.open("rb")
    except FileNotFoundError:
        raise Http404("No such picture.") from None
    return FileResponse(picture, content_type=CONTENT_TYPES[extension], headers=headers)


def _path(sha256: str, extension: str, *, small: bool) -> Path | None:
    if small:
        return ensure_rendition(sha256, Rendition.SMALL) if extension == "webp" else None
    original = picture_path(sha256, extension)
    if extension == "jpg" and not original.is_file():
        return ensure_rendition(sha256, Rendition.JPEG)
    return original
