"""Tabs People and History: who belongs to the study, who changed what, and every version of the design."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from study.access import GRANTS, Capability
from study.models import AuditEntry, Role, Study, StudyVersion
from study.research.forms import MemberForm
from study.research.pages import actor, show, study_page
from study.services.audit import differences
from study.services.members import MemberError, remove_member, set_member

ENTRIES_PER_PAGE = 50


@study_page(Capability.MANAGE_MEMBERS, methods=("GET", "POST"))
def members(request: HttpRequest, study: Study) -> HttpResponse:
    """Show members; a POST gives a role or takes it away."""
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        removed = "remove" in request.POST
        name = request.POST.get("username", "")
        user = get_user_model().objects.filter(username=name, is_active=True).first()
        if user is None:
            form.add_error(
                "username",
                _("There is no account %(name)r; an administrator of the site makes accounts.") % {"name": name},
            )
        elif removed or form.is_valid():
            try:
                if removed:
                    remove_member(study, user, actor=actor(request))
                else:
                    set_member(study, user, Role(form.cleaned_data["role"]), actor=actor(request))
            except MemberError as error:
                messages.error(request, str(error))
            return redirect("research:people", study.slug)
    context: dict[str, Any] = {
        "members": study.memberships.select_related("user").order_by("role", "user__username"),
        "form": form,
        "grants": [
            (role.label, [capability.value for capability in Capability if capability in GRANTS[role]]) for role in Role
        ],
    }
    return show(request, study, "people.html", tab="people", status=422 if form.errors else 200, **context)


@study_page(Capability.SEE_HISTORY)
def history(request: HttpRequest, study: Study) -> HttpResponse:
    """Show versions, and the audit log of the study."""
    entries = Paginator(AuditEntry.objects.filter(study=study.slug), ENTRIES_PER_PAGE)
    context: dict[str, Any] = {
        "versions": study.versions.order_by("-number"),
        "page": entries.get_page(request.GET.get("page")),
    }
    return show(request, study, "history.html", tab="history", **context)


@study_page(Capability.SEE_HISTORY)
def version(request: HttpRequest, study: Study, number: int) -> HttpResponse:
    """Show one version of the design, and what it changed."""
    found = get_object_or_404(StudyVersion, study=study, number=number)
    before = StudyVersion.objects.filter(study=study, number__lt=number).order_by("-number").first()
    context: dict[str, Any] = {
        "version": found,
        "changes": differences(before.design, found.design) if before else {},
        "before": before,
        "participants": study.participants.filter(study_version=number, test_at=None).count(),
        "fields": sorted(found.design.items()),
    }
    return show(request, study, "version.html", tab="history", **context)
