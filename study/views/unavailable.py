"""What a participant sees when the database cannot be reached or written: nothing was stored, try again."""

import logging

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

STORAGE_ERRORS = (OperationalError, InterfaceError)
"""What a database raises when it is full, away, restarting, locked for too long, or not to be written."""
RETRY_AFTER_SECONDS = 10

logger = logging.getLogger(__name__)


def show_not_stored(request: HttpRequest) -> HttpResponse:
    """Answer with 503 and a button that sends the very same request again; asks the database for nothing.

    Sending again is safe: each form carries a nonce, so what was stored after all is not stored twice. Must be called
    while the error is being handled; it is logged with its traceback.
    """
    view = request.resolver_match.view_name if request.resolver_match else "unknown"
    logger.exception("The database did not take a request to %s; nothing was stored.", view)
    sent = request.method == "POST"
    context = {
        "title": _("This could not be saved just now") if sent else _("The study does not answer just now"),
        "text": _("Something is wrong with our storage. The mistake is ours, not yours, and earlier answers are safe."),
        "hint": _("Please wait a moment and press the button. What you have just sent is sent again.")
        if sent
        else _("Please wait a moment and press the button."),
        "sent": sent,
        "again_url": request.get_full_path(),
        "fields": _fields(request) if sent else [],
    }
    response = render(request, "study/not_stored.html", context, status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        return [(name, value) for name, values in request.POST.lists() for value in values]
    except (SuspiciousOperation, ValueError, OSError):  # what was sent is no form that can be sent again
        return []
