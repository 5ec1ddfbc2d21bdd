"""Answering the comprehension questions: two tries, then the study ends kindly."""

from django.db import transaction
from django.utils import timezone

from study.comprehension import TRIES
from study.models import Event, EventKind, Participant
from study.services.completion import screen_out_locked
from study.services.progress import lock_participant
from study.services.slots import renew_lease


@transaction.atomic
def commit_comprehension(participant: Participant, *, attempt: int, wrong: int) -> Participant:
    """Store one try at the comprehension questions, with the number of wrong answers.

    `attempt` is the try that the page was about, from 1; a repeat of an earlier one changes nothing.
    """
    locked = lock_participant(participant)
    if not locked.takes_answers or locked.comprehension_passed_at or attempt != locked.comprehension_attempts + 1:
        return locked
    now = timezone.now()
    locked.comprehension_attempts = attempt
    detail = {"attempt": attempt, "wrong": wrong}
    if wrong == 0:
        locked.comprehension_passed_at = now
        Event.objects.create(participant=locked, kind=EventKind.COMPREHENSION_PASSED, at=now, detail=detail)
    else:
        Event.objects.create(participant=locked, kind=EventKind.COMPREHENSION_FAILED, at=now, detail=detail)
    locked.save(update_fields=["comprehension_attempts", "comprehension_passed_at"])
    if wrong and attempt >= TRIES:
        screen_out_locked(locked, now=now)
    else:
        renew_lease(locked, now=now)
    return locked
