"""The content security policy: strict everywhere, relaxed for the admin's look only."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ADMIN_PREFIX = "/admin/"


class ContentPolicyMiddleware(CSPMiddleware):
    """Sends the policy of `CONTENT_SECURITY_POLICY`; below `/admin/` with what `ADMIN_CONTENT_POLICY` replaces."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Return the policy's parts for one response."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(ADMIN_PREFIX):
            parts.replace = settings.ADMIN_CONTENT_POLICY | (parts.replace or {})
        return parts
