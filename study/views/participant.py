"""The pages behind a participant's own link."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from study.flow import Page, Step, current_step, next_trials, progress, with_stimuli
from study.models import Participant, ParticipantState, Trial
from study.recruitment import completion_url
from study.services.answers import Outcome, commit_answer
from study.services.events import record_events
from study.services.progress import continue_participant, resume_participant, serve_trial
from study.services.withdrawal import withdraw
from study.tasks import ShownPicture, TaskForm, get_task
from study.views.pages import SeeOther, participant_page, show_message

TRIALS_TO_PRELOAD = 2
LARGEST_EVENT_REPORT = 16_384


@participant_page
@require_safe
def show_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show whatever the participant should see now."""
    participant = _participant(token)
    if participant.state == ParticipantState.TIMED_OUT:
        participant = resume_participant(participant)
    step = current_step(participant)
    if step.page == Page.INSTRUCTIONS:
        task = get_task(participant.study.task)
        pictures = task.practice_item(task.worked_example).pictures
        context = {"study": participant.study, "participant": participant, "example_pictures": pictures}
        return render(request, "study/instructions.html", context)
    if step.page == Page.TRIAL and step.trial is not None:
        if request.method == "GET":  # a HEAD request shows nothing to anybody
            serve_trial(step.trial)
        return _render_trial(request, participant, step.trial, get_task(step.trial.task).form_class())
    if step.page == Page.PRACTICE_FEEDBACK and step.trial is not None:
        return _render_feedback(request, participant, step.trial)
    return _render_end(request, participant, step)


@participant_page
@require_POST
def continue_study(request: HttpRequest, token: str) -> HttpResponse:
    """Leave the instructions or a practice trial's feedback."""
    participant = _participant(token)
    continue_participant(participant)
    return SeeOther(participant.get_absolute_url())


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer_trial(request: HttpRequest, token: str, nonce: str) -> HttpResponse:
    """Take an answer. Opened as a page, as after a reload of an error, it leads to the current page."""
    participant = _participant(token)
    trial = with_stimuli(Trial.objects.filter(participant=participant, nonce=nonce)).first()
    if request.method != "POST":
        return SeeOther(participant.get_absolute_url())
    if trial is None:
        return _show_outdated(request, participant)
    form = get_task(trial.task).form_class(request.POST)
    step = current_step(participant)
    if step.page == Page.TRIAL and step.trial == trial and not form.is_valid():
        return _render_trial(request, participant, trial, form, status=422)
    if not form.is_valid():
        return SeeOther(participant.get_absolute_url())
    commitment = commit_answer(participant, trial, form.submission())
    if commitment.outcome == Outcome.OUTDATED:
        return _show_outdated(request, participant)
    return SeeOther(participant.get_absolute_url())


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_participant(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to withdraw, and do it on POST."""
    participant = _participant(token)
    if request.method == "POST":
        withdraw(participant)
        return SeeOther(participant.get_absolute_url())
    if participant.state == ParticipantState.WITHDRAWN:
        return SeeOther(participant.get_absolute_url())
    return render(request, "study/withdraw.html", {"study": participant.study, "participant": participant})


@participant_page
@require_POST
def record_browser_events(request: HttpRequest, token: str) -> HttpResponse:
    """Take a beacon: one `{"kind", "detail"}` in JSON, or a list of them, as the body or in the field `events`."""
    participant = _participant(token)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_EVENT_REPORT:
        return HttpResponse("Too long.", status=413, content_type="text/plain")
    form_types = ("application/x-www-form-urlencoded", "multipart/form-data")
    try:
        raw = request.POST.get("events", "") if request.content_type in form_types else request.body.decode()
        reported = json.loads(raw)
    except ValueError:
        reported = None
    events = [reported] if isinstance(reported, dict) else reported
    if not isinstance(events, list):
        return HttpResponse("Expected an event in JSON, or a list.", status=400, content_type="text/plain")
    record_events(participant, events)
    return HttpResponse(status=204)


def _participant(token: str) -> Participant:
    participant = get_object_or_404(Participant.objects.select_related("study"), token=token)
    translation.activate(participant.language)
    return participant


def _pictures(trial: Trial) -> list[ShownPicture]:
    task = get_task(trial.task)
    if trial.stimulus is None:
        return task.practice_item(trial.practice_item).pictures
    return task.pictures(trial.stimulus)


def _class_name(trial: Trial) -> str:
    if trial.stimulus is None:
        return get_task(trial.task).practice_item(trial.practice_item).class_name
    return trial.stimulus.condition.class_name


def _render_trial(
    request: HttpRequest, participant: Participant, trial: Trial, form: TaskForm, *, status: int = 200
) -> HttpResponse:
    task = get_task(trial.task)
    following = next_trials(trial, count=TRIALS_TO_PRELOAD)
    context = {
        "study": participant.study,
        "participant": participant,
        "trial": trial,
        "task": task,
        "form": form,
        "pictures": _pictures(trial),
        "class_name": _class_name(trial),
        "progress": progress(trial),
        "practice": trial.is_practice,
        "next_pictures": [picture.url for later in following for picture in _pictures(later)],
    }
    return render(request, task.template_name, context, status=status)


def _render_feedback(request: HttpRequest, participant: Participant, trial: Trial) -> HttpResponse:
    task = get_task(trial.task)
    item = task.practice_item(trial.practice_item)
    context = {
        "study": participant.study,
        "participant": participant,
        "trial": trial,
        "practice_item": task.feedback(item, correct=bool(trial.answer.correct)),
        "progress": progress(trial),
        "pictures": item.pictures,
        "class_name": item.class_name,
    }
    return render(request, "study/practice_feedback.html", context)


def _render_end(request: HttpRequest, participant: Participant, step: Step) -> HttpResponse:
    study = participant.study
    if step.page == Page.OVER_QUOTA:
        code = study.completion_code(ParticipantState.OVER_QUOTA)
        return show_message(
            request,
            title=_("The study is full"),
            text=_("Thank you for coming. All places are taken at the moment, so there is nothing to do for you."),
            hint=_("Your code is %(code)s.") % {"code": code} if code else _("You can close this page."),
        )
    if step.page == Page.ENDED:
        return show_message(
            request,
            title=_("Your part has ended"),
            text=_("This link takes no more answers. What you have answered is safe."),
            hint=_("You can close this page."),
        )
    if step.page == Page.WITHDRAWN:
        return render(request, "study/withdrawn.html", {"study": study, "participant": participant})
    outcome = ParticipantState.COMPLETED
    context = {
        "study": study,
        "participant": participant,
        "completion_code": study.completion_code(outcome),
        "redirect_url": completion_url(study, source=participant.source, outcome=outcome),
    }
    return render(request, "study/debrief.html", context)


def _show_outdated(request: HttpRequest, participant: Participant) -> HttpResponse:
    return show_message(
        request,
        title=_("This page is out of date"),
        text=_("You have already gone on, perhaps in another tab. Your answers are safe."),
        hint=_("Continue leads to the page whose turn it is."),
        continue_url=participant.get_absolute_url(),
        status=409,
    )
