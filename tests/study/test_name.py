import pytest

from study.models import AnswerKind, Phase, Trial
from study.tasks import Submission, UnknownTaskError, get_task
from study.tasks.name import NameForm, NameTask


def pictures_of(item):
    trial = Trial(phase=Phase.PRACTICE, task="name", practice_item=item.key, detail=dict(item.detail))
    return NameTask().page(trial).pictures


def named(text):
    return Submission(kind=AnswerKind.NAMED, text=text, confidence=3)


@pytest.mark.parametrize(
    ("key", "submission", "correct"),
    [
        ("beak", named("beak"), True),
        ("beak", named("The Bill."), True),
        ("beak", named("bird's beak"), True),
        ("beak", named("beakon"), False),
        ("beak", named("wing"), False),
        ("beak", Submission(kind=AnswerKind.NO_COMMON_PART), False),
        ("mixed", Submission(kind=AnswerKind.NO_COMMON_PART), True),
        ("mixed", named("bird"), False),
    ],
)
def test_practice_answers_are_judged(key, submission, correct):
    task = NameTask()
    assert task.is_correct(task.practice_item(key), submission) is correct


def test_every_practice_item_explains_itself():
    task = NameTask()
    for item in task.practice_items.values():
        feedback = task.feedback(item, correct=True)
        assert feedback.explanation
        assert feedback.answer
        assert [picture.width for picture in pictures_of(item)] == [480] * 6


def test_alternative_texts_give_nothing_away():
    for item in NameTask.practice_items.values():
        assert {picture.alt for picture in pictures_of(item)} == {f"Picture {number}" for number in range(1, 7)}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("12.5", 12.5), ("", None), ("-1", None), ("inf", None), ("nan", None), ("1e12", None), ("fast", None)],
)
def test_reaction_times(sent, kept):
    form = NameForm({"text": "beak", "confidence": "3", "reaction_time_ms": sent})
    assert form.is_valid()
    assert form.submission().reaction_time_ms == kept


@pytest.mark.parametrize("sent", ["[1]", "7", '{"input_type": ' + '"x"' * 3, '{"a": "' + "x" * 5000 + '"}'])
def test_strange_browser_reports_do_no_harm(sent):
    form = NameForm({"text": "beak", "confidence": "3", "client": sent})
    assert form.is_valid()
    assert form.submission().input_details == {}


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UnknownTaskError, match="registered in STUDY_TASKS: name"):
        get_task("sing")
    with pytest.raises(LookupError, match="beak, mixed, wing"):
        NameTask().practice_item("claw")
