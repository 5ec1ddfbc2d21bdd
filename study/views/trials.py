"""Trials: showing them, taking answers, and explaining practice answers."""

from functools import partial

from django.db.models import CharField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from study.addresses import participant_address
from study.flow import Page, Progress, current_step, progress
from study.models import Participant, Phase, Trial
from study.prepared import Parameter, PreparedQuery
from study.services.answers import NextTrial, Outcome, commit_answer
from study.tasks import TaskForm, get_task
from study.views.pages import (
    SeeOther,
    for_recruiter,
    get_participant,
    page_context,
    participant_page,
    show_message,
    speak_to,
)

TRIAL = PreparedQuery(
    lambda: Trial.objects.select_related("participant__study").filter(
        participant__token=Parameter("token", CharField()), nonce=Parameter("nonce", CharField())
    )
)
WHOLE_PAGE = "study/participant_base.html"
PAGE_PARTS = "study/page_parts.html"
WITH_NEXT_TRIAL = "return=representation"
"""What a page sends as `Prefer` (RFC 7240) that shows the next trial itself, without another request."""


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer_trial(request: HttpRequest, token: str, nonce: str) -> HttpResponse:
    """Take an answer. Opened as a page, as after a reload of an error, it leads to the current page.

    A page that prefers it gets the next trial at once where that is what comes next. Everybody else is led to it, as
    are those to whom something else is shown next.

    What an answer costs is kept to five statements: trial with participant, lock, open trials, answer, lease; the
    sending of a next trial is a sixth.
    """
    trial = TRIAL.first(token=token, nonce=nonce)
    if trial is None or request.method != "POST":
        participant = get_participant(token)
        if request.method != "POST":
            return SeeOther(participant.get_absolute_url())
        return _show_outdated(request, participant)
    participant = speak_to(trial.participant)
    form = get_task(trial.task).form(trial, request.POST)
    if not form.is_valid():
        return _refuse(request, participant, trial, form)
    prefers_next = request.headers.get("Prefer") == WITH_NEXT_TRIAL
    commitment = commit_answer(participant, trial, form.submission(), send_next=prefers_next)
    if commitment.outcome == Outcome.OUTDATED:
        return _show_outdated(request, participant)
    if commitment.next_trial is None:
        return SeeOther(participant.get_absolute_url())
    return _show_next(request, participant, commitment.next_trial)


def _show_next(request: HttpRequest, participant: Participant, sent: NextTrial) -> HttpResponse:
    """Answer with the parts of the next trial's page that the page before it takes over."""
    response = show_trial(
        request, participant, sent.trial, following=sent.following, how_far=sent.progress, frame=PAGE_PARTS
    )
    response.headers["Preference-Applied"] = WITH_NEXT_TRIAL
    response.headers["Content-Location"] = participant.get_absolute_url()
    return response


def _refuse(request: HttpRequest, participant: Participant, trial: Trial, form: TaskForm) -> HttpResponse:
    """Show what is missing, unless the trial is not the current one any more."""
    step = current_step(participant)
    if step.page != Page.TRIAL or step.trial is None or step.trial != trial:
        return SeeOther(participant.get_absolute_url())
    response = show_trial(request, participant, step.trial, refused=form, following=step.following, status=422)
    return for_recruiter(response, participant.source)


def show_trial(
    request: HttpRequest,
    participant: Participant,
    trial: Trial,
    *,
    following: list[Trial],
    refused: TaskForm | None = None,
    status: int = 200,
    how_far: Progress | None = None,
    frame: str = WHOLE_PAGE,
) -> HttpResponse:
    """Show a trial with its form: an empty one, or the one that was refused.

    `following` are the trials whose pictures are loaded ahead, `how_far` is the progress where it is at hand, and
    `frame` the template around the trial.
    """
    task = get_task(trial.task)
    page = task.page(trial)
    context = page_context(participant) | {
        "frame": frame,
        "trial": trial,
        "task": task,
        "form": SimpleLazyObject(partial(task.form, trial)) if refused is None else refused,
        "same_fields": task.same_fields and refused is None,
        "own_address": participant.get_absolute_url(),
        "answer_address": participant_address("answer", token=participant.token, nonce=trial.nonce),
        "events_address": participant_address("events", token=participant.token),
        "page": page,
        "pictures": page.pictures,
        "class_name": page.class_name,
        "class_language": "en" if trial.phase == Phase.MAIN else participant.language,
        "progress": how_far or progress(trial),
        "practice": trial.is_practice,
        "next_pictures": pictures_ahead(following),
    }
    return render(request, task.template_name, context, status=status)


def pictures_ahead(trials: list[Trial]) -> list[dict[str, str]]:
    """Return what the browser loads ahead for these trials."""
    return [picture.preload for trial in trials for picture in get_task(trial.task).page(trial).pictures]


def show_feedback(
    request: HttpRequest, participant: Participant, trial: Trial, *, following: list[Trial]
) -> HttpResponse:
    """Explain a practice answer."""
    task = get_task(trial.task)
    page = task.page(trial)
    context = page_context(participant) | {
        "trial": trial,
        "task": task,
        "page": page,
        "practice_item": task.feedback(task.practice_item(trial.practice_item), correct=bool(trial.answer.correct)),
        "progress": progress(trial),
        "pictures": page.pictures,
        "class_name": page.class_name,
        "class_language": "en" if trial.phase == Phase.MAIN else participant.language,
        "next_pictures": pictures_ahead(following),
    }
    return render(request, "study/practice_feedback.html", context)


def _show_outdated(request: HttpRequest, participant: Participant) -> HttpResponse:
    response = show_message(
        request,
        title=_("This page is out of date"),
        text=_("You have already gone on, perhaps in another tab. Your answers are safe."),
        hint=_("Continue leads to the page whose turn it is."),
        continue_url=participant.get_absolute_url(),
        status=409,
    )
    return for_recruiter(response, participant.source)
