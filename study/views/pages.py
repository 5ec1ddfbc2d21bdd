"""What all participant pages share: no caching, a strict content policy, the study's language, kind messages."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from csp.utils import build_policy
from django.db.models import CharField
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirectBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from study.models import Participant
from study.prepared import Parameter, PreparedQuery
from study.recruitment import recruiter_of
from study.views.unavailable import STORAGE_ERRORS, show_not_stored

View = Callable[..., HttpResponse]
PARTICIPANT = PreparedQuery(
    lambda: Participant.objects.select_related("study").filter(token=Parameter("token", CharField()))
)


def participant_page(view: View) -> View:
    """Mark a view as a page for participants: never cached, and in the language that the view activates.

    Where the database fails, the page says that nothing was stored, and how to try again.

    Exempt from the CSRF cookie on purpose: participants have no account and no session, the unguessable token in the
    URL is the authority, and the pages must work where cookies are blocked.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with translation.override(translation.get_language()):
            try:
                response = view(request, *args, **kwargs)
            except STORAGE_ERRORS:
                response = show_not_stored(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response

    return csrf_exempt(never_cache(page))


def get_participant(token: str) -> Participant:
    """Return the participant with this token, with the study, and switch to their language; 404 where there is none."""
    participant = PARTICIPANT.first(token=token)
    if participant is None:
        raise Http404("No such participant.")
    return speak_to(participant)


def speak_to(participant: Participant) -> Participant:
    """Switch to the participant's language, and return the participant."""
    translation.activate(participant.language)
    return participant


def page_context(participant: Participant) -> dict[str, Any]:
    """Return what every page behind a participant's link is made from."""
    return {
        "study": participant.study,
        "texts": participant.study.texts_in(participant.language),
        "participant": participant,
    }


def for_recruiter(response: HttpResponse, source: str, *, form_targets: Iterable[str] = ()) -> HttpResponse:
    """Let the recruiter's site show the page in a frame, where it needs to, and let forms post to `form_targets`."""
    recruiter = recruiter_of(source)
    ancestors = list(recruiter.frame_ancestors) if recruiter else []
    targets = list(form_targets)
    if ancestors:
        response.xframe_options_exempt = True  # read by Django's middleware
    if ancestors or targets:
        replaced = {"frame-ancestors": ancestors} if ancestors else {}
        response.headers["Content-Security-Policy"] = build_policy(
            replace=replaced, update={"form-action": targets} if targets else None
        )
    return response


def show_message(
    request: HttpRequest,
    *,
    title: str,
    text: str,
    hint: str = "",
    continue_url: str = "",
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Answer with a page that says what happened and what to do; `status` is the HTTP status."""
    context = {"title": title, "text": text, "hint": hint, "continue_url": continue_url, "status": status, **more}
    return render(request, "study/message.html", context, status=status)


class SeeOther(HttpResponseRedirectBase):
    """Answer a POST with 303, so that reloading the next page sends nothing again."""

    status_code = 303
