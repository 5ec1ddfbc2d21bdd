"""What stands before every page that needs an account: the second step of signing in, and the end of a session."""

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_otp import login as verify_session

from study.services.second_factor import has_second_factor

GUARDED = ("/research/", "/admin/")
SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
SEEN_EVERY_SECONDS = 60
CODE_AT = "code_at"
FRESH_SECONDS = 300
"""How long after a code somebody may change their second step without another one."""
log = logging.getLogger("study.sign_in")


@receiver(user_logged_in)
def remember_sign_in(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Store when the session began, in seconds since 1970, and log it; accounts are named by their numbers."""
    request.session[SIGNED_IN_AT] = time.time()
    log.info("Account %s signed in with a password.", user.pk)


@receiver(user_login_failed)
def log_failure(sender: Any, **_: Any) -> None:
    """Log a wrong name or password, without either."""
    log.warning("Somebody gave a wrong name or password.")


@receiver(user_logged_out)
def log_sign_out(sender: Any, user: Any, **_: Any) -> None:
    """Log the end of a session."""
    if user is not None:
        log.info("Account %s signed out.", user.pk)


def accept_code(request: HttpRequest, device: Any) -> None:
    """Let the session count as verified by this device, under a new name."""
    verify_session(request, device)
    request.session.cycle_key()
    request.session[CODE_AT] = time.time()
    log.info("Account %s took the second step.", request.user.pk)


def code_is_fresh(request: HttpRequest) -> bool:
    """Tell whether a code was given in this session within the last `FRESH_SECONDS`."""
    user: Any = request.user
    return bool(user.is_verified()) and time.time() - request.session.get(CODE_AT, 0.0) < FRESH_SECONDS


class AccountGuard:
    """Middleware before `/research/` and `/admin/`; it knows paths, not views, so that no new page can forget it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let a request pass, or send it to the second step or to the sign-in page."""
        if request.path_info.startswith(GUARDED) and request.user.is_authenticated:
            if time.time() - request.session.get(SIGNED_IN_AT, 0.0) > settings.LONGEST_SESSION_SECONDS:
                logout(request)
            elif needs_second_step(request) and request.path_info not in _open_pages():
                query = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
                return HttpResponseRedirect(f"{reverse('research:second-step')}?{query}".rstrip("?"))
            else:
                _note_click(request)
        return self._get_response(request)


def _note_click(request: HttpRequest) -> None:
    """Let the session last from now on; written at most once a minute, since pages refresh themselves."""
    now = time.time()
    if now - request.session.get(SEEN_AT, 0.0) > SEEN_EVERY_SECONDS:
        request.session[SEEN_AT] = now


def needs_second_step(request: HttpRequest) -> bool:
    """Tell whether somebody with a password still owes a code: because they enrolled, or because everybody must."""
    user: Any = request.user
    return not user.is_verified() and (settings.SECOND_FACTOR_REQUIRED or has_second_factor(user))


def _open_pages() -> tuple[str, ...]:
    return tuple(reverse(name) for name in ("research:second-step", "research:sign-out", "admin:logout"))
