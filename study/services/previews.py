"""Trying a study out: a participant in the state `test`, who takes no slot and counts nowhere."""

from django.db import transaction
from django.utils import timezone

from study.models import Participant, ParticipantState, Slot, Study
from study.services.audit import COMMAND_LINE, record
from study.services.consent import lay_out_trials


class PreviewError(ValueError):
    """The study cannot be tried out yet; the message says what to do."""


@transaction.atomic
def start_preview(study: Study, *, slot_number: int = 1, actor: str = COMMAND_LINE) -> Participant:
    """Create a test participant who sees what the holder of a slot sees, without taking it.

    Raises:
        PreviewError: the study has no such slot.
    """
    slot = Slot.objects.filter(study=study, number=slot_number).first()
    if slot is None:
        raise PreviewError(
            f"Study {study.slug!r} has no slot {slot_number}; import stimuli first, then there is a plan."
        )
    now = timezone.now()
    participant = Participant.objects.create(
        study=study,
        state=ParticipantState.TEST,
        source="preview",
        language=study.language,
        study_version=study.version,
        consented_at=now,
        test_at=now,
        slot_number=slot.number,
    )
    participant.trials_planned = lay_out_trials(participant, slot)
    participant.save(update_fields=["trials_planned"])
    record("preview study", actor=actor, study=study.slug, target=participant.pseudonym)
    return participant
