"""The content security policy: strict everywhere, relaxed for the admin's look only."""

from functools import lru_cache

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ADMIN_PREFIX = "/admin/"
MARKS = ("_csp_exempt", "_csp_config", "_csp_update", "_csp_replace")
"""What the decorators of `csp` leave on a response that has a policy of its own."""


class ContentPolicyMiddleware(CSPMiddleware):
    """Sends the policy of `CONTENT_SECURITY_POLICY`; below `/admin/` with what `ADMIN_CONTENT_POLICY` replaces.

    The policy that nearly all responses have is written once, not for each of them.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header, unless the view has set one."""
        special = (
            settings.DEBUG
            or hasattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY")
            or request.path_info.startswith(ADMIN_PREFIX)
            or hasattr(request, "_csp_nonce")
            or any(hasattr(response, mark) for mark in MARKS)
        )
        if special:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, policy_of_all())
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Return the policy's parts for one response."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(ADMIN_PREFIX):
            parts.replace = settings.ADMIN_CONTENT_POLICY | (parts.replace or {})
        return parts


@lru_cache(maxsize=1)
def policy_of_all() -> str:
    """Return the policy of the settings, as it stands in the header."""
    return build_policy()


def _forget_policy(*, setting: str, **_: object) -> None:
    if setting == "CONTENT_SECURITY_POLICY":
        policy_of_all.cache_clear()


setting_changed.connect(_forget_policy)
