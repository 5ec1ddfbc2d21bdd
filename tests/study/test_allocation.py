from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.allocation import PlanError, PlannedStimulus, TrialSplit, feasible_split, plan, split_trials


def stimulus(number, *, network="small", class_name="robin", arm="summaries"):
    return PlannedStimulus(
        identifier=f"{arm}-{network}-{class_name}-{number}",
        network=network,
        class_name=class_name,
        method="visual-summaries",
        arm=arm,
    )


def design(*, networks=2, classes=3, summaries=5, controls=5):
    return [
        stimulus(number, network=f"n{network}", class_name=f"c{label}", arm=arm)
        for network in range(networks)
        for label in range(classes)
        for arm, count in (("summaries", summaries), ("random-regions", controls))
        for number in range(count)
    ]


@st.composite
def designs(draw):
    """Designs with unequal cells, and numbers for which a plan exists."""
    stimuli = []
    for network in range(draw(st.integers(1, 3))):
        for label in range(draw(st.integers(1, 3))):
            for arm, least in (("summaries", 1), ("random-regions", 0), ("shuffled-clusters", 0)):
                count = draw(st.integers(least, 5))
                stimuli += [stimulus(n, network=f"n{network}", class_name=f"c{label}", arm=arm) for n in range(count)]
    controls = sum(item.is_control for item in stimuli)
    split = TrialSplit(summaries=draw(st.integers(1, len(stimuli) - controls)), controls=draw(st.integers(0, controls)))
    return stimuli, split, draw(st.integers(1, 12)), draw(st.integers(0, 2**31))


@given(designs())
@settings(max_examples=60, deadline=None)
def test_every_prefix_shows_all_stimuli_of_an_arm_group_equally_often_and_none_twice_to_anyone(case):
    stimuli, split, slots, seed = case
    by_name = {item.identifier: item for item in stimuli}
    drawn = plan(
        stimuli, slots=slots, trials_per_slot=split.total, control_share=split.controls / split.total, seed=seed
    )
    assert len(drawn) == slots
    for end in range(1, slots + 1):
        counts = Counter(name for sequence in drawn[:end] for name in sequence)
        for is_control in (False, True):
            group = [counts[name] for name, item in by_name.items() if item.is_control == is_control]
            assert not group or max(group) - min(group) <= 1
    for sequence in drawn:
        assert len(set(sequence)) == len(sequence) == split.total
        assert sum(by_name[name].is_control for name in sequence) == split.controls


def test_same_seed_same_plan_whatever_the_order_of_the_stimuli():
    numbers = {"slots": 5, "trials_per_slot": 12, "control_share": 0.25}
    first = plan(design(), seed=3, **numbers)
    assert plan(list(reversed(design())), seed=3, **numbers) == first
    assert plan(design(), seed=4, **numbers) != first


def test_conditions_are_spread_over_each_slot():
    """18 summaries of 6 equal conditions: each slot shows every condition 3 times, give or take one."""
    by_name = {item.identifier: item for item in design()}
    for sequence in plan(design(), slots=20, trials_per_slot=24, control_share=0.25, seed=0):
        shown = Counter(
            (by_name[name].network, by_name[name].class_name) for name in sequence if not by_name[name].is_control
        )
        assert set(shown.values()) <= {2, 3, 4}
        assert sum(shown.values()) == 18


def test_stimuli_visit_early_middle_and_late_positions():
    positions = defaultdict(list)
    for sequence in plan(design(), slots=40, trials_per_slot=24, control_share=0.25, seed=0):
        for position, name in enumerate(sequence):
            positions[name].append(position)
    for visited in positions.values():
        assert np.mean(visited) == pytest.approx(11.5, abs=2.0)
        assert min(visited) < 8
        assert max(visited) > 15


def test_controls_are_rounded_half_up():
    assert split_trials(24, 0.25) == TrialSplit(summaries=18, controls=6)
    assert split_trials(10, 0.25) == TrialSplit(summaries=7, controls=3)  # 2.5 becomes 3
    assert split_trials(10, 0.0) == TrialSplit(summaries=10, controls=0)


def test_too_few_summaries_cut_the_controls_in_proportion():
    stimuli = design(networks=1, classes=1, summaries=6, controls=20)
    assert feasible_split(stimuli, TrialSplit(summaries=18, controls=6)) == TrialSplit(summaries=6, controls=2)
    without = design(networks=1, classes=1, summaries=6, controls=0)
    assert feasible_split(without, TrialSplit(summaries=3, controls=1)) == TrialSplit(summaries=3, controls=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trials_per_slot": 60}, "needs 45 summaries, but there are 30"),
        ({"trials_per_slot": 0}, "trials_per_slot is 0"),
        ({"slots": 0}, "slots is 0"),
        ({"control_share": 1.5}, "control_share is 1.5"),
        ({"stimuli": design() + design()[:1]}, "occurs twice"),
    ],
)
def test_impossible_numbers_are_named(change, message):
    numbers = {"stimuli": design(), "slots": 5, "trials_per_slot": 24, "control_share": 0.25, "seed": 0} | change
    with pytest.raises(PlanError, match=message):
        plan(numbers.pop("stimuli"), **numbers)
