"""Tab Stimuli: runs in the background with their progress, and the explorer."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from study.access import Capability
from study.models import Pregeneration, Stimulus, Study, StudyState
from study.research.exploring import (
    class_cards,
    provenance,
    region,
    runs_of,
    suggested_words,
    summaries_of_class,
    summary_facts,
)
from study.research.forms import PregenerationForm
from study.research.pages import actor, show, study_page
from study.services.pregenerations import (
    PregenerationError,
    cancel_pregeneration,
    image_sources,
    request_pregeneration,
    retry_pregeneration,
)


@study_page(Capability.SEE_STIMULI, change=Capability.PREGENERATE, methods=("GET", "POST"))
def show_stimuli(request: HttpRequest, study: Study) -> HttpResponse:
    """Show classes and runs; a POST asks for a new run."""
    form = PregenerationForm(image_sources(), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = request_pregeneration(study, form.cleaned_data, user=request.user, actor=actor(request))
        except PregenerationError as error:
            form.add_error(None, str(error))
        else:
            return redirect("research:pregeneration", study.slug, asked.pk)
    context: dict[str, Any] = {
        "form": form,
        "classes": class_cards(study),
        "runs": runs_of(study),
        "pregenerations": study.pregenerations.all()[:10],
        "is_draft": study.state == StudyState.DRAFT,
    }
    status = 422 if form.is_bound else 200
    return show(request, study, "stimuli.html", tab="stimuli", status=status, **context)


@study_page(Capability.SEE_STIMULI, change=Capability.PREGENERATE, methods=("GET", "POST"))
def show_pregeneration(request: HttpRequest, study: Study, number: int) -> HttpResponse:
    """Show how far a run is; a POST cancels it or tries it again."""
    pregeneration = get_object_or_404(Pregeneration, study=study, pk=number)
    if request.method == "POST":
        chosen = {"cancel": cancel_pregeneration, "retry": retry_pregeneration}.get(request.POST.get("action", ""))
        try:
            if chosen is None:
                raise PregenerationError(_("Choose what to do: cancel or retry."))
            chosen(pregeneration, actor=actor(request))
        except PregenerationError as error:
            messages.error(request, str(error))
        return redirect("research:pregeneration", study.slug, number)
    if request.GET.get("panel"):
        return render(request, "research/parts/pregeneration.html", {"study": study, "run": pregeneration})
    return show(request, study, "pregeneration.html", tab="stimuli", run=pregeneration)


@study_page(Capability.SEE_STIMULI)
def show_class(request: HttpRequest, study: Study, class_name: str) -> HttpResponse:
    """Show all stimuli of a class."""
    groups = summaries_of_class(study, class_name)
    if not groups:
        raise Http404
    return show(request, study, "class.html", tab="stimuli", class_name=class_name, groups=groups)


@study_page(Capability.SEE_STIMULI)
def show_summary(request: HttpRequest, study: Study, identifier: str) -> HttpResponse:
    """Show one stimulus: the permalink that exports and reports can point to."""
    stimulus = _stimulus(study, identifier)
    context: dict[str, Any] = {
        "stimulus": stimulus,
        "regions": list(zip(stimulus.members, stimulus.cells, strict=True)),
        "facts": summary_facts(stimulus),
        "suggested": suggested_words(stimulus),
        "provenance": provenance(stimulus),
    }
    return show(request, study, "summary.html", tab="stimuli", **context)


@study_page(Capability.SEE_STIMULI)
def show_region(request: HttpRequest, study: Study, identifier: str, number: int) -> HttpResponse:
    """Show one region of a stimulus in its image."""
    stimulus = _stimulus(study, identifier)
    try:
        shown = region(stimulus, number)
    except IndexError as error:
        raise Http404(str(error)) from error
    last = len(stimulus.members)
    context: dict[str, Any] = {
        "stimulus": stimulus,
        "region": shown,
        "previous": number - 1 if number > 1 else None,
        "next": number + 1 if number < last else None,
        "last": last,
    }
    return show(request, study, "region.html", tab="stimuli", **context)


def _stimulus(study: Study, identifier: str) -> Stimulus:
    return get_object_or_404(Stimulus.objects.select_related("condition", "run"), study=study, identifier=identifier)
