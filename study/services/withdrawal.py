"""Withdrawing: the answers go, a tombstone stays."""

from django.db import transaction
from django.utils import timezone

from study.models import Event, EventKind, ExternalIdentity, Participant, ParticipantState, QuestionnaireAnswer, Trial
from study.services.progress import lock_participant
from study.services.slots import release_slot
from study.services.tallies import forget_answers


@transaction.atomic
def withdraw(participant: Participant) -> Participant:
    """Delete the participant's trials, answers, questionnaires, events and external identity, and give the slot back.

    The row itself stays with its time stamps, so that numbers of participants add up. Withdrawing again changes
    nothing.
    """
    locked = lock_participant(participant)
    if locked.state == ParticipantState.WITHDRAWN:
        return locked
    now = timezone.now()
    forget_answers(locked)
    Trial.objects.filter(participant=locked).delete()
    QuestionnaireAnswer.objects.filter(participant=locked).delete()
    Event.objects.filter(participant=locked).delete()
    ExternalIdentity.objects.filter(participant=locked).delete()
    release_slot(locked)
    locked.state = ParticipantState.WITHDRAWN
    locked.withdrawn_at = now
    locked.save(update_fields=["state", "withdrawn_at"])
    Event.objects.create(participant=locked, kind=EventKind.WITHDRAWN, at=now)
    return locked
