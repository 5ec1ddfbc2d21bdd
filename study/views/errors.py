"""The last resort: pages for errors that no view has foreseen. They need neither the database nor a session.

Participants' pages answer for an absent database themselves and let people send again (`study.views.unavailable`);
this is for all others, whose forms may hold passwords.
"""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from study.views.unavailable import STORAGE_ERRORS

RETRY_AFTER_SECONDS = 30


def show_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database is away, full or locked, which passes; 500 for everything else, our mistake.

    Django calls this while it handles the exception (`handler500`), and has logged it already.
    """
    if isinstance(sys.exception(), STORAGE_ERRORS):
        response = HttpResponse(render_to_string("503.html"), status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    else:
        response = HttpResponse(render_to_string("500.html"), status=500)
    response.headers["Cache-Control"] = "no-store"
    return response
