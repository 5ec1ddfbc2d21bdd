"""Consent: the only way into a study."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from study.models import (
    Event,
    EventKind,
    ExternalIdentity,
    Participant,
    ParticipantState,
    Phase,
    Slot,
    Stimulus,
    Study,
    Trial,
)
from study.recruitment import Entry
from study.services.slots import claim_slot


class StudyNotOpenError(RuntimeError):
    """The study takes no participants at the moment."""


def give_consent(study: Study, entry: Entry, *, nonce: str) -> Participant:
    """Create the participant, claim a slot and lay out the trials, in one transaction.

    When no slot is left the participant is kept as `over_quota`, without trials. Sending the same consent form again,
    or coming back with the recruiter's same identifier, returns the participant of the first time.

    Raises:
        StudyNotOpenError: the study is not running, and this person has not entered before.
    """
    known = find_participant(study, entry, nonce=nonce)
    if known is not None:
        return known
    try:
        return _enter(study.pk, entry, nonce=nonce)
    except IntegrityError:
        # The same form, or the same identifier, arrived twice at once; the unique constraints let one of them in.
        known = find_participant(study, entry, nonce=nonce)
        if known is None:
            raise
        return known


def find_participant(study: Study, entry: Entry, *, nonce: str) -> Participant | None:
    """Return the participant that this consent form, or this identifier, has created before."""
    by_nonce = Participant.objects.filter(study=study, consent_nonce=nonce).first()
    if by_nonce is not None or not entry.subject:
        return by_nonce
    return Participant.objects.filter(
        study=study, external_identity__recruiter=entry.source, external_identity__subject=entry.subject
    ).first()


@transaction.atomic
def _enter(study_id: int, entry: Entry, *, nonce: str) -> Participant:
    study = Study.objects.get(pk=study_id)
    if not study.takes_participants:
        raise StudyNotOpenError(f"Study {study.slug!r} is {study.state}; expected running.")
    now = timezone.now()
    participant = Participant.objects.create(
        study=study,
        consent_nonce=nonce,
        source=entry.source,
        simulated=entry.simulated,
        language=study.language,
        study_version=study.version,
        consented_at=now,
    )
    if entry.subject or entry.raw_query:
        ExternalIdentity.objects.create(
            study=study,
            participant=participant,
            recruiter=entry.source,
            subject=entry.subject,
            details=dict(entry.details),
            raw_query=entry.raw_query,
        )
    slot = claim_slot(participant, now=now)
    if slot is None:
        participant.state = ParticipantState.OVER_QUOTA
        participant.over_quota_at = now
        participant.save(update_fields=["state", "over_quota_at"])
    else:
        trials = lay_out_trials(participant, slot)
        participant.slot_number = slot.number
        participant.trials_planned = len(trials)
        participant.save(update_fields=["slot_number", "trials_planned"])
    Event.objects.create(participant=participant, kind=EventKind.CONSENTED, at=now)
    return participant


def lay_out_trials(participant: Participant, slot: Slot) -> list[Trial]:
    """Create the participant's trials: the practice items, then the slot's stimuli in their order."""
    study = participant.study
    stimuli = Stimulus.objects.filter(study=study, identifier__in=slot.stimuli).in_bulk(field_name="pk")
    by_identifier = {stimulus.identifier: stimulus for stimulus in stimuli.values()}
    practice = [
        Trial(participant=participant, phase=Phase.PRACTICE, task=study.task, practice_item=key)
        for key in study.practice_items
    ]
    main = [
        Trial(participant=participant, phase=Phase.MAIN, task=study.task, stimulus=by_identifier[identifier])
        for identifier in slot.stimuli
    ]
    trials = practice + main
    for position, trial in enumerate(trials, start=1):
        trial.position = position
    return Trial.objects.bulk_create(trials)
