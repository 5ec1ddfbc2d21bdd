"""Consent: the only way into a study."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigAutoField, CharField
from django.utils import timezone

from study.capacity import check_capacity
from study.consent_text import consent_text
from study.design import Block
from study.material import picture_places, with_pictures
from study.models import (
    AuditEntry,
    Event,
    EventKind,
    ExternalIdentity,
    Participant,
    ParticipantState,
    Phase,
    Prediction,
    Slot,
    Stimulus,
    Study,
    Trial,
)
from study.prepared import Parameter, PreparedInsert, PreparedQuery
from study.recruitment import Entry
from study.services.audit import record
from study.services.progress import lock_participant
from study.services.slots import claim_slot
from study.tasks import get_task

OF_CONSENT_FORM = PreparedQuery(
    lambda: Participant.objects.filter(
        study_id=Parameter("study", BigAutoField()), consent_nonce=Parameter("nonce", CharField())
    )
)
NEW_PARTICIPANT, NEW_TRIALS, NEW_EVENT = PreparedInsert(Participant), PreparedInsert(Trial), PreparedInsert(Event)
CONSENT_TEXT = "consent text"
"""Action of the audit entries that hold the texts people agreed to, named by their SHA-256."""


class StudyNotOpenError(RuntimeError):
    """The study takes no participants at the moment, or not this one."""


def give_consent(study: Study, entry: Entry, *, nonce: str, language: str = "") -> Participant:
    """Create the participant, claim a slot and lay out the trials, in one transaction.

    When no slot is left the participant is kept as `over_quota`, without trials; coming again they get a slot that has
    become free. Sending the same consent form again, or coming back with the recruiter's same identifier, returns the
    participant of the first time. `language` is one of the study's; its own by default. What somebody agreed to is
    kept: the text in the audit log, its hash with the event of consent.

    Raises:
        StudyNotOpenError: the study is not running, and this person has not entered before; or nothing can be previewed
            yet, or the recruiter only previews the page.
        OverCapacityError: as many people take part as the server may take; nothing was stored.
    """
    known = find_participant(study, entry, nonce=nonce)
    if known is not None:
        return _let_in_again(known, entry)
    try:
        language = language if language in study.languages else study.language
        return _enter(study.pk, entry, nonce=nonce, language=language, text=consent_text(study, language))
    except IntegrityError:
        # The same form, or the same identifier, arrived twice at once; the unique constraints let one of them in.
        known = find_participant(study, entry, nonce=nonce)
        if known is None:
            raise
        return known


def find_participant(study: Study, entry: Entry, *, nonce: str) -> Participant | None:
    """Return the participant that this consent form, or this identifier, has created before."""
    by_nonce = OF_CONSENT_FORM.first(study=study.pk, nonce=nonce)
    if by_nonce is not None or not entry.subject:
        return by_nonce
    return Participant.objects.filter(
        study=study, external_identity__recruiter=entry.source, external_identity__subject=entry.subject
    ).first()


@transaction.atomic
def _enter(study_id: int, entry: Entry, *, nonce: str, language: str, text: str) -> Participant:
    study = Study.objects.get(pk=study_id)
    if entry.preview or not (study.takes_participants or entry.test):
        raise StudyNotOpenError(f"Study {study.slug!r} is {study.state}; expected running, and no preview.")
    now = timezone.now()
    participant = NEW_PARTICIPANT.create(
        study=study,
        consent_nonce=nonce,
        source=entry.source,
        simulated=entry.simulated,
        language=language,
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
    if entry.test:
        _let_test(participant, now=now)
    else:
        _admit(participant, now=now)
    agreed = {"text_sha256": _keep_text(study, text)}
    NEW_EVENT.create(participant=participant, kind=EventKind.CONSENTED, at=now, detail=agreed)
    return participant


def _keep_text(study: Study, text: str) -> str:
    """Note in the audit log, once, what people agree to; return the text's SHA-256, which is kept with each consent."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if not AuditEntry.objects.filter(study=study.slug, action=CONSENT_TEXT, target=sha256).exists():
        record(CONSENT_TEXT, actor="participants", study=study.slug, target=sha256, changes={"text": ["", text]})
    return sha256


def _admit(participant: Participant, *, now: datetime) -> None:
    """Give the participant a slot and its trials, or note that there is none."""
    check_capacity(now=now)
    slot = claim_slot(participant, now=now)
    if slot is None:
        participant.state = ParticipantState.OVER_QUOTA
        participant.over_quota_at = now
    else:
        participant.trials_planned = lay_out_trials(participant, slot)
        participant.state = ParticipantState.CONSENTED
        participant.slot_number = slot.number
    participant.save(update_fields=["state", "over_quota_at", "slot_number", "trials_planned"])


