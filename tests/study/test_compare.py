import numpy as np
import pytest

from study.models import Answer, AnswerKind, Phase, Trial
from study.tasks import Submission, TaskOptionsError
from study.tasks.compare import CompareForm, CompareOptions, CompareTask
from tests.study.materials import CLASSES, birds

TASK = CompareTask()


def items(material, **options):
    return TASK.items(material, CompareOptions(**options), generator=np.random.default_rng(0))


def detail_of(item, material, *, position, **options):
    return TASK.detail(
        item,
        material,
        CompareOptions(**options),
        position=position,
        classes=frozenset(),
        generator=np.random.default_rng(0),
    )


def test_pairs_differ_in_one_factor():
    material = birds(methods=("visual-summaries", "grad-cam"), controls=0)
    by_network = items(material, factors=("network",))
    assert len(by_network) == len(CLASSES) * 2  # one pair of networks for each method
    assert {item.network for item in by_network} == {"large + small"}
    by_method = items(material, factors=("method",))
    assert len(by_method) == len(CLASSES) * 2  # one pair of methods for each network
    assert {item.method for item in by_method} == {"grad-cam + visual-summaries"}
    assert len(items(material, factors=("network", "method"))) == len(CLASSES) * 4


def test_summaries_beside_their_controls_are_controls():
    found = items(birds(controls=1))
    controls = [item for item in found if item.is_control]
    assert len(controls) == len(CLASSES) * 2  # for each network
    assert {item.arm for item in controls} == {"random-regions"}
    assert {item.network for item in controls} == {"large", "small"}


@pytest.mark.parametrize(("position", "left"), [(1, "large"), (2, "small")])
def test_sides_are_swapped_by_position(position, left):
    material = birds(controls=0)
    item = next(item for item in items(material) if item.class_name == "robin")
    detail = detail_of(item, material, position=position)
    assert detail["left"]["network"] == left
    assert {detail["left"]["network"], detail["right"]["network"]} == {"large", "small"}
    assert len(detail["left"]["groups"]) == 3
    strongest = detail_of(item, material, position=position, groups=1)["left"]["groups"]
    assert [group["summary"] for group in strongest] == [f"{left}-robin-summaries-visual-summaries-0"]


def test_answers_are_exported_without_labels_in_between():
    material = birds(controls=0)
    item = next(item for item in items(material) if item.class_name == "robin")
    trial = Trial(phase=Phase.MAIN, task="compare", detail=detail_of(item, material, position=2))
    judgement = TASK.judge(trial, Submission(AnswerKind.CHOICE, value=3.0))
    assert (judgement.choice, judgement.correct) == ("tie", None)
    values = TASK.export_values(trial, Answer(kind=AnswerKind.CHOICE, value=1.0, choice="left"))
    assert values == {
        "class": "robin",
        "chosen": "left",
        "options": 3,
        "left_network": "small",
        "left_method": "visual-summaries",
        "left_arm": "summaries",
        "right_network": "large",
        "right_method": "visual-summaries",
        "right_arm": "summaries",
    }


def test_ties_are_a_matter_of_configuration():
    assert CompareForm({"choice": "3"}, detail={"ties": True}).is_valid()
    assert not CompareForm({"choice": "3"}, detail={"ties": False}).is_valid()


@pytest.mark.parametrize(
    ("raw", "message"), [({"factors": ["arm"]}, "factors must be"), ({"groups": 0}, "groups must be")]
)
def test_options_are_checked(raw, message):
    with pytest.raises(TaskOptionsError, match=message):
        TASK.read_options(raw)


def test_practice_and_checks_know_their_answers():
    for item in [*TASK.practice_items.values(), *TASK.attention_items.values(), TASK.instructed_item]:
        TASK.check_detail(item.detail)
    trial = Trial(phase=Phase.PRACTICE, task="compare", practice_item="parts")
    assert TASK.judge(trial, Submission(AnswerKind.CHOICE, value=1.0)).correct is True
    assert TASK.judge(trial, Submission(AnswerKind.CHOICE, value=3.0)).correct is False
