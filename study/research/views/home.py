"""The researchers' home: studies as cards, and the way to a new one."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import views as auth_views
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from study.access import GRANTS, Capability, may_create_studies, role_in, studies_of
from study.models import Arm, ParticipantState, Stimulus, Study, Tally
from study.presets import load_preset
from study.research.forms import NewStudyForm
from study.research.monitoring import alerts
from study.research.pages import TABS, research_page
from study.services.studies import StudyError, create_study
from study.tallying import summary_progress


@dataclass(frozen=True)
class Card:
    """One study on the home page."""

    study: Study
    role: Any
    url: str
    completed: int
    simulated: int
    percent: int
    reached: int
    summaries: int
    alerts: list[str]
    last_answer: Any


@research_page
@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    """Show every study that this person belongs to."""
    people = Q(participants__test_at=None)
    studies = studies_of(request.user).annotate(
        completed_number=Count("participants", filter=people & Q(participants__state=ParticipantState.COMPLETED)),
        simulated_number=Count("participants", filter=people & Q(participants__simulated=True)),
        last_answer=Max("participants__completed_at"),
    )
    tallies = {tally.study_id: tally for tally in Tally.objects.filter(study__in=studies.values("pk"))}
    context: dict[str, Any] = {
        "cards": [_card(request, study, tallies.get(study.pk)) for study in studies],
        "may_create": may_create_studies(request.user),
    }
    return render(request, "research/home.html", context)


def _card(request: HttpRequest, study: Any, tally: Tally | None) -> Card:
    role = role_in(request.user, study)
    granted = GRANTS[role] if role else frozenset()
    tab = next(tab for tab in TABS if tab.capability in granted)
    if Capability.MONITOR in granted and study.launched_at:
        tab = next(tab for tab in TABS if tab.name == "monitor")
    progress = []
    if tally is not None and Capability.MONITOR in granted:
        shown = set(Stimulus.objects.filter(study=study, condition__arm=Arm.SUMMARIES).values_list("pk", flat=True))
        every = summary_progress(tally.totals, target_half_width=study.target_half_width)
        progress = [one for one in every if one.stimulus in shown]
    return Card(
        study=study,
        role=role,
        url=reverse(f"research:{tab.name}", args=[study.slug]),
        completed=study.completed_number,
        simulated=study.simulated_number,
        percent=min(100, round(100 * study.completed_number / study.participants_planned)),
        reached=sum(one.reached for one in progress),
        summaries=len(progress),
        alerts=alerts(study, tally, completed=study.completed_number) if Capability.MONITOR in granted else [],
        last_answer=study.last_answer,
    )


@research_page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Make a draft from a preset; its author becomes its administrator."""
    if not may_create_studies(request.user):
        raise PermissionDenied("Creating studies needs the permission to add a study; ask an administrator for it.")
    form = NewStudyForm(request.POST or None, initial={"preset": "paper-2018"})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            study = create_study(
                load_preset(data["preset"]),
                slug=data["slug"],
                owner=request.user,  # type: ignore[arg-type]
                title=data["title"],
                contact=data["contact"],
            )
        except StudyError as error:
            form.add_error(None, str(error))
        else:
            return redirect("research:design", study.slug)
    return render(request, "research/create.html", {"form": form, "title": _("New study")})


@method_decorator(never_cache, name="dispatch")
class SignIn(auth_views.LoginView):
    """The way in, for everybody with an account."""

    template_name = "research/sign_in.html"
    redirect_authenticated_user = True
    next_page = "research:home"


class SignOut(auth_views.LogoutView):
    """The way out. The browser forgets the pages it has kept, so that nobody goes back to them."""

    next_page = "research:sign-in"

    def dispatch(self, *args: Any, **options: Any) -> HttpResponse:
        """End the session on the server, and what is left of it in the browser."""
        response = super().dispatch(*args, **options)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response
