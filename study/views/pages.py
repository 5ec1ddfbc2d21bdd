"""What all participant pages share: no caching, a strict content policy, the study's language, kind messages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirectBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

View = Callable[..., HttpResponse]


def participant_page(view: View) -> View:
    """Mark a view as a page for participants: never cached, and only with content from this server.

    Exempt from the CSRF cookie on purpose: participants have no account and no session, the unguessable token in the
    URL is the authority, and the pages must work where cookies are blocked.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with translation.override(translation.get_language()):
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return csrf_exempt(never_cache(page))


def show_message(
    request: HttpRequest, *, title: str, text: str, hint: str = "", continue_url: str = "", status: int = 200
) -> HttpResponse:
    """Answer with a page that says what happened and what to do; `status` is the HTTP status."""
    context = {"title": title, "text": text, "hint": hint, "continue_url": continue_url, "status": status}
    return render(request, "study/message.html", context, status=status)


class SeeOther(HttpResponseRedirectBase):
    """Answer a POST with 303, so that reloading the next page sends nothing again."""

    status_code = 303
