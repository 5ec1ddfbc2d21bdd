"""Storing questionnaires: each once, whole, with a row for every question."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from study.design import PlacedQuestionnaire
from study.flow import Page, current_step
from study.models import Moment, Participant, QuestionnaireAnswer
from study.questionnaires import Given
from study.services.completion import go_on_after_trials
from study.services.progress import lock_participant, resume_locked
from study.services.slots import renew_lease


@transaction.atomic
def commit_questionnaire(participant: Participant, placed: PlacedQuestionnaire, given: Iterable[Given]) -> bool:
    """Store a questionnaire whose turn it is; the last one after the trials completes the participant.

    False, and nothing stored, when it is not its turn: it is done already, or the page was an old one.
    """
    now = timezone.now()
    locked = lock_participant(participant)
    resume_locked(locked)
    step = current_step(locked)
    if step.page != Page.QUESTIONNAIRE or step.questionnaire != placed:
        return False
    QuestionnaireAnswer.objects.bulk_create(
        [
            QuestionnaireAnswer(
                participant=locked,
                questionnaire=placed.questionnaire,
                moment=placed.moment,
                question=entry.question,
                text=entry.text,
                value=entry.value,
                answered_at=now,
            )
            for entry in given
        ]
    )
    if placed.moment == Moment.AFTER:
        go_on_after_trials(locked, now=now)
    else:
        renew_lease(locked, now=now)
    return True
