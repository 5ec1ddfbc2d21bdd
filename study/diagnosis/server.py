"""The server's settings: secrets, HTTPS, proxies, mail, reports of errors."""

import importlib.util
import smtplib
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.mail import get_connection

from study.diagnosis.finding import Finding, Level

LOCAL = {"localhost", "127.0.0.1", "[::1]"}


def secrets_set() -> Iterator[Finding]:
    """Where do the keys come from, and can others read them?"""
    if settings.PRODUCTION:
        yield Finding("secret keys", Level.OK, "from the environment")
        return
    folder = Path(settings.VAR_DIRECTORY)
    files = [path for name in ("secret_key", "external_id_key") if (path := folder / name).exists()]
    open_to_all = [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_to_all:
        mend = (
            f"Run chmod 600 in {folder} for {', '.join(open_to_all)}, and make new ones if others have an account here."
        )
        yield Finding("secret keys", Level.PROBLEM, "others on this machine can read them", mend)
    else:
        yield Finding("secret keys", Level.OK, f"in files of {folder}" if files else "from the environment")


def https() -> Iterator[Finding]:
    """Is the site public, and if so, encrypted?"""
    public = sorted(set(settings.ALLOWED_HOSTS) - LOCAL)
    if settings.DEBUG:
        yield Finding(
            "https", Level.PROBLEM if public else Level.WARNING, "DEBUG is on", "Set DEBUG=0 for participants."
        )
    if "*" in public:
        mend = "Name the hosts in ALLOWED_HOSTS; links in pages would follow whatever a visitor sends."
        yield Finding("https", Level.PROBLEM, "every host name is accepted", mend)
    elif public and not settings.HTTPS_ONLY:
        mend = "Set PRODUCTION=1, or HTTPS_ONLY=1: tokens in links would travel readable for everybody on the way."
        yield Finding("https", Level.PROBLEM, f"{', '.join(public)} without HTTPS", mend)
    elif public:
        yield Finding("https", Level.OK, f"only HTTPS, for {', '.join(public)}")
    else:
        yield Finding("https", Level.OK, "this machine only")


def proxies() -> Iterator[Finding]:
    """Is the number of proxies known, by which limits tell participants' addresses apart?"""
    if settings.HTTPS_ONLY and not settings.TRUSTED_PROXIES:
        mend = "Set TRUSTED_PROXIES=1 behind nginx; else entry and sign-in limits see one address for everybody."
        yield Finding("proxies", Level.WARNING, "HTTPS without a proxy that is trusted", mend)
    else:
        yield Finding("proxies", Level.OK, f"{settings.TRUSTED_PROXIES} trusted")


def mail() -> Iterator[Finding]:
    """Can mail be sent? Nothing in a study needs it; administrators' own additions may."""
    if not settings.EMAIL_HOST:
        yield Finding("mail", Level.OK, "no server given, and nothing here sends mail")
        return
    place = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        connection = get_connection(fail_silently=False)
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        mend = (
            "Check EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD and EMAIL_USE_TLS, or leave them out."
        )
        yield Finding("mail", Level.WARNING, f"{place} does not take mail ({type(error).__name__})", mend)
    else:
        yield Finding("mail", Level.OK, f"{place} answers")


def error_reports() -> Iterator[Finding]:
    """Do reports of errors go anywhere?"""
    if settings.SENDS_ERROR_REPORTS:
        yield Finding("error reports", Level.OK, "sent to the server of SENTRY_DSN, without personal data")
    else:
        known = "" if importlib.util.find_spec("sentry_sdk") else "; sentry-sdk is not installed"
        yield Finding("error reports", Level.OK, f"in the log only{known}")
