"""Wrong passwords are counted without keeping who gave them: names and addresses are stored as keyed hashes only.

What django-axes would store of a failed sign-in is the typed name (people type passwords there), the address, the
browser and everything posted. Here its table holds two hashes under the server's secret key, a count and a time, until
the next sign-in after the lock is over.
"""

import ipaddress
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from study.entry_limit import client_address

PRIVATE_NETWORK = 0xFD << 120  # fd00::/8, which never belongs to anybody on the Internet


def name_pseudonym(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return a keyed hash of the name that was typed, 64 hexadecimal digits."""
    posted = request.POST if request is not None else {}
    name = str((credentials or posted).get("username") or "")
    return salted_hmac("study.sign_in_limit.name", name.casefold(), algorithm="sha256").hexdigest()


def address_pseudonym(request: HttpRequest) -> str:
    """Return 120 bits of a keyed hash of the request's address, in the form of a private IPv6 address.

    The column that it goes into takes nothing but addresses.
    """
    digest = salted_hmac("study.sign_in_limit.address", str(client_address(request)), algorithm="sha256").digest()
    return str(ipaddress.IPv6Address(PRIVATE_NETWORK | int.from_bytes(digest[:15], "big")))


def nobody(*_: Any) -> str:
    """Return what the log says of whoever failed to sign in."""
    return "somebody"


class SignInLimit(AxesDatabaseHandler):  # type: ignore[misc]  # the package has no types
    """Counts wrong passwords in the database, which all worker processes share, and keeps nothing that was sent."""

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        """Count, lock where there were too many, and forget the rest."""
        if request is not None:
            request.axes_user_agent = request.axes_http_accept = request.axes_path_info = ""
        super().user_login_failed(sender, credentials, request, **kwargs)
        AccessAttempt.objects.exclude(get_data="", post_data="").update(get_data="", post_data="")
