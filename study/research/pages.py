"""What all researchers' pages share: an account, the capability that a page needs, and tabs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from study.access import GRANTS, Capability, role_in, studies_of
from study.models import Study

SIGN_IN_PAGE = "research:sign-in"
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Tab:
    """One tab of a study: its page and the capability that opens it."""

    name: str
    label: Any
    capability: Capability


TABS = (
    Tab("design", _("Design"), Capability.SEE_DESIGN),
    Tab("stimuli", _("Stimuli"), Capability.SEE_STIMULI),
    Tab("preview", _("Preview"), Capability.PREVIEW),
    Tab("launch", _("Launch"), Capability.SEE_DESIGN),
    Tab("monitor", _("Monitor"), Capability.MONITOR),
    Tab("names", _("Names"), Capability.CODE_NAMES),
    Tab("data", _("Data"), Capability.EXPORT),
    Tab("people", _("People"), Capability.MANAGE_MEMBERS),
    Tab("history", _("History"), Capability.SEE_HISTORY),
)


def research_page(view: View) -> View:
    """Mark a view as a page for anybody with an account; it is never cached."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse(SIGN_IN_PAGE))
        return view(request, *args, **kwargs)

    return never_cache(page)


def study_page(
    see: Capability, *, change: Capability | None = None, methods: tuple[str, ...] = ("GET",)
) -> Callable[[View], View]:
    """Mark a view as a page of one study: reading needs `see`, posting needs `change` (by default the same).

    The view gets the study in place of the slug. Somebody without any role in the study is told that there is none;
    somebody whose role does not allow this is told so.
    """

    def mark(view: View) -> View:
        @research_page
        @require_http_methods([*methods, "HEAD"] if "GET" in methods else list(methods))
        @wraps(view)
        def page(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            study = get_object_or_404(studies_of(request.user), slug=slug)
            role = role_in(request.user, study)
            needed = (change or see) if request.method == "POST" else see
            if role is None:
                raise Http404
            if needed not in GRANTS[role]:
                raise PermissionDenied(f"The role {role.label} may not do this in the study {study.slug}.")
            return view(request, study, *args, **kwargs)

        page.capabilities = (see, change or see)  # type: ignore[attr-defined]  # read by the test of the whole matrix
        page.methods = methods  # type: ignore[attr-defined]
        return page

    return mark


def show(
    request: HttpRequest, study: Study, template: str, *, tab: str, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a page of a study with the tabs that this person may open."""
    role = role_in(request.user, study)
    granted = GRANTS[role] if role else frozenset()
    shared = {
        "study": study,
        "role": role,
        "may": {capability.name.lower(): capability in granted for capability in Capability},
        "tabs": [
            {
                "label": each.label,
                "url": reverse(f"research:{each.name}", args=[study.slug]),
                "current": each.name == tab,
            }
            for each in TABS
            if each.capability in granted
        ],
    }
    return render(request, f"research/{template}", shared | context, status=status)


def actor(request: HttpRequest) -> str:
    """Return the name under which changes of this request enter the audit log."""
    return request.user.get_username()