def _let_test(participant: Participant, *, now: datetime) -> None:
    """Show a test participant the first slot's stimuli without taking the slot."""
    slot = Slot.objects.filter(study=participant.study).order_by("number").first()
    if slot is None:
        raise StudyNotOpenError(f"Study {participant.study.slug!r} has no plan yet; import stimuli first.")
    participant.state = ParticipantState.TEST
    participant.test_at = now
    participant.slot_number = slot.number
    participant.trials_planned = lay_out_trials(participant, slot)
    participant.save(update_fields=["state", "test_at", "slot_number", "trials_planned"])


@transaction.atomic
def _let_in_again(known: Participant, entry: Entry) -> Participant:
    """Keep what the newest link says (a HIT taken up again has a new assignment), and try again when it was full."""
    locked = lock_participant(known)
    if locked.state != ParticipantState.WITHDRAWN and entry.details:
        ExternalIdentity.objects.filter(participant=locked, recruiter=entry.source).exclude(
            raw_query=entry.raw_query
        ).update(details=dict(entry.details), raw_query=entry.raw_query)
    if locked.state == ParticipantState.OVER_QUOTA and locked.study.takes_participants:
        _admit(locked, now=timezone.now())
    return locked


def lay_out_trials(participant: Participant, slot: Slot) -> int:
    """Store the participant's trials: block after block, its practice items first, then what the slot planned.

    Every picture that a detail points to is written into it: the trial itself says which content was shown. Returns how
    many trials there are.

    Raises:
        TrialDetailError: the plan holds a detail that its task does not understand.
        LookupError: the plan points to a stimulus or prediction that the study does not have.
    """
    study = participant.study
    blocks = study.task_blocks
    find = picture_finder(study, [trial["detail"] for trial in slot.trials])
    stimuli = Stimulus.objects.filter(study=study, identifier__in=slot.stimuli)
    keys: dict[str, int] = dict(stimuli.values_list("identifier", "pk").order_by())
    trials: list[Trial] = []
    begun: set[int] = set()
    for planned in slot.trials:
        number, task = planned["block"], get_task(planned["task"])
        if number not in begun:
            begun.add(number)
            trials += practice_trials(participant, blocks[number - 1], number=number)
        detail = planned["detail"]
        if planned["phase"] == Phase.MAIN:
            detail = with_pictures(detail, find)
        task.check_detail(detail)
        trials.append(
            Trial(
                participant=participant,
                phase=planned["phase"],
                task=task.name,
                block=number,
                stimulus_id=keys[planned["stimulus"]] if planned["stimulus"] else None,
                practice_item=planned["practice_item"],
                cell=planned["cell"],
                detail=detail,
            )
        )
    for position, trial in enumerate(trials, start=1):
        trial.position = position
    NEW_TRIALS.store_all(trials)
    return len(trials)


def practice_trials(participant: Participant, block: Block, *, number: int) -> list[Trial]:
    """Return the practice trials of a block, not yet stored."""
    task = get_task(block.task)
    return [
        Trial(
            participant=participant,
            phase=Phase.PRACTICE,
            task=task.name,
            block=number,
            practice_item=key,
            detail=dict(task.practice_item(key).detail),
        )
        for key in block.practice
    ]


def picture_finder(study: Study, details: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what finds the picture of a place in a detail: a member's crop, a summary's grid, or a new image."""
    places = [place for detail in details for place in picture_places(detail)]
    summaries = {place["summary"] for place in places if "summary" in place}
    images = {place["image"] for place in places if "image" in place}
    stimuli = dict(
        Stimulus.objects.filter(study=study, identifier__in=summaries).values_list("identifier", "pictures")
        if summaries
        else ()
    )
    predictions = {
        (network, image): picture
        for network, image, picture in (
            Prediction.objects.filter(study=study, image__in=images).values_list("network", "image", "picture")
            if images
            else ()
        )
    }

    def find(place: Mapping[str, Any]) -> dict[str, Any]:
        if "image" in place:
            picture = predictions[place["network"], place["image"]]
        elif "member" in place:
            picture = stimuli[place["summary"]]["crops"][place["member"]]
        else:
            picture = stimuli[place["summary"]]["grid"]
        return dict(picture)

    return find
