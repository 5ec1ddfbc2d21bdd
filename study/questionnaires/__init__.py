"""Questionnaires. Each is one file with a `Questionnaire` subclass, named in the setting `STUDY_QUESTIONNAIRES`."""

from study.questionnaires.base import Given, Questionnaire, QuestionnaireForm, UnknownQuestionnaireError
from study.questionnaires.registry import all_questionnaires, get_questionnaire

__all__ = [
    "Given",
    "Questionnaire",
    "QuestionnaireForm",
    "UnknownQuestionnaireError",
    "all_questionnaires",
    "get_questionnaire",
]
