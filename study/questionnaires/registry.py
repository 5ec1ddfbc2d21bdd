"""The questionnaires that the setting `STUDY_QUESTIONNAIRES` names."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from study.questionnaires.base import Questionnaire, UnknownQuestionnaireError


@cache
def _instances(paths: tuple[str, ...]) -> dict[str, Questionnaire]:
    instances = [import_string(path)() for path in paths]
    return {instance.name: instance for instance in instances}


def all_questionnaires() -> dict[str, Questionnaire]:
    """Return the registered questionnaires by name, in the order of the setting."""
    return _instances(tuple(settings.STUDY_QUESTIONNAIRES))


def get_questionnaire(name: str) -> Questionnaire:
    """Return a questionnaire.

    Raises:
        UnknownQuestionnaireError: no questionnaire of that name is registered.
    """
    questionnaires = all_questionnaires()
    if name not in questionnaires:
        raise UnknownQuestionnaireError(
            f"No questionnaire {name!r}; registered in STUDY_QUESTIONNAIRES: {', '.join(questionnaires)}."
        )
    return questionnaires[name]
