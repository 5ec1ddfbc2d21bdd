"""Claiming, keeping and giving back slots.

A slot is claimed by a conditional update, so two participants can never hold one slot. Low numbers go first, and slots
that come back are low numbers: the plan fills from its front, which balances completed plus active, not starters.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import BigAutoField, DateTimeField, Q
from django.utils import timezone

from study.models import Event, EventKind, Participant, ParticipantState, Slot, SlotState, Study
from study.prepared import Parameter, PreparedQuery, PreparedUpdate
from study.services.quotas import has_room, trials_per_cell

RENEW = PreparedUpdate(
    lambda: Slot.objects.filter(holder_id=Parameter("holder", BigAutoField()), state=SlotState.CLAIMED),
    lease_expires_at=Parameter("until", DateTimeField()),
)
STUDY, NOW = Parameter("study", BigAutoField()), Parameter("now", DateTimeField())
FIRST_FREE = PreparedQuery(
    lambda: Slot.objects.filter(study_id=STUDY, state=SlotState.FREE).defer("trials").order_by("number")[:1]
)
FIRST_EXPIRED = PreparedQuery(
    lambda: (
        Slot.objects.filter(study_id=STUDY, state=SlotState.CLAIMED, lease_expires_at__lt=NOW)
        .defer("trials")
        .order_by("number")[:1]
    )
)
CLAIM_FREE = PreparedUpdate(
    lambda: Slot.objects.filter(pk=Parameter("slot", BigAutoField()), state=SlotState.FREE),
    state=SlotState.CLAIMED,
    holder=Parameter("holder", BigAutoField()),
    lease_expires_at=Parameter("until", DateTimeField()),
)
WHOLE_SLOT = PreparedQuery(lambda: Slot.objects.filter(pk=Parameter("slot", BigAutoField())))


def claim_slot(participant: Participant, *, now: datetime) -> Slot | None:
    """Give the participant the first slot that is free or whose lease has expired; None when all are taken.

    Must run inside a transaction. A holder whose lease had expired loses the slot; once the transaction has committed
    they are marked as timed out (in a transaction of their own, so that no two requests wait for each other).
    """
    study = participant.study
    while True:
        candidate = _next_slot(study, now=now)
        if candidate is None:
            return None
        if _take(candidate, participant, now=now):
            if candidate.holder_id is not None:
                transaction.on_commit(partial(time_out, candidate.holder_id, now=now, kind=EventKind.LEASE_LOST))
            return WHOLE_SLOT.get(slot=candidate.pk)


def _next_slot(study: Study, *, now: datetime) -> Slot | None:
    """Return the first claimable slot; with a quota per cell, the first whose cells all have room."""
    if study.quota_per_cell is None:  # one look for each state: the index finds both, however many are completed
        found = [FIRST_FREE.first(study=study.pk), FIRST_EXPIRED.first(study=study.pk, now=now)]
        return min((slot for slot in found if slot is not None), key=lambda slot: slot.number, default=None)
    Study.objects.select_for_update().get(pk=study.pk)  # two claims at once would count the same room
    counts = trials_per_cell(study)
    claimable = Q(state=SlotState.FREE) | Q(state=SlotState.CLAIMED, lease_expires_at__lt=now)
    slots = Slot.objects.filter(claimable, study=study).order_by("number")
    return next((slot for slot in slots.iterator() if has_room(slot, counts, quota=study.quota_per_cell)), None)


def _take(slot: Slot, participant: Participant, *, now: datetime) -> bool:
    """Take a slot that is still as it was seen: free, or with the same holder and an expired lease."""
    until = lease_end(participant.study, now=now)
    if slot.state == SlotState.FREE:
        return bool(CLAIM_FREE.run(slot=slot.pk, holder=participant.pk, until=until))
    seen = Slot.objects.filter(pk=slot.pk, holder=slot.holder_id, state=SlotState.CLAIMED, lease_expires_at__lt=now)
    return bool(seen.update(holder=participant, lease_expires_at=until))


def reclaim_slot(participant: Participant, *, now: datetime) -> bool:
    """Give a late returner the slot whose stimuli they see, unless somebody has it; tell whether it is theirs.

    Must run inside a transaction that has locked the participant.
    """
    if participant.slot_number is None or participant.is_test:
        return False
    return renew_lease(participant, now=now) or bool(
        Slot.objects.filter(study=participant.study, number=participant.slot_number, state=SlotState.FREE).update(
            state=SlotState.CLAIMED, holder=participant, lease_expires_at=lease_end(participant.study, now=now)
        )
    )


def lease_end(study: Study, *, now: datetime) -> datetime:
    """Return when a lease taken now runs out."""
    return now + timedelta(minutes=study.lease_minutes)


def renew_lease(participant: Participant, *, now: datetime) -> bool:
    """Keep the participant's slot for another lease; False when they hold none."""
    return bool(RENEW.run(holder=participant.pk, until=lease_end(participant.study, now=now)))


