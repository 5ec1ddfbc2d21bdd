"""The entry link: GET shows the consent page and creates nothing, POST gives consent."""

import re
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from study.models import Study, StudyState
from study.models.participant import new_token
from study.recruitment import Entry, EntryRefusedError, recognise
from study.services.consent import StudyNotOpenError, give_consent
from study.views.pages import SeeOther, participant_page, show_message

NONCE_PARAMETER = "attempt"
NONCE_PATTERN = re.compile(r"[A-Za-z0-9_-]{16,32}")
LONGEST_QUERY = 2000


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the consent page, or take consent and send the participant to their own page.

    The form posts to a URL that keeps the recruiter's parameters and carries a nonce, so that a double click makes one
    participant, not two.
    """
    study = get_object_or_404(Study.objects.exclude(state=StudyState.DRAFT), slug=slug)
    translation.activate(study.language)
    nonce, raw_query = _split_query(request)
    try:
        entry = recognise(study, QueryDict(raw_query).dict(), raw_query=raw_query)
    except EntryRefusedError as refusal:
        return show_message(request, title=_("This link does not work"), text=str(refusal), status=400)
    if request.method == "POST":
        return _take_consent(request, study, entry, nonce)
    if not study.takes_participants:
        return _show_not_open(request, study)
    query = urlencode({NONCE_PARAMETER: new_token()})
    context = {
        "study": study,
        "entry_url": f"{study.get_absolute_url()}?{raw_query}{'&' if raw_query else ''}{query}",
        "minutes": study.minutes,
    }
    return render(request, "study/consent.html", context)


def _split_query(request: HttpRequest) -> tuple[str, str]:
    """Return the form's nonce (a new one where it is missing) and the recruiter's query without it."""
    pieces = request.META.get("QUERY_STRING", "")[:LONGEST_QUERY].split("&")
    prefix = f"{NONCE_PARAMETER}="
    nonces = [piece.removeprefix(prefix) for piece in pieces if piece.startswith(prefix)]
    raw_query = "&".join(piece for piece in pieces if piece and not piece.startswith(prefix))
    if nonces and NONCE_PATTERN.fullmatch(nonces[-1]):
        return nonces[-1], raw_query
    return new_token(), raw_query


def _take_consent(request: HttpRequest, study: Study, entry: Entry, nonce: str) -> HttpResponse:
    try:
        participant = give_consent(study, entry, nonce=nonce)
    except StudyNotOpenError:
        return _show_not_open(request, study)
    return SeeOther(participant.get_absolute_url())


def _show_not_open(request: HttpRequest, study: Study) -> HttpResponse:
    if study.state == StudyState.PAUSED:
        text = _("The study is taking a break at the moment.")
        hint = _("Please try again later. Nothing was stored.")
    else:
        text = _("The study has ended and takes no more participants.")
        hint = _("Thank you for your interest. Nothing was stored.")
    return show_message(request, title=study.title, text=text, hint=hint, status=403)
