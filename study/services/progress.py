"""Moving a participant forward: leaving instructions and feedback, serving trials, coming back."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from study.models import Event, EventKind, Participant, ParticipantState, Phase, Trial
from study.services.slots import renew_lease


@transaction.atomic
def continue_participant(participant: Participant) -> None:
    """Leave the instructions, or the feedback of a practice trial; anywhere else this changes nothing."""
    now = timezone.now()
    locked = Participant.objects.select_for_update().get(pk=participant.pk)
    if locked.state == ParticipantState.CONSENTED:
        locked.state = ParticipantState.ACTIVE
        locked.active_at = now
        locked.save(update_fields=["state", "active_at"])
        Event.objects.create(participant=locked, kind=EventKind.CONTINUED, at=now)
    elif locked.state == ParticipantState.ACTIVE:
        Trial.objects.filter(
            participant=locked, phase=Phase.PRACTICE, answer__isnull=False, feedback_read_at=None
        ).update(feedback_read_at=now)
    renew_lease(locked, now=now)


@transaction.atomic
def serve_trial(trial: Trial) -> Trial:
    """Count one more sending of the trial's page; the first one starts the server's clock."""
    now = timezone.now()
    first = Trial.objects.filter(pk=trial.pk, served_at=None).update(served_at=now, serves=1)
    if not first:
        Trial.objects.filter(pk=trial.pk, answer=None).update(serves=F("serves") + 1)
    renew_lease(trial.participant, now=now)
    trial.refresh_from_db(fields=["served_at", "serves"])
    return trial


@transaction.atomic
def resume_participant(participant: Participant) -> Participant:
    """Let a participant who timed out go on. `timed_out_at` stays, as a flag for the analysis."""
    locked = Participant.objects.select_for_update().select_related("study").get(pk=participant.pk)
    if locked.state == ParticipantState.TIMED_OUT:
        locked.state = ParticipantState.ACTIVE if locked.active_at else ParticipantState.CONSENTED
        locked.save(update_fields=["state"])
    return locked
