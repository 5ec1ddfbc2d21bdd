"""Keeping personal data no longer than promised."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from study.models import Answer, Event, EventKind, ExternalIdentity, Participant, Study
from study.models.participant import new_token


def studies_past_retention(*, today: date) -> list[Study]:
    """Return the studies whose retention date has come and has not been acted on."""
    return list(Study.objects.filter(retention_date__lte=today, retention_enforced_at=None).order_by("pk"))


@transaction.atomic
def enforce_retention(study: Study) -> dict[str, int]:
    """Delete what could lead back to a person and return how many rows of each kind were emptied.

    External identities and the link's query go, and so do browsers' reports and the details of events (which text
    somebody agreed to is kept); every participant's link stops working. Answers and states stay, under pseudonyms that
    lead nowhere.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    identities, _ = ExternalIdentity.objects.filter(study=locked).delete()
    reports = Answer.objects.filter(trial__participant__study=locked).exclude(input_details={}).update(input_details={})
    told = Event.objects.filter(participant__study=locked).exclude(kind=EventKind.CONSENTED)
    events = told.exclude(detail={}).update(detail={})
    participants = list(Participant.objects.filter(study=locked).only("pk"))
    for participant in participants:
        participant.token = new_token()
        participant.consent_nonce = new_token()
    Participant.objects.bulk_update(participants, ["token", "consent_nonce"], batch_size=200)
    locked.retention_enforced_at = timezone.now()
    locked.save(update_fields=["retention_enforced_at"])
    return {"identities": identities, "reports": reports, "events": events, "links": len(participants)}
