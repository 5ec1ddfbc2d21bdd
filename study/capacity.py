"""How many people may take part at once, in all studies together.

Asked at the entry only: whoever has begun is never turned away, so a server that is full stays quick for those who are
in it. People are counted by their leases; somebody who left without a word counts until the lease runs out.
"""

from datetime import datetime

from django.conf import settings

from study.models import Slot, SlotState

RETRY_AFTER_SECONDS = 300


class OverCapacityError(RuntimeError):
    """As many people take part as the server may take; the message says how many."""


def participants_at_once(*, now: datetime) -> int:
    """Return how many people hold a place whose lease has not run out; programs count, looks at a study do not."""
    return Slot.objects.filter(state=SlotState.CLAIMED, lease_expires_at__gte=now).count()


def check_capacity(*, now: datetime) -> None:
    """Let somebody new in, or not. `PARTICIPANTS_AT_ONCE` is the bound; 0 means none, and costs no query.

    Entries at the same instant may each see the last place: the bound can be passed by as many as there are threads.

    Raises:
        OverCapacityError: as many take part as may.
    """
    if settings.PARTICIPANTS_AT_ONCE and (number := participants_at_once(now=now)) >= settings.PARTICIPANTS_AT_ONCE:
        raise OverCapacityError(f"{number} people take part; PARTICIPANTS_AT_ONCE is {settings.PARTICIPANTS_AT_ONCE}.")
