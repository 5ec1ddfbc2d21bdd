"""Tabs Preview and Launch: try the study out, freeze its design, open and close it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from study.access import Capability
from study.models import Slot, Study, StudyState
from study.recruitment.preview import preview_path
from study.research.pages import actor, show, study_page
from study.services.previews import PreviewError, start_preview
from study.services.studies import StudyError, close_study, copy_study, launch_study, pause_study


@dataclass(frozen=True)
class CheckItem:
    """One thing to have done before launch; `required` things stop a launch."""

    done: bool
    required: bool
    text: Any
    url: str


def checklist(study: Study) -> list[CheckItem]:
    """Return what to do before a launch, in the order of the tabs."""

    def page(name: str) -> str:
        return reverse(f"research:{name}", args=[study.slug])

    texts = all(study.texts.get(key) for key in ("researcher", "storage"))
    return [
        CheckItem(bool(study.blocks), True, _("The design has at least one block of trials"), page("design")),
        CheckItem(study.slots.exists(), True, _("Stimuli are imported and the plan is drawn"), page("stimuli")),
        CheckItem(
            bool(study.contact) and texts,
            False,
            _("Participants read who asks, whom to write to, what is stored"),
            page("design"),
        ),
        CheckItem(
            bool(study.analysis_plan.get("exclusions")) or bool(study.analysis_plan.get("confirmatory")),
            False,
            _("Exclusions and confirmatory measures are declared; launching freezes them"),
            page("design"),
        ),
        CheckItem(
            study.participants.exclude(test_at=None).exists(),
            False,
            _("You tried the study out as a participant"),
            page("preview"),
        ),
        CheckItem(bool(study.retention_date), False, _("There is a date on which personal data go"), page("design")),
    ]


@study_page(Capability.PREVIEW, methods=("GET", "POST"))
def preview(request: HttpRequest, study: Study) -> HttpResponse:
    """Offer to go through the study as the holder of any slot would."""
    problem = ""
    number = 1
    if request.method == "POST":
        try:
            number = int(request.POST.get("slot", "1"))
            participant = start_preview(study, slot_number=number, actor=actor(request))
        except ValueError as error:
            problem = str(error) if isinstance(error, PreviewError) else _("Give the number of a slot, such as 1.")
        else:
            return redirect(participant.get_absolute_url())
    slot = Slot.objects.filter(study=study, number=number).first()
    testers = study.participants.exclude(test_at=None).order_by("-pk")[:8]
    context: dict[str, Any] = {
        "slots": study.slots.count(),
        "slot": slot,
        "testers": testers,
        "problem": problem,
        "consent_path": preview_path(study),
    }
    return show(request, study, "preview.html", tab="preview", status=422 if problem else 200, **context)


@study_page(Capability.SEE_DESIGN, change=Capability.LAUNCH, methods=("GET", "POST"))
def launch(request: HttpRequest, study: Study) -> HttpResponse:
    """Show what is left to do, and change the study's state."""
    actions = {"launch": launch_study, "pause": pause_study, "close": close_study}
    if request.method == "POST":
        chosen = request.POST.get("action", "")
        try:
            if chosen == "copy":
                copy = copy_study(study, slug=request.POST.get("slug", ""), actor=actor(request))
                return redirect("research:design", copy.slug)
            if chosen not in actions:
                raise StudyError(_("Choose what to do: launch, pause, close or copy."))
            actions[chosen](study, actor=actor(request))
        except StudyError as error:
            messages.error(request, str(error))
        return redirect("research:launch", study.slug)
    items = checklist(study)
    link = request.build_absolute_uri(study.get_absolute_url())
    context: dict[str, Any] = {
        "items": items,
        "ready": all(item.done for item in items if item.required),
        "link": link,
        "prolific": f"{link}?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&STUDY_ID={{{{%STUDY_ID%}}}}"
        "&SESSION_ID={{%SESSION_ID%}}",
        "versions": study.versions.order_by("-number"),
        "states": StudyState,
    }
    return show(request, study, "launch.html", tab="launch", **context)
