"""Quotas per cell: which cells have as many trials as they should, counting completed plus active, never starters."""

from collections import Counter

from django.db.models import Count

from study.models import ParticipantState, Phase, Slot, Study, Trial

COUNTED_STATES = (ParticipantState.CONSENTED, ParticipantState.ACTIVE, ParticipantState.COMPLETED)


def trials_per_cell(study: Study) -> dict[str, int]:
    """Return how many main trials of each cell belong to participants who completed or are on their way."""
    counted = (
        Trial.objects.filter(participant__study=study, participant__state__in=COUNTED_STATES, phase=Phase.MAIN)
        .exclude(cell="")
        .values_list("cell")
        .annotate(number=Count("pk"))
        .order_by()
    )
    return dict(counted)


def has_room(slot: Slot, counts: dict[str, int], *, quota: int) -> bool:
    """Tell whether every cell of a slot stays within the quota when the slot is taken.

    Whoever holds the slot still counts, and counts no more once somebody else has it: then its cells stay as they are.
    """
    own = Counter(slot.cells)
    added = Counter[str]() if slot.holder_id is not None else own
    return all(counts.get(cell, 0) + added[cell] <= quota for cell in own)
