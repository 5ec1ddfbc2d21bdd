import numpy as np
import pytest

from study.questionnaires import Given, UnknownQuestionnaireError, all_questionnaires, get_questionnaire


def test_every_question_may_be_left_empty():
    for questionnaire in all_questionnaires().values():
        form = questionnaire.form({})
        assert form.is_valid()
        assert form.given() == [Given(key) for key in form.fields]
        assert questionnaire.title


def test_numbers_are_numbers_and_words_are_words():
    form = get_questionnaire("demographics").form({"age": "25-34", "experience": "3", "sight": ""})
    assert form.is_valid()
    assert form.given() == [Given("age", text="25-34"), Given("gender"), Given("experience", value=3.0), Given("sight")]


def test_choices_that_do_not_exist_are_refused():
    assert not get_questionnaire("demographics").form({"age": "12"}).is_valid()
    assert not get_questionnaire("understanding").form({"can-imagine": "8"}).is_valid()
    assert not get_questionnaire("comments").form({"comments": "x" * 2001}).is_valid()


@pytest.mark.parametrize("seed", range(5))
def test_simulated_answers_are_possible(seed):
    for questionnaire in all_questionnaires().values():
        fields = questionnaire.simulated_fields(generator=np.random.default_rng(seed))
        assert questionnaire.form(fields).is_valid()


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UnknownQuestionnaireError, match="demographics, understanding, comments"):
        get_questionnaire("stars")
