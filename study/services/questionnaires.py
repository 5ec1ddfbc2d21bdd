"""Storing questionnaires: once per participant and moment, every question with its answer or left empty."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from study.models import Participant, ParticipantState, QuestionnaireAnswer
from study.questionnaires import Given


@transaction.atomic
def commit_questionnaire(participant: Participant, *, questionnaire: str, moment: str, given: Sequence[Given]) -> bool:
    """Store the answers; False, and nothing changes, when they are there already or the participant has withdrawn."""
    locked = Participant.objects.select_for_update().get(pk=participant.pk)
    asked = QuestionnaireAnswer.objects.filter(participant=locked, questionnaire=questionnaire, moment=moment)
    if locked.state == ParticipantState.WITHDRAWN or asked.exists():
        return False
    now = timezone.now()
    QuestionnaireAnswer.objects.bulk_create(
        [
            QuestionnaireAnswer(
                participant=locked,
                questionnaire=questionnaire,
                moment=moment,
                question=entry.question,
                text=entry.text,
                value=entry.value,
                answered_at=now,
            )
            for entry in given
        ]
    )
    return True


def open_questionnaires(participant: Participant, *, moment: str) -> list[str]:
    """Return the names of the questionnaires that the participant has still to answer at a moment, in order."""
    done = set(
        QuestionnaireAnswer.objects.filter(participant=participant, moment=moment).values_list(
            "questionnaire", flat=True
        )
    )
    placed = participant.study.placed_questionnaires
    return [entry.questionnaire for entry in placed if entry.moment == moment and entry.questionnaire not in done]
