from collections import Counter

import pytest

from study.allocation import PlanError
from study.design import Block
from study.exposure import ShownStimulus, exposure_of, find_leaks
from study.planning import plan_trials
from tests.study.materials import birds

NAMING = Block("name", trials=6, control_share=0.25, practice=("beak",), attention=("known-answer", "instructed"))
INTRUDER = Block("intruder", trials=4, options={"bands": ["medium", "hard"]})
PREDICT = Block("predict", trials=4, options={"options": 2})
COMPARE = Block("compare", trials=2)
COHERENCE = Block("coherence", trials=3)
TEN = tuple(f"class-{letter}" for letter in "abcdefghij")


def planned(blocks, *, material=None, slots=12, **options):
    return plan_trials(blocks, material or birds(classes=TEN), slots=slots, seed=5, **options)


def main(trials):
    return [trial for trial in trials if trial.phase == "main"]


def test_one_block_shows_what_was_planned_with_its_checks_inside():
    result = planned([NAMING])
    assert result.drawn == result.wanted
    for trials in result.slots:
        assert len(main(trials)) == 6
        assert [trial.practice_item for trial in trials if trial.phase == "attention"] == [
            "known-answer:legs",
            "instructed:asked",
        ]
        assert trials[0].phase == trials[-1].phase == "main"
        assert all(trial.cell.startswith("name | ") for trial in main(trials))
    places = {index for trials in result.slots for index, trial in enumerate(trials) if trial.phase == "attention"}
    assert len(places) > 2  # their place cannot be foreseen


def test_five_tasks_leak_nothing_and_come_in_balanced_orders():
    """The audit knows nothing of the planner: it looks at what the trials show."""
    material = birds(classes=TEN)
    result = planned([NAMING, COHERENCE, INTRUDER, COMPARE, PREDICT], material=material, slots=20, balanced_order=True)
    facts = {
        stimulus.identifier: ShownStimulus(
            images=stimulus.images,
            pictures=frozenset(f"{stimulus.identifier}/{index}" for index in range(6)),
            crops=tuple(f"{stimulus.identifier}/{index}" for index in range(6)),
        )
        for stimulus in material.stimuli
    }
    images = {prediction.image: f"picture of {prediction.image}" for prediction in material.predictions}
    orders = Counter()
    for trials in result.slots:
        exposures = [
            exposure_of(trial.as_json(), facts, images, position=position)
            for position, trial in enumerate(main(trials), start=1)
        ]
        assert find_leaks(exposures) == []
        orders[tuple(dict.fromkeys(trial.task for trial in trials))] += 1
        assert {trial.block for trial in trials} == {1, 2, 3, 4, 5}
    assert len(orders) == 4  # 20 slots, 5 blocks: an order stays for one turn of the classes


def test_the_same_seed_gives_the_same_trials():
    assert planned([INTRUDER, PREDICT]) == planned([INTRUDER, PREDICT])


def test_targets_are_balanced_over_participants():
    result = planned([Block("intruder", trials=6, options={"bands": ["hard"]})], slots=12)
    for trials in result.slots:
        assert sorted(trial.detail["target"] for trial in trials) == [1, 2, 3, 4, 5, 6]
    compare = planned([Block("compare", trials=10)], slots=4)
    for trials in compare.slots:
        assert Counter(trial.detail["left"]["network"] for trial in trials) == {"large": 5, "small": 5}


def test_bands_are_spread_over_each_participant():
    for trials in planned([Block("intruder", trials=9)]).slots:
        assert set(Counter(trial.detail["band"] for trial in trials).values()) <= {2, 3, 4}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (Block("predict", trials=2), r"needs predictions of new images \(manage.py pregenerate --held-out N\)"),
        (Block("compare", trials=2), "needs two networks or methods"),
        (Block("name", trials=2, attention=("unheard",)), "No attention check 'unheard'"),
        (Block("sing", trials=2), "No task 'sing'"),
    ],
)
def test_what_is_missing_is_named(block, message):
    material = birds(networks=("small",), new_images=0, controls=0)
    with pytest.raises((PlanError, LookupError), match=message):
        planned([block], material=material)


def test_easy_intruders_come_from_classes_of_the_same_block():
    """Ten classes in four blocks: two or three classes each, and every participant finds an easy intruder."""
    easy = Block("intruder", trials=2, options={"bands": ["easy"]})
    result = planned([NAMING, easy, COMPARE, COHERENCE], slots=8)
    assert result.drawn[1].summaries == 2
    for trials in result.slots:
        assert [trial.detail["band"] for trial in trials if trial.task == "intruder"] == ["easy", "easy"]
