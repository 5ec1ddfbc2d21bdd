"""The page behind a participant's own link, and the steps that are no answers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from study.comprehension import TRIES, ComprehensionForm
from study.flow import Page, Step, current_step
from study.models import Participant, ParticipantState, Trial
from study.services.comprehension import commit_comprehension
from study.services.progress import leave_feedback, leave_instructions, resume_participant, serve_trial
from study.services.withdrawal import withdraw
from study.tasks import get_task
from study.views.endings import show_end
from study.views.pages import SeeOther, for_recruiter, get_participant, page_context, participant_page
from study.views.questionnaires import show_questionnaire
from study.views.trials import pictures_ahead, show_feedback, show_trial


@participant_page
@require_safe
def show_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show whatever the participant should see now."""
    participant = get_participant(token)
    if participant.state == ParticipantState.TIMED_OUT:
        participant = resume_participant(participant)
    step = current_step(participant)
    if step.questionnaire is not None:
        response = show_questionnaire(request, participant, step.questionnaire)
        return for_recruiter(response, participant.source)
    if step.trial is None:
        return show_end(request, participant, step.page)
    if step.page == Page.TRIAL and request.method == "GET":  # a HEAD request shows nothing to anybody
        serve_trial(step.trial)
    return for_recruiter(_show_step(request, participant, step, step.trial), participant.source)


def _show_step(request: HttpRequest, participant: Participant, step: Step, trial: Trial) -> HttpResponse:
    if step.page == Page.INSTRUCTIONS:
        return _show_instructions(request, participant, trial, following=step.following)
    if step.page == Page.COMPREHENSION:
        form = ComprehensionForm(get_task(trial.task).comprehension_questions)
        return _show_comprehension(request, participant, form, step)
    if step.page == Page.PRACTICE_FEEDBACK:
        return show_feedback(request, participant, trial, following=step.following)
    return show_trial(request, participant, trial, following=step.following)


def _show_instructions(
    request: HttpRequest, participant: Participant, trial: Trial, *, following: list[Trial]
) -> HttpResponse:
    task = get_task(trial.task)
    context = page_context(participant) | {
        "task": task,
        "example_pictures": task.example_pictures(),
        "practice": trial.is_practice,
        "first": not participant.instructions_read,
        "next_pictures": pictures_ahead([trial, *following]),
    }
    return render(request, "study/instructions.html", context)


@participant_page
@require_POST
def continue_study(request: HttpRequest, token: str) -> HttpResponse:
    """Leave the instructions or a practice trial's feedback; on any other page this changes nothing."""
    participant = get_participant(token)
    step = current_step(participant)
    if step.page == Page.INSTRUCTIONS and step.trial is not None:
        leave_instructions(participant, task=step.trial.task)
    elif step.page == Page.PRACTICE_FEEDBACK:
        leave_feedback(participant)
    return SeeOther(participant.get_absolute_url())


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer_comprehension(request: HttpRequest, token: str) -> HttpResponse:
    """Take one try at the comprehension questions."""
    participant = get_participant(token)
    step = current_step(participant)
    if request.method != "POST" or step.page != Page.COMPREHENSION or step.trial is None:
        return SeeOther(participant.get_absolute_url())
    form = ComprehensionForm(get_task(step.trial.task).comprehension_questions, request.POST)
    attempt = _attempt(request)
    if not form.is_valid():
        return for_recruiter(_show_comprehension(request, participant, form, step, status=422), participant.source)
    if attempt != participant.comprehension_attempts + 1:
        return SeeOther(participant.get_absolute_url())
    wrong = form.wrong_answers()
    participant = commit_comprehension(participant, attempt=attempt, wrong=len(wrong))
    if wrong and attempt < TRIES:
        return for_recruiter(_show_comprehension(request, participant, form, step, status=422), participant.source)
    return SeeOther(participant.get_absolute_url())


def _attempt(request: HttpRequest) -> int:
    value = request.POST.get("attempt", "")
    return int(value) if value.isdecimal() and len(value) < 4 else 0


def _show_comprehension(
    request: HttpRequest, participant: Participant, form: ComprehensionForm, step: Step, *, status: int = 200
) -> HttpResponse:
    wrong = {question.key for question in form.wrong_answers()} if form.is_bound and form.is_valid() else set()
    context = page_context(participant) | {
        "form": form,
        "questions": [
            {"question": question, "field": form[question.key], "wrong": question.key in wrong}
            for question in form.questions
        ],
        "wrong": bool(wrong),
        "attempt": participant.comprehension_attempts + 1,
        "last_try": participant.comprehension_attempts + 1 >= TRIES,
        "next_pictures": pictures_ahead([trial for trial in (step.trial, *step.following) if trial is not None]),
    }
    return render(request, "study/comprehension.html", context, status=status)


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_participant(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to withdraw, and do it on POST."""
    participant = get_participant(token)
    if request.method == "POST":
        withdraw(participant)
        return SeeOther(participant.get_absolute_url())
    if participant.state == ParticipantState.WITHDRAWN:
        return SeeOther(participant.get_absolute_url())
    response = render(request, "study/withdraw.html", page_context(participant))
    return for_recruiter(response, participant.source)
