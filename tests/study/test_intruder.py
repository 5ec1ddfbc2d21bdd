import numpy as np
import pytest

from study.material import Material
from study.models import Answer, AnswerKind, Phase, Trial
from study.tasks import Submission, TaskOptionsError, TrialDetailError
from study.tasks.intruder import IntruderForm, IntruderOptions, IntruderTask, band_of, can_intrude
from tests.study.materials import birds, stimulus

TASK = IntruderTask()
OPTIONS = IntruderOptions()


def items(material, options=OPTIONS, seed=0):
    return TASK.items(material, options, generator=np.random.default_rng(seed))


def detail_of(item, material, *, position, options=OPTIONS):
    generator = np.random.default_rng(1)
    return TASK.detail(item, material, options, position=position, classes=frozenset(), generator=generator)


def with_picture(detail):
    picture = {"sha256": "0" * 64, "extension": "webp", "width": 9, "height": 9}
    return detail | {"tiles": [tile | {"picture": picture} for tile in detail["tiles"]]}


@pytest.mark.parametrize(
    ("other", "band"),
    [
        (stimulus("large", "robin", 1), "hard"),
        (stimulus("small", "robin", 1), "medium"),
        (stimulus("large", "robin", 1, method="grad-cam"), "medium"),
        (stimulus("large", "peacock", 1), "easy"),
        (stimulus("small", "peacock", 1), None),
        (stimulus("large", "robin", 1, arm="random-regions"), None),
        (stimulus("large", "robin", 0), None),
    ],
)
def test_bands_follow_from_where_the_intruder_comes_from(other, band):
    assert band_of(stimulus("large", "robin", 0), other) == band


def test_an_intruder_shows_something_else():
    group = stimulus("large", "robin", 0, part="beak")
    assert can_intrude(group, stimulus("large", "robin", 1, part="wing"), overlap=0.2)
    assert not can_intrude(group, stimulus("large", "robin", 1, part="beak"), overlap=0.2)
    assert can_intrude(group, stimulus("large", "peacock", 1, part="beak"), overlap=0.2)
    assert not can_intrude(group, stimulus("large", "robin", 1, part="wing", row=0), overlap=0.2)


def test_every_group_has_an_item_in_every_band_and_intruders_take_turns():
    material = birds(controls=0)
    found = items(material)
    # 2 networks × 4 classes × 3 summaries; hard, medium, and easy with an intruder of each of 3 other classes
    assert len(found) == 24 * 5
    assert len({item.family for item in found}) == 24 * 3
    used = [item.identifier.rsplit("~", 1)[1] for item in found]
    counts = [used.count(entry.identifier) for entry in material.stimuli]
    assert max(counts) - min(counts) <= 3
    for item in found:
        group, band, other = item.identifier.rsplit("~", 2)
        assert item.stratum == band
        assert item.stimulus == group
        assert band_of(material.by_identifier[group], material.by_identifier[other]) == band


@pytest.mark.parametrize("position", range(1, 7))
def test_the_intruder_stands_where_it_should_and_no_crop_twice(position):
    material = birds()
    item = items(material)[0]
    detail = detail_of(item, material, position=position)
    group, _band, other = item.identifier.rsplit("~", 2)
    assert [tile["summary"] for tile in detail["tiles"]] == [
        other if place == position else group for place in range(1, 7)
    ]
    assert sorted(tile["member"] for tile in detail["tiles"] if tile["summary"] == group) == [0, 1, 2, 3, 4]
    TASK.check_detail(with_picture(detail))


def test_details_without_pictures_are_refused():
    material = birds()
    with pytest.raises(TrialDetailError, match=r"intruder trial, at tiles/\d/picture"):
        TASK.check_detail(detail_of(items(material)[0], material, position=1))


def test_groups_with_too_few_regions_are_left_out():
    small = [stimulus("large", name, number, members=4) for name in ("robin", "peacock") for number in range(2)]
    assert items(Material(tuple(small))) == []
    assert items(Material(tuple(small)), IntruderOptions(tiles=5)) != []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"bands": ["impossible"]}, "bands must be some of easy, medium, hard"),
        ({"bands": []}, "bands must be some"),
        ({"tiles": 3}, "tiles must be a whole number from 4 to 9"),
        ({"overlap": 0}, "overlap must be above 0"),
        ({"colour": "red"}, "has no option 'colour'; it has bands, confidence, overlap, tiles"),
    ],
)
def test_options_are_checked(raw, message):
    with pytest.raises(TaskOptionsError, match=message):
        TASK.read_options(raw)
    assert TASK.read_options({"bands": ["easy"]}).bands == ("easy",)


def test_answers_are_judged_and_exported():
    material = birds()
    item = items(material)[0]
    trial = Trial(phase=Phase.MAIN, task="intruder", detail=detail_of(item, material, position=4))
    right = TASK.judge(trial, Submission(AnswerKind.CHOICE, value=4.0))
    wrong = TASK.judge(trial, Submission(AnswerKind.CHOICE, value=2.0))
    assert (right.choice, right.correct) == ("intruder", True)
    assert (wrong.choice, wrong.correct) == ("member", False)
    values = TASK.export_values(trial, Answer(kind=AnswerKind.CHOICE, value=2.0, choice="member"))
    assert set(values) <= set(TASK.answer_columns)
    assert values == {
        "chosen": "member",
        "options": 6,
        "chance": pytest.approx(1 / 6),
        "difficulty": item.stratum,
        "target_position": 4,
        "chosen_position": 2,
        "other_summary": trial.detail["intruder"],
    }


def test_only_tiles_that_are_there_can_be_chosen():
    material = birds()
    detail = detail_of(items(material)[0], material, position=1)
    assert IntruderForm({"choice": "6"}, detail=detail).is_valid()
    assert not IntruderForm({"choice": "7"}, detail=detail).is_valid()
    assert not IntruderForm({}, detail=detail).is_valid()
    asked = IntruderForm({"choice": "1"}, detail=detail | {"confidence": True})
    assert list(asked.errors) == ["confidence"]


def test_practice_and_checks_know_their_answers():
    for item in [*TASK.practice_items.values(), *TASK.attention_items.values()]:
        TASK.check_detail(item.detail)
        assert item.expected == {str(item.detail["target"])}
        assert TASK.feedback(item, correct=True).explanation
    asked = TASK.instructed_item
    assert asked.expected == {"3"}
    assert "picture 3" in asked.question
