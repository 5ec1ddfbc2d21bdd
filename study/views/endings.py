"""The last page: thanks, codes and the way back to the recruiter, shown again on every later visit."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from study.flow import Page
from study.models import ExternalIdentity, Participant, ParticipantState
from study.recruitment import WayBack, recruiter_of
from study.views.pages import for_recruiter, page_context

TEMPLATES = {
    Page.DEBRIEF: "study/debrief.html",
    Page.SCREENED_OUT: "study/ended.html",
    Page.OVER_QUOTA: "study/ended.html",
    Page.RETURNED: "study/ended.html",
    Page.WITHDRAWN: "study/withdrawn.html",
}
OUTCOMES = {
    Page.SCREENED_OUT: ParticipantState.SCREENED_OUT,
    Page.OVER_QUOTA: ParticipantState.OVER_QUOTA,
    Page.RETURNED: ParticipantState.RETURNED,
    Page.WITHDRAWN: ParticipantState.WITHDRAWN,
}


def show_end(request: HttpRequest, participant: Participant, page: Page) -> HttpResponse:
    """Show an end with its code and its way back. Everything was stored before anybody is sent away."""
    outcome = OUTCOMES.get(page) or (
        ParticipantState.FAILED_CHECKS
        if participant.state == ParticipantState.FAILED_CHECKS
        else ParticipantState.COMPLETED
    )
    way_back = None if participant.is_test else way_back_of(participant, outcome)
    context: dict[str, Any] = page_context(participant) | {
        "outcome": outcome,
        "completion_code": participant.study.completion_code(outcome),
        "way_back": way_back,
        **_words(page),
    }
    response = render(request, TEMPLATES[page], context)
    targets = [way_back.origin] if way_back is not None and way_back.method == "post" else []
    return for_recruiter(response, participant.source, form_targets=targets)


def way_back_of(participant: Participant, outcome: str) -> WayBack | None:
    """Return how the participant goes back to the recruiter, or None where there is no way."""
    recruiter = recruiter_of(participant.source)
    if recruiter is None:
        return None
    identity = ExternalIdentity.objects.filter(participant=participant).first()
    return recruiter.way_back(
        participant.study,
        outcome,
        subject=identity.subject if identity else "",
        details=identity.details if identity else {},
    )


def _words(page: Page) -> dict[str, str]:
    if page == Page.SCREENED_OUT:
        return {
            "title": _("Thank you for trying"),
            "text": _("The task did not become clear, so this study ends here for you. That is our fault, not yours."),
            "hint": _("You have done nothing wrong, and nobody will hold it against you."),
        }
    if page == Page.OVER_QUOTA:
        return {
            "title": _("The study is full"),
            "text": _("Thank you for coming. All places are taken at the moment, so there is nothing to do for you."),
            "hint": _("A place may become free: you can open the link again later."),
        }
    if page == Page.RETURNED:
        return {
            "title": _("You have given this study back"),
            "text": _("The site that sent you here told us so. Your place has gone to somebody else."),
            "hint": _("If that is a mistake, please write to the researchers."),
        }
    return {}
