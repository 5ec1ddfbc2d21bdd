"""Questionnaires in their places: before the instructions, after the last trial, each once."""

import pytest

from study.models import Moment, ParticipantState, QuestionnaireAnswer, SlotState

pytestmark = pytest.mark.django_db


@pytest.fixture
def asking_study(study):
    study.questionnaires = [
        {"questionnaire": "understanding", "moment": "before"},
        {"questionnaire": "understanding", "moment": "after"},
        {"questionnaire": "comments", "moment": "after"},
    ]
    study.save()
    return study


def shown(page):
    return page.templates[0].name


def test_questionnaires_stand_before_and_after_and_the_last_one_completes(asking_study, visitor):
    page = visitor.enter(asking_study)
    assert (shown(page), page.context["placed"].moment) == ("study/questionnaires/questionnaire.html", "before")
    visitor.send(visitor.form("/questionnaire/"), **{"can-imagine": "2", "words": "By magic."})
    assert shown(visitor.page) == "study/instructions.html"
    visitor.practise()
    visitor.finish()
    assert visitor.page.context["placed"].questionnaire == "understanding"
    assert visitor.participant.state == ParticipantState.ACTIVE
    assert visitor.participant.slot.state == SlotState.CLAIMED
    visitor.send(visitor.form("/questionnaire/"), **{"can-imagine": "6"})
    assert visitor.page.context["placed"].questionnaire == "comments"
    visitor.send(visitor.form("/questionnaire/"))  # everything may be left empty
    assert shown(visitor.page) == "study/debrief.html"
    participant = visitor.participant
    assert (participant.state, participant.slot.state) == (ParticipantState.COMPLETED, SlotState.COMPLETED)
    rated = QuestionnaireAnswer.objects.filter(participant=participant, question="can-imagine").order_by("pk")
    assert list(rated.values_list("moment", "value")) == [(Moment.BEFORE, 2.0), (Moment.AFTER, 6.0)]
    assert QuestionnaireAnswer.objects.filter(questionnaire="comments", text="", value=None).count() == 2


def test_a_questionnaire_counts_once_and_in_its_turn(asking_study, visitor):
    visitor.enter(asking_study)
    form = visitor.form("/questionnaire/")
    late = form.action.replace("/before/", "/after/")
    assert visitor.client.post(late, {"can-imagine": "7"}).status_code == 303
    assert not QuestionnaireAnswer.objects.exists()
    visitor.send(form, **{"can-imagine": "2"})
    visitor.client.post(form.action, {"can-imagine": "5"})
    assert list(QuestionnaireAnswer.objects.filter(question="can-imagine").values_list("value", flat=True)) == [2.0]
    unknown = form.action.replace("understanding", "weather")
    assert visitor.client.post(unknown).status_code == 303


def test_a_questionnaire_that_cannot_be_read_comes_back(asking_study, visitor):
    visitor.enter(asking_study)
    page = visitor.send(visitor.form("/questionnaire/"), **{"can-imagine": "9", "words": "kept"})
    assert page.status_code == 422
    assert "kept" in page.content.decode()
    assert not QuestionnaireAnswer.objects.exists()
