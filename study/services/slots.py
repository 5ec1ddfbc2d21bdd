"""Claiming, keeping and giving back slots.

A slot is claimed by a conditional update, so two participants can never hold one slot. Low numbers go first, and slots
that come back are low numbers: the plan fills from its front, which balances completed plus active, not starters.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from study.models import Event, EventKind, Participant, ParticipantState, Slot, SlotState, Study


def claim_slot(participant: Participant, *, now: datetime) -> Slot | None:
    """Give the participant the first slot that is free or whose lease has expired; None when all are taken.

    Must run inside a transaction. A holder whose lease had expired loses the slot; once the transaction has committed
    they are marked as timed out (in a transaction of their own, so that no two requests wait for each other).
    """
    study = participant.study
    expires = lease_end(study, now=now)
    claimable = Q(state=SlotState.FREE) | Q(state=SlotState.CLAIMED, lease_expires_at__lt=now)
    while True:
        candidate = Slot.objects.filter(claimable, study=study).order_by("number").first()
        if candidate is None:
            return None
        previous = candidate.holder_id
        claimed = Slot.objects.filter(claimable, pk=candidate.pk, holder=previous).update(
            state=SlotState.CLAIMED, holder=participant, lease_expires_at=expires
        )
        if claimed:
            if previous is not None:
                transaction.on_commit(partial(time_out, previous, now=now))
            candidate.refresh_from_db()
            return candidate


def lease_end(study: Study, *, now: datetime) -> datetime:
    """Return when a lease taken now runs out."""
    return now + timedelta(minutes=study.lease_minutes)


def renew_lease(participant: Participant, *, now: datetime) -> bool:
    """Keep the participant's slot for another lease; False when they hold none."""
    renewed = Slot.objects.filter(holder=participant, state=SlotState.CLAIMED).update(
        lease_expires_at=lease_end(participant.study, now=now)
    )
    return bool(renewed)


def complete_slot(participant: Participant) -> bool:
    """Mark the participant's slot as completed; False when they hold none."""
    completed = Slot.objects.filter(holder=participant, state=SlotState.CLAIMED).update(
        state=SlotState.COMPLETED, lease_expires_at=None
    )
    return bool(completed)


def release_slot(participant: Participant) -> None:
    """Give the participant's slot back, completed or not."""
    Slot.objects.filter(holder=participant).update(state=SlotState.FREE, holder=None, lease_expires_at=None)


@transaction.atomic
def time_out(participant_id: int, *, now: datetime) -> None:
    """Mark a participant whose slot went to someone else. They may still come back and finish, flagged."""
    participant = Participant.objects.select_for_update().get(pk=participant_id)
    if participant.state not in {ParticipantState.CONSENTED, ParticipantState.ACTIVE}:
        return
    participant.state = ParticipantState.TIMED_OUT
    participant.timed_out_at = now
    participant.save(update_fields=["state", "timed_out_at"])
    Event.objects.create(participant=participant, kind=EventKind.LEASE_LOST, at=now)
