"""Repeating erasures in a database that is older than they are."""

from dataclasses import dataclass

from django.db import transaction

from study.backups.erasures import ErasureList, study_name
from study.models import Participant, ParticipantState, Study
from study.services.audit import COMMAND_LINE, record
from study.services.retention import enforce_retention
from study.services.withdrawal import withdraw

PEOPLE_AT_ONCE = 500


@dataclass(frozen=True)
class Repeated:
    """What was erased again: participants, studies by slug; and studies that had been deleted and are there again."""

    participants: int
    retention: list[str]
    back_again: list[str]


@transaction.atomic
def repeat_erasures(erasures: ErasureList, *, actor: str = COMMAND_LINE) -> Repeated:
    """Withdraw whoever had withdrawn, and empty what a retention date had emptied; all of it in one transaction.

    Deleted studies are only told: whoever restores a backup may want exactly them.
    """
    names, repeated = sorted(erasures.withdrawn), 0
    for start in range(0, len(names), PEOPLE_AT_ONCE):
        back = Participant.objects.filter(pseudonym__in=names[start : start + PEOPLE_AT_ONCE])
        for participant in back.exclude(state=ParticipantState.WITHDRAWN).select_related("study"):
            withdraw(participant)
            slug = participant.study.slug
            record("repeat withdrawal", actor=actor, study=slug, target=participant.pseudonym)
            repeated += 1
    emptied = []
    for study in Study.objects.filter(retention_enforced_at=None):
        if study_name(study) in erasures.retention:
            enforce_retention(study)
            record("repeat retention", actor=actor, study=study.slug)
            emptied.append(study.slug)
    back_again = [
        study.slug
        for study in Study.objects.filter(slug__in=erasures.deleted).order_by("slug")
        if study.created_at.isoformat() < erasures.deleted[study.slug]
    ]
    return Repeated(participants=repeated, retention=emptied, back_again=back_again)
