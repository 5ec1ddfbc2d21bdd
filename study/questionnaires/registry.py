"""The questionnaires that the setting `STUDY_QUESTIONNAIRES` names."""

from study.questionnaires.base import Questionnaire, UnknownQuestionnaireError
from study.registry import Registry

QUESTIONNAIRES = Registry[Questionnaire](
    "STUDY_QUESTIONNAIRES", noun="questionnaire", unknown=UnknownQuestionnaireError
)


def all_questionnaires() -> dict[str, Questionnaire]:
    """Return the registered questionnaires by name, in the order of the setting."""
    return QUESTIONNAIRES.all()


def get_questionnaire(name: str) -> Questionnaire:
    """Return a questionnaire.

    Raises:
        UnknownQuestionnaireError: no questionnaire of that name is registered.
    """
    return QUESTIONNAIRES.get(name)
