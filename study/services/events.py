"""Keeping what browsers report besides answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from study.models import BROWSER_EVENT_KINDS, Event, Participant, ParticipantState
from study.tasks.form import is_short_scalar

LARGEST_NUMBER_OF_EVENTS = 2000
LONGEST_DETAIL = 10
LONGEST_KEY = 40
LONGEST_WORD = 100


@transaction.atomic
def record_events(participant: Participant, reported: Iterable[Mapping[str, Any]]) -> int:
    """Store the events of known kinds and return how many; nothing is kept after a withdrawal.

    One participant can store at most 2,000 events, so that a broken page cannot fill the disk.
    """
    if Participant.objects.filter(pk=participant.pk, state=ParticipantState.WITHDRAWN).exists():
        return 0
    room = LARGEST_NUMBER_OF_EVENTS - Event.objects.filter(participant=participant).count()
    now = timezone.now()
    events = [
        Event(participant=participant, kind=event["kind"], at=now, detail=_short_detail(event.get("detail")))
        for event in reported
        if isinstance(event, Mapping) and isinstance(event.get("kind"), str) and event["kind"] in BROWSER_EVENT_KINDS
    ]
    return len(Event.objects.bulk_create(events[: max(0, room)]))


def _short_detail(detail: object) -> dict[str, Any]:
    if not isinstance(detail, Mapping):
        return {}
    return {
        key[:LONGEST_KEY]: value
        for key, value in list(detail.items())[:LONGEST_DETAIL]
        if is_short_scalar(key, longest=LONGEST_WORD) and is_short_scalar(value, longest=LONGEST_WORD)
    }
