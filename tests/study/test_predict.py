from collections import Counter

import numpy as np
import pytest

from study.allocation import PlanError
from study.material import Material, MaterialPrediction
from study.models import Answer, AnswerKind, Phase, Trial
from study.tasks import Submission, TaskOptionsError
from study.tasks.predict import PredictForm, PredictOptions, PredictTask, balance_correctness
from tests.study.materials import CLASSES, birds

TASK = PredictTask()


def items(material, **options):
    return TASK.items(material, PredictOptions(**options), generator=np.random.default_rng(0))


def detail_of(item, material, *, position, classes=CLASSES, **options):
    return TASK.detail(
        item,
        material,
        PredictOptions(**options),
        position=position,
        classes=frozenset(classes),
        generator=np.random.default_rng(0),
    )


def test_right_and_wrong_images_with_and_without_explanation_are_equally_many():
    """2 networks × 4 classes × 6 images, a third of them wrong: 8 wrong and as many right ones per network."""
    found = items(birds(controls=0))
    assert Counter(item.stratum for item in found) == {
        "with-explanation, right": 16,
        "with-explanation, wrong": 16,
        "without-explanation, right": 16,
        "without-explanation, wrong": 16,
    }


def test_controls_explain_with_other_regions_and_have_no_variant_without():
    controls = [item for item in items(birds(controls=1)) if item.is_control]
    assert {item.stratum.split(",")[0] for item in controls} == {"with-explanation"}
    assert {item.arm for item in controls} == {"random-regions"}


def test_members_of_summaries_and_foreign_answers_are_no_new_images():
    material = birds(controls=0, new_images=0)
    member = material.stimuli[0].members[0].image
    predictions = (
        MaterialPrediction("large", member, "robin", "robin", correct=True),
        MaterialPrediction("large", "new-1", "robin", "house finch", correct=False),
        MaterialPrediction("large", "new-2", "robin", "robin", correct=True),
    )
    found = items(Material(material.stimuli, predictions))
    assert {item.identifier.split("~")[0] for item in found} == {"new-2"}


@pytest.mark.parametrize("position", [1, 2, 3, 4])
def test_the_answer_and_the_true_class_are_among_the_options(position):
    material = birds(controls=0)
    wrong = next(item for item in items(material) if item.stratum == "with-explanation, wrong")
    detail = detail_of(wrong, material, position=position)
    names = [option["class"] for option in detail["options"]]
    assert len(names) == len(set(names)) == 4
    assert names[detail["target"] - 1] == detail["answer"] != detail["class"]
    assert detail["class"] in names
    assert detail["target"] == position
    assert all(len(option["groups"]) == 2 for option in detail["options"])


def test_without_explanation_no_group_is_shown():
    material = birds(controls=0)
    item = next(item for item in items(material) if item.stratum == "without-explanation, right")
    assert all("groups" not in option for option in detail_of(item, material, position=1)["options"])


def test_options_come_from_the_classes_that_a_participant_meets_here():
    material = birds(controls=0)
    item = next(item for item in items(material) if item.class_name == "robin" and item.stratum.endswith("right"))
    detail = detail_of(item, material, position=4, classes=("robin", "peacock"))
    assert {option["class"] for option in detail["options"]} == {"robin", "peacock"}
    assert detail["options"][detail["target"] - 1]["class"] == "robin"
    with pytest.raises(PlanError, match="needs at least 2 classes"):
        detail_of(item, material, position=1, classes=("robin",))


def test_shares_of_wrong_images():
    predictions = [
        MaterialPrediction("n", f"i{number}", "a", "a" if number < 9 else "b", correct=number < 9)
        for number in range(12)
    ]

    def counts(share):
        chosen = balance_correctness(predictions, wrong_share=share, generator=np.random.default_rng(0))
        return sum(entry.correct for entry in chosen), sum(not entry.correct for entry in chosen)

    assert counts(0.5) == (3, 3)
    assert counts(0.25) == (9, 3)
    assert counts(0.0) == (9, 0)
    assert counts(1.0) == (0, 3)


def test_answers_are_judged_against_the_network():
    material = birds(controls=0)
    item = next(item for item in items(material) if item.stratum == "with-explanation, wrong")
    trial = Trial(phase=Phase.MAIN, task="predict", detail=detail_of(item, material, position=2))
    right = TASK.judge(trial, Submission(AnswerKind.CHOICE, value=2.0))
    assert (right.choice, right.correct) == (trial.detail["answer"], True)
    other = TASK.judge(trial, Submission(AnswerKind.CHOICE, value=1.0))
    assert (other.choice, other.correct) == (trial.detail["options"][0]["class"], False)
    values = TASK.export_values(trial, Answer(kind=AnswerKind.CHOICE, value=2.0, choice=right.choice))
    assert values["variant"] == "with-explanation"
    assert values["chance"] == 0.25
    assert (values["network_answer"], values["true_class"]) == (trial.detail["answer"], trial.detail["class"])
    assert values["chosen_position"] == values["target_position"] == 2
    assert TASK.class_name(trial) == ""  # it is what is asked for


def test_forms_offer_the_candidates_and_ask_for_confidence():
    material = birds(controls=0)
    detail = detail_of(items(material)[0], material, position=1)
    form = PredictForm({"choice": "4", "confidence": "2"}, detail=detail)
    assert form.is_valid()
    assert form.submission().confidence == 2
    assert list(PredictForm({"choice": "5"}, detail=detail).errors) == ["choice", "confidence"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"options": 1}, "options must be a whole number from 2 to 8"),
        ({"groups": 9}, "groups must be a whole number from 1 to 4"),
        ({"variants": ["later"]}, "variants must be some of"),
        ({"wrong_share": 2}, "wrong_share must be a number from 0 to 1"),
    ],
)
def test_task_options_are_checked(raw, message):
    with pytest.raises(TaskOptionsError, match=message):
        TASK.read_options(raw)


def test_practice_and_checks_know_their_answers():
    for item in [*TASK.practice_items.values(), *TASK.attention_items.values()]:
        TASK.check_detail(item.detail)
        assert item.expected == {str(item.detail["target"])}
    assert TASK.instructed_item.expected == {"3"}
