import pytest

from study.burden import planned_burden
from study.design import Block, DesignError, PlacedQuestionnaire, parse_blocks, parse_questionnaires
from study.presets import load_preset
from study.services.studies import StudyError, create_study

ONE = {"task": "name", "trials": 24}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "at least one block"),
        ({}, "at least one block"),
        ([{"task": "name"}], "Block 1 needs task and trials"),
        ([ONE, ONE | {"colour": 1}], "Block 2 needs task and trials and may have"),
        ([ONE | {"trials": 0}], "trials must be a whole number from 1 to 500, not 0"),
        ([ONE | {"trials": True}], "trials must be a whole number"),
        ([ONE | {"task": ""}], "task must be the name of a task"),
        ([ONE | {"control_share": 1}], "control_share must be a number from 0 to 0.9, not 1"),
        ([ONE | {"control_share": "0.1"}], "control_share must be a number"),
        ([ONE | {"practice": "beak"}], "practice must be a list of words"),
        ([ONE | {"attention": [1]}], "attention must be a list of words"),
        ([ONE | {"options": []}], "options must be an object"),
    ],
)
def test_blocks_that_cannot_be_read_are_named(raw, message):
    with pytest.raises(DesignError, match=message):
        parse_blocks(raw)


def test_blocks_come_back_as_they_were():
    block = Block("name", 24, control_share=0.25, practice=("beak",), attention=("instructed",), options={"a": 1})
    assert parse_blocks([block.as_json()]) == (block,)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("comments", "must be a list"),
        ([{"questionnaire": "comments"}], "looks like"),
        ([{"questionnaire": "comments", "moment": "during"}], "before or after"),
        ([{"questionnaire": "comments", "moment": "after"}] * 2, "occurs twice"),
    ],
)
def test_questionnaires_that_cannot_be_read_are_named(raw, message):
    with pytest.raises(DesignError, match=message):
        parse_questionnaires(raw)


def test_burden_is_added_up():
    """60 + 30 s around, 60 s of comments, 45 s of instructions, 15 s × (24 trials + 1 check + 2 × 2 practice)."""
    block = Block("name", 24, practice=("beak", "mixed"), attention=("instructed",))
    burden = planned_burden([block], [PlacedQuestionnaire("comments", "after")], seconds_per_trial={"name": 15.0})
    assert burden.minutes == pytest.approx((60 + 30 + 60 + 45 + 15 * 29) / 60)
    assert burden.blocks == (pytest.approx((45 + 15 * 29) / 60),)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"blocks": [{"task": "sing", "trials": 2}]}, "Block 1: No task 'sing'"),
        ({"blocks": [ONE | {"practice": ["claw"]}]}, "no practice item 'claw'"),
        ({"blocks": [ONE | {"attention": ["shout"]}]}, "No attention check 'shout'"),
        ({"blocks": [ONE | {"options": {"tiles": 6}}]}, "has no option 'tiles'"),
        ({"questionnaires": [{"questionnaire": "stars", "moment": "after"}]}, "No questionnaire 'stars'"),
        ({"blocks": []}, "cannot be blank|at least one block"),
    ],
)
def test_a_design_that_leads_nowhere_is_refused(override, message):
    with pytest.raises(StudyError, match=message):
        create_study(load_preset("paper-2018"), slug="birds", **override)
