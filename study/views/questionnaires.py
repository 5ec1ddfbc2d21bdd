"""Questionnaires before and after the trials."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from study.design import PlacedQuestionnaire
from study.flow import current_step
from study.models import Participant
from study.questionnaires import QuestionnaireForm, get_questionnaire
from study.services.questionnaires import commit_questionnaire
from study.views.pages import SeeOther, for_recruiter, get_participant, page_context, participant_page


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer_questionnaire(request: HttpRequest, token: str, questionnaire: str, moment: str) -> HttpResponse:
    """Take a questionnaire; sent again, or out of turn, it leads to the page whose turn it is."""
    participant = get_participant(token)
    placed = PlacedQuestionnaire(questionnaire, moment)
    if request.method != "POST" or placed not in participant.study.placed_questionnaires:
        return SeeOther(participant.get_absolute_url())
    form = get_questionnaire(questionnaire).form(request.POST)
    if form.is_valid():
        commit_questionnaire(participant, placed, form.given())
    elif current_step(participant).questionnaire == placed:
        response = show_questionnaire(request, participant, placed, form, status=422)
        return for_recruiter(response, participant.source)
    return SeeOther(participant.get_absolute_url())


def show_questionnaire(
    request: HttpRequest,
    participant: Participant,
    placed: PlacedQuestionnaire,
    form: QuestionnaireForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Show a questionnaire with its form."""
    questionnaire = get_questionnaire(placed.questionnaire)
    context = page_context(participant) | {
        "questionnaire": questionnaire,
        "placed": placed,
        "form": form or questionnaire.form(),
    }
    return render(request, questionnaire.template_name, context, status=status)
