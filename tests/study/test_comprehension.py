import pytest

from study.comprehension import NAMING_QUESTIONS, ComprehensionForm, Question
from study.models import EventKind, ParticipantState, Slot, SlotState
from study.services.comprehension import commit_comprehension

RIGHT = {question.key: question.right for question in NAMING_QUESTIONS}
WRONG = RIGHT | {"nothing": "guess"}


@pytest.fixture
def asking_study(study):
    study.comprehension = True
    study.completion_codes |= {"screened_out": "SCREENED"}
    study.save()
    return study


def shown(page):
    return page.templates[0].name


def test_a_question_knows_its_right_answer():
    with pytest.raises(ValueError, match="expected one of"):
        Question(key="q", text="?", options={"a": "A"}, right="b", explanation="")


def test_wrong_answers_are_found():
    form = ComprehensionForm(NAMING_QUESTIONS, WRONG)
    assert form.is_valid()
    assert [question.key for question in form.wrong_answers()] == ["nothing"]
    assert not ComprehensionForm(NAMING_QUESTIONS, {"what": "part"}).is_valid()


@pytest.mark.django_db
def test_right_answers_lead_on(asking_study, visitor):
    visitor.enter(asking_study)
    assert shown(visitor.practise()) == "study/comprehension.html"
    visitor.send(visitor.form("/comprehension/"), **RIGHT)
    assert shown(visitor.page) == "study/tasks/name.html"
    participant = visitor.participant
    assert (participant.comprehension_attempts, participant.comprehension_passed_at is not None) == (1, True)


@pytest.mark.django_db
def test_a_wrong_answer_is_explained_and_may_be_given_again(asking_study, visitor):
    visitor.enter(asking_study)
    visitor.practise()
    stale = visitor.form("/comprehension/")
    page = visitor.send(stale, **WRONG)
    assert (page.status_code, shown(page)) == (422, "study/comprehension.html")
    assert "“No common part” is a full answer" in page.content.decode()
    visitor.send(stale, **WRONG)  # the first try sent again, as by a double click, is no second try
    assert visitor.participant.comprehension_attempts == 1
    visitor.send(visitor.form("/comprehension/"), **RIGHT)
    assert shown(visitor.page) == "study/tasks/name.html"


@pytest.mark.django_db
def test_two_wrong_tries_end_kindly_with_a_code_and_a_free_slot(asking_study, visitor):
    visitor.enter(asking_study)
    visitor.practise()
    visitor.send(visitor.form("/comprehension/"), **WRONG)
    visitor.send(visitor.form("/comprehension/"), **WRONG)
    participant = visitor.participant
    assert shown(visitor.page) == "study/ended.html"
    assert "SCREENED" in visitor.page.content.decode()
    assert (participant.state, participant.screened_out_at is not None) == (ParticipantState.SCREENED_OUT, True)
    assert Slot.objects.get(number=1).state == SlotState.FREE
    kinds = list(participant.events.values_list("kind", flat=True))
    assert kinds[-3:] == [EventKind.COMPREHENSION_FAILED] * 2 + [EventKind.SCREENED_OUT]
    assert commit_comprehension(participant, attempt=3, wrong=0).comprehension_passed_at is None


@pytest.mark.django_db
def test_an_unanswered_question_costs_no_try(asking_study, visitor):
    visitor.enter(asking_study)
    visitor.practise()
    page = visitor.send(visitor.form("/comprehension/"), what="part")
    assert page.status_code == 422
    assert "Please answer every question" in page.content.decode()
    assert visitor.participant.comprehension_attempts == 0
