"""Withdrawing: the answers go, a tombstone stays."""

from collections import defaultdict

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from study.exports.privacy import plain_name
from study.models import (
    Answer,
    AnswerKind,
    Event,
    EventKind,
    ExternalIdentity,
    NameCode,
    Participant,
    ParticipantState,
    QuestionnaireAnswer,
    Trial,
)
from study.services.progress import lock_participant
from study.services.slots import release_slot
from study.services.tallies import forget_answers


@transaction.atomic
def withdraw(participant: Participant) -> Participant:
    """Delete the participant's trials, answers, questionnaires, events and external identity, and give the slot back.

    Codes of names that nobody else has typed go with them, and the running totals forget them. The row itself stays
    with its time stamps, so that numbers of participants add up. Withdrawing again changes nothing.
    """
    locked = lock_participant(participant)
    if locked.state == ParticipantState.WITHDRAWN:
        return locked
    now = timezone.now()
    forget_answers(locked)
    typed = _names_typed(Answer.objects.filter(trial__participant=locked))
    Trial.objects.filter(participant=locked).delete()
    _forget_codes(locked, typed)
    QuestionnaireAnswer.objects.filter(participant=locked).delete()
    Event.objects.filter(participant=locked).delete()
    ExternalIdentity.objects.filter(participant=locked).delete()
    release_slot(locked)
    locked.state = ParticipantState.WITHDRAWN
    locked.withdrawn_at = now
    locked.save(update_fields=["state", "withdrawn_at"])
    Event.objects.create(participant=locked, kind=EventKind.WITHDRAWN, at=now)
    return locked


def _names_typed(answers: QuerySet[Answer]) -> dict[str, set[str]]:
    """Return the names in answers by class, in the form in which they are coded."""
    named = answers.filter(kind=AnswerKind.NAMED, trial__stimulus__isnull=False)
    names: dict[str, set[str]] = defaultdict(set)
    for class_name, text in named.values_list("trial__stimulus__condition__class_name", "text").distinct():
        names[class_name].add(plain_name(text))
    return names


def _forget_codes(locked: Participant, typed: dict[str, set[str]]) -> None:
    """Delete codes of names that only this participant, whose answers are gone, had typed."""
    coded = NameCode.objects.filter(study_id=locked.study_id)
    for class_name, names in typed.items():
        codes = coded.filter(class_name=class_name, name__in=names)
        if not codes.exists():
            continue
        of_class = Answer.objects.filter(
            trial__participant__study_id=locked.study_id, trial__stimulus__condition__class_name=class_name
        )
        codes.exclude(name__in=_names_typed(of_class)[class_name]).delete()
