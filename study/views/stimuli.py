"""Pictures of stimuli. The URL is the hash of the content, so browsers may keep a picture for ever."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from study.models import picture_path

CONTENT_TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}
FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def show_picture(request: HttpRequest, sha256: str, extension: str) -> HttpResponseBase:
    """Send one picture; the URL pattern admits nothing but a hash and a known extension."""
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{sha256}"'}
    path = picture_path(sha256, extension)
    if request.headers.get("If-None-Match") == f'"{sha256}"' and path.is_file():
        return HttpResponse(status=304, headers=headers)
    try:
        picture = path.open("rb")
    except FileNotFoundError:
        raise Http404("No such picture.") from None
    return FileResponse(picture, content_type=CONTENT_TYPES[extension], headers=headers)