def expire_simulated_lease(participant: Participant) -> None:
    """Let the lease of a program run out at once, as if it had stayed away; the slot goes back to the plan.

    Raises:
        ValueError: the participant is a person.
    """
    if not participant.simulated:
        raise ValueError(f"{participant.pseudonym} is a person; only leases of programs can be cut short.")
    now = timezone.now()
    held = Slot.objects.filter(holder=participant, state=SlotState.CLAIMED)
    held.update(lease_expires_at=now - timedelta(seconds=1))
    sweep_leases(now=now, study=participant.study)


def complete_slot(participant: Participant) -> bool:
    """Mark the participant's slot as completed; False when they hold none."""
    completed = Slot.objects.filter(holder=participant, state=SlotState.CLAIMED).update(
        state=SlotState.COMPLETED, lease_expires_at=None
    )
    return bool(completed)


def release_slot(participant: Participant) -> None:
    """Give the participant's slot back, completed or not."""
    Slot.objects.filter(holder=participant).update(state=SlotState.FREE, holder=None, lease_expires_at=None)


def sweep_leases(*, now: datetime, study: Study | None = None) -> int:
    """Give slots back whose lease has expired, of one study or of all; return how many. A second sweep finds nothing.

    Each slot is given back in a transaction of its own. Nothing depends on the sweep (an expired slot goes to whoever
    needs it next, swept or not); it keeps the monitor honest and marks who has left. Who lost a slot to a process that
    was killed before it could say so is marked too.
    """
    expired = Slot.objects.filter(state=SlotState.CLAIMED, lease_expires_at__lt=now)
    if study is not None:
        expired = expired.filter(study=study)
    given_back = sum(_give_back(slot, now=now) for slot in expired.only("pk", "holder").order_by("pk"))
    for stranded in _stranded(study):
        time_out(stranded, now=now, kind=EventKind.LEASE_EXPIRED)
    return given_back


def _stranded(study: Study | None) -> list[int]:
    """Return who is on the way without a slot and without ever having timed out.

    The process that took the slot away was killed after its commit, and before it could mark the loser.
    """
    people = Participant.objects.filter(
        state__in=[ParticipantState.CONSENTED, ParticipantState.ACTIVE], slot=None, timed_out_at=None
    )
    if study is not None:
        people = people.filter(study=study)
    return list(people.values_list("pk", flat=True))


@transaction.atomic
def _give_back(slot: Slot, *, now: datetime) -> bool:
    holder = slot.holder_id
    freed = Slot.objects.filter(pk=slot.pk, holder=holder, state=SlotState.CLAIMED, lease_expires_at__lt=now).update(
        state=SlotState.FREE, holder=None, lease_expires_at=None
    )
    if freed and holder is not None:
        transaction.on_commit(partial(time_out, holder, now=now, kind=EventKind.LEASE_EXPIRED))
    return bool(freed)


@transaction.atomic
def time_out(participant_id: int, *, now: datetime, kind: EventKind) -> bool:
    """Mark a participant who lost the slot; tell whether it changed anything. They may still come back and finish."""
    participant = Participant.objects.select_for_update().get(pk=participant_id)
    if participant.state not in {ParticipantState.CONSENTED, ParticipantState.ACTIVE}:
        return False
    participant.state = ParticipantState.TIMED_OUT
    participant.timed_out_at = now
    participant.save(update_fields=["state", "timed_out_at"])
    Event.objects.create(participant=participant, kind=kind, at=now)
    return True
