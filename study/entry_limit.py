"""How many entries one address may make in a short time, so that a script cannot fill a study's places.

Counts live in the cache of each worker process for five minutes, under a keyed hash that changes with every window: no
address is stored or logged.
"""

import ipaddress
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

WINDOW_SECONDS = 300


def is_within_limit(request: HttpRequest, *, study: str) -> bool:
    """Count one entry of the request's address into a study, by its slug, and tell whether it is still acceptable.

    Requests from this machine itself are never limited: they are tests, or come from a proxy that `TRUSTED_PROXIES`
    does not know of, and then all participants would share one address.
    """
    address = client_address(request)
    if not settings.ENTRY_LIMIT or address is None or address.is_loopback:
        return True
    window = int(time.time()) // WINDOW_SECONDS
    counted = salted_hmac("study.entry_limit", f"{window} {study} {address}", algorithm="sha256")
    key = f"entry-{counted.hexdigest()}"
    cache.add(key, 0, timeout=WINDOW_SECONDS)
    try:
        return cache.incr(key) <= settings.ENTRY_LIMIT
    except ValueError:  # the count has just expired: a new window has begun
        return True


def client_address(request: HttpRequest) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that the outermost trusted proxy saw, or None when there is none, as on a Unix socket."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    text = forwarded[-proxies] if 0 < proxies <= len(forwarded) else request.META.get("REMOTE_ADDR", "")
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None
