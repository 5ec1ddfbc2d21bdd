"""Every request gets an identifier, which its log lines and its answer carry, and in production a line of its own."""

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.logs import current_request

HEADER = "X-Request-ID"
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{8,64}")
FREQUENT = ("healthz", "readyz", "heartbeat", "stimuli/", "events")
"""Routes whose requests are only logged at level DEBUG: nobody looks for them, and they are most of the traffic."""
log = logging.getLogger("study.requests")


class RequestLog:
    """Middleware. The line names the route with its placeholders, never the path, which would hold a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its identifier."""
        identifier = request_identifier(request)
        reset = current_request.set(identifier)
        began = time.perf_counter()
        try:
            response = self._get_response(request)
            response.headers[HEADER] = identifier
            if settings.LOG_REQUESTS:
                self._write(request, response, milliseconds=round((time.perf_counter() - began) * 1000, 1))
            return response
        finally:
            current_request.reset(reset)

    def _write(self, request: HttpRequest, response: HttpResponse, *, milliseconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "no page"
        method = request.method if request.method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        level = logging.DEBUG if match and any(word in route for word in FREQUENT) else logging.INFO
        facts = {"method": method, "route": route, "status": response.status_code, "milliseconds": milliseconds}
        log.log(level, "%s %s %s in %s ms", method, route, response.status_code, milliseconds, extra=facts)


def request_identifier(request: HttpRequest) -> str:
    """Return the proxy's identifier where `TRUST_REQUEST_ID` says that a proxy sets one, else 64 random bits."""
    given = request.headers.get(HEADER, "")
    if settings.TRUST_REQUEST_ID and IDENTIFIER.fullmatch(given):
        return given
    return secrets.token_hex(8)
