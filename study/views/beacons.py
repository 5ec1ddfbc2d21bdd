"""What a participant's browser sends by itself: events, and signs of life that keep the place."""

import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from study.services.events import record_events
from study.services.progress import keep_place
from study.views.pages import get_participant, participant_page

LARGEST_EVENT_REPORT = 16_384


@participant_page
@require_POST
def record_browser_events(request: HttpRequest, token: str) -> HttpResponse:
    """Take a beacon: one `{"kind", "detail"}` in JSON, or a list of them, as the body or in the field `events`."""
    participant = get_participant(token)
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > LARGEST_EVENT_REPORT:
        return HttpResponse("Too long.", status=413, content_type="text/plain")
    form_types = ("application/x-www-form-urlencoded", "multipart/form-data")
    try:
        raw = request.POST.get("events", "") if request.content_type in form_types else request.body.decode()
        reported = json.loads(raw)
    except (ValueError, RecursionError):  # no JSON, or thousands of brackets
        reported = None
    events = [reported] if isinstance(reported, dict) else reported
    if not isinstance(events, list):
        return HttpResponse("Expected an event in JSON, or a list.", status=400, content_type="text/plain")
    record_events(participant, events)
    return HttpResponse(status=204)


@participant_page
@require_POST
def take_heartbeat(request: HttpRequest, token: str) -> HttpResponse:
    """Renew the lease while the page is open and looked at; 410 when there is no place to keep."""
    return HttpResponse(status=204 if keep_place(get_participant(token)) else 410)
