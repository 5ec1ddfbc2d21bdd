"""The entry link: GET shows the consent page and creates nothing, POST gives consent."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from study.capacity import RETRY_AFTER_SECONDS, OverCapacityError, check_capacity
from study.entry_limit import WINDOW_SECONDS, is_within_limit
from study.models import Participant, ParticipantState, Study, StudyState
from study.models.participant import new_token
from study.recruitment import Entry, EntryRefusedError, recognise
from study.services.consent import StudyNotOpenError, find_participant, give_consent
from study.views.pages import SeeOther, for_recruiter, participant_page, show_message

NONCE_PARAMETER = "attempt"
LANGUAGE_PARAMETER = "language"
OWN_PARAMETERS = (NONCE_PARAMETER, LANGUAGE_PARAMETER)
NONCE_PATTERN = re.compile(r"[A-Za-z0-9_-]{16,32}")
LONGEST_QUERY = 2000
COOKIE_DAYS = 30


@dataclass(frozen=True)
class EntryLink:
    """An entry link taken apart: what is ours, and the recruiter's query as it came."""

    nonce: str
    language: str
    raw_query: str

    @classmethod
    def of(cls, request: HttpRequest) -> "EntryLink":
        """Return the parts of the request's link; a missing nonce is made up, a missing language is empty."""
        pieces = [piece for piece in request.META.get("QUERY_STRING", "")[:LONGEST_QUERY].split("&") if piece]
        own: dict[str, str] = {}
        recruiters = []
        for piece in pieces:
            name, _equals, value = piece.partition("=")
            if name in OWN_PARAMETERS:
                own[name] = value
            else:
                recruiters.append(piece)
        nonce = own.get(NONCE_PARAMETER, "")
        nonce = nonce if NONCE_PATTERN.fullmatch(nonce) else new_token()
        return cls(nonce=nonce, language=own.get(LANGUAGE_PARAMETER, ""), raw_query="&".join(recruiters))

    def url(self, study: Study, **own: str) -> str:
        """Return the study's link with the recruiter's query and these parameters of ours."""
        query = "&".join(part for part in (self.raw_query, urlencode(own)) if part)
        return f"{study.get_absolute_url()}?{query}" if query else study.get_absolute_url()


@participant_page
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the consent page, or take consent and send the participant to their own page.

    The form posts to a URL that keeps the recruiter's parameters and carries a nonce, so that a double click makes one
    participant, not two.
    """
    study = get_object_or_404(Study, slug=slug)
    link = EntryLink.of(request)
    language = _language(study, link)
    translation.activate(language)
    try:
        entry = recognise(study, QueryDict(link.raw_query).dict(), raw_query=link.raw_query)
    except EntryRefusedError as refusal:
        return show_message(request, title=_("This link does not work"), text=str(refusal), status=400)
    if study.state == StudyState.DRAFT and not entry.test:
        return show_message(
            request,
            title=_("This study has not started yet"),
            text=_("Please come back later. Nothing was stored."),
            status=404,
        )
    if request.method == "POST":
        response = _take_consent(request, study, entry, link, language)
    else:
        response = _show_consent(request, study, entry, link, language)
    return for_recruiter(response, entry.source)


def _language(study: Study, link: EntryLink) -> str:
    """Return the language chosen on the page, else the browser's where the study has it, else the study's own."""
    for language in (link.language, translation.get_language()):
        if language in study.languages:
            return str(language)
    return study.language


def _show_consent(request: HttpRequest, study: Study, entry: Entry, link: EntryLink, language: str) -> HttpResponse:
    known = _known(request, study, entry)
    if not study.takes_participants and not entry.test and known is None:
        return _show_not_open(request, study)
    if known is None and study.takes_participants and not (entry.test or entry.preview):
        try:
            check_capacity(now=timezone.now())
        except OverCapacityError:
            return _show_full(request)
    names = dict(settings.LANGUAGES)
    context = {
        "study": study,
        "texts": study.texts_in(language),
        "entry_url": link.url(study, attempt=new_token(), language=language),
        "minutes": study.minutes,
        "preview": entry.preview,
        "known": known,
        "known_by_cookie": known is not None and not entry.subject,
        "can_enter": study.takes_participants or entry.test,
        "languages": [
            {"code": code, "url": link.url(study, language=code), "chosen": code == language}
            for code in study.languages
            if code in names
        ],
    }
    return render(request, "study/consent.html", context)


def _known(request: HttpRequest, study: Study, entry: Entry) -> Participant | None:
    """Return who has entered before: by the recruiter's identifier, else by the cookie of the open link."""
    if entry.subject:
        return find_participant(study, entry, nonce="")
    if entry.simulated or entry.test or entry.preview:
        return None
    token = request.COOKIES.get(cookie_name(study), "")
    return Participant.objects.filter(study=study, token=token, source=entry.source).first() if token else None


def cookie_name(study: Study) -> str:
    """Return the name of the cookie that leads somebody back who opens the study's link again."""
    return f"{'__Secure-' if settings.SESSION_COOKIE_SECURE else ''}study-{study.pk}"


def _take_consent(request: HttpRequest, study: Study, entry: Entry, link: EntryLink, language: str) -> HttpResponse:
    signed = entry.simulated or entry.test
    if not signed and not is_within_limit(request, study=study.slug):
        response = show_message(
            request,
            title=_("Please wait a few minutes"),
            text=_("Very many people are entering from your network at the moment. Nothing was stored."),
            hint=_("Open the link again in five minutes."),
            status=429,
        )
        response.headers["Retry-After"] = str(WINDOW_SECONDS)
        return response
    try:
        participant = give_consent(study, entry, nonce=link.nonce, language=language)
    except StudyNotOpenError:
        return _show_not_open(request, study)
    except OverCapacityError:
        return _show_full(request)
    response = SeeOther(participant.get_absolute_url())
    if not entry.subject and not signed and participant.state != ParticipantState.OVER_QUOTA:
        response.set_cookie(
            cookie_name(study),
            participant.token,
            max_age=COOKIE_DAYS * 24 * 60 * 60,
            path=study.get_absolute_url(),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _show_full(request: HttpRequest) -> HttpResponse:
    response = show_message(
        request,
        title=_("Please come back in a few minutes"),
        text=_("Very many people are taking part at the moment, and you could not work without waiting."),
        hint=_("Nothing was stored, and your place is not lost: open the link again a little later."),
        status=503,
    )
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _show_not_open(request: HttpRequest, study: Study) -> HttpResponse:
    if study.takes_participants:
        text = _("You are looking at a preview. Please accept the task first; then you can start.")
        hint = _("Nothing was stored.")
    elif study.state == StudyState.DRAFT:
        text = _("There is nothing to show yet.")
        hint = _("Import stimuli first.")
    elif study.state == StudyState.PAUSED:
        text = _("The study is taking a break at the moment.")
        hint = _("Please try again later. Nothing was stored.")
    else:
        text = _("The study has ended and takes no more participants.")
        hint = _("Thank you for your interest. Nothing was stored.")
    return show_message(request, title=study.title, text=text, hint=hint, status=403)
