from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.allocation import (
    PlanError,
    PlannedBlock,
    PlannedItem,
    TrialSplit,
    deal_classes,
    feasible_split,
    plan,
    split_trials,
)


def item(number, *, network="small", class_name="robin", arm="summaries", **more):
    identifier = f"{arm}-{network}-{class_name}-{number}"
    key = frozenset({f"summary:{identifier}"})
    return PlannedItem(
        identifier=identifier,
        network=network,
        class_name=class_name,
        method="visual-summaries",
        arm=arm,
        **({"unique": key, "exposes": key, "forbids": key} | more),
    )


def design(*, networks=2, classes=3, summaries=5, controls=5):
    return [
        item(number, network=f"n{network}", class_name=f"c{label}", arm=arm)
        for network in range(networks)
        for label in range(classes)
        for arm, count in (("summaries", summaries), ("random-regions", controls))
        for number in range(count)
    ]


def drawn(items, *, slots, trials, control_share=0.25, seed=0):
    """The items of each slot of a plan with one block."""
    block = PlannedBlock(tuple(items), split_trials(trials, control_share))
    return [slot.items[0] for slot in plan([block], slots=slots, seed=seed, exact=True).slots]


@st.composite
def designs(draw):
    """Designs with unequal cells, and numbers for which a plan exists."""
    items = []
    for network in range(draw(st.integers(1, 3))):
        for label in range(draw(st.integers(1, 3))):
            for arm, least in (("summaries", 1), ("random-regions", 0), ("shuffled-clusters", 0)):
                count = draw(st.integers(least, 5))
                items += [item(n, network=f"n{network}", class_name=f"c{label}", arm=arm) for n in range(count)]
    controls = sum(entry.is_control for entry in items)
    split = TrialSplit(summaries=draw(st.integers(1, len(items) - controls)), controls=draw(st.integers(0, controls)))
    return items, split, draw(st.integers(1, 12)), draw(st.integers(0, 2**31))


@given(designs())
@settings(max_examples=60, deadline=None)
def test_every_prefix_shows_all_items_of_an_arm_group_equally_often_and_none_twice_to_anyone(case):
    items, split, slots, seed = case
    by_name = {entry.identifier: entry for entry in items}
    sequences = [
        slot.items[0] for slot in plan([PlannedBlock(tuple(items), split)], slots=slots, seed=seed, exact=True).slots
    ]
    assert len(sequences) == slots
    for end in range(1, slots + 1):
        counts = Counter(name for sequence in sequences[:end] for name in sequence)
        for is_control in (False, True):
            group = [counts[name] for name, entry in by_name.items() if entry.is_control == is_control]
            assert not group or max(group) - min(group) <= 1
    for sequence in sequences:
        assert len(set(sequence)) == len(sequence) == split.total
        assert sum(by_name[name].is_control for name in sequence) == split.controls


@st.composite
def block_designs(draw):
    """Two to four blocks over the same summaries of at least as many classes as blocks."""
    blocks = draw(st.integers(2, 4))
    classes = draw(st.integers(blocks, blocks + 3))
    items = design(networks=draw(st.integers(1, 2)), classes=classes, summaries=draw(st.integers(1, 4)), controls=1)
    splits = [TrialSplit(draw(st.integers(1, 6)), draw(st.integers(0, 2))) for _ in range(blocks)]
    return tuple(items), splits, draw(st.integers(1, 9)), draw(st.integers(0, 2**31))


@given(block_designs())
@settings(max_examples=40, deadline=None)
def test_no_class_and_no_summary_is_met_in_two_blocks(case):
    items, splits, slots, seed = case
    by_name = {entry.identifier: entry for entry in items}
    result = plan([PlannedBlock(items, split) for split in splits], slots=slots, seed=seed, balanced_order=True)
    assert len(result.slots) == slots
    for slot in result.slots:
        assert sorted(slot.order) == list(range(len(splits)))
        classes = [{by_name[name].class_name for name in sequence} for sequence in slot.items]
        for index, (shown, sequence, split) in enumerate(zip(classes, slot.items, result.splits, strict=True)):
            assert shown <= slot.classes[index]
            assert len(set(sequence)) == len(sequence) == split.total >= 1
            assert all(shown.isdisjoint(other) for other in classes[:index])
    for wanted, got in zip(splits, result.splits, strict=True):
        assert got.summaries <= wanted.summaries
        assert got.controls <= wanted.controls


def test_over_as_many_slots_as_blocks_every_class_visits_every_block_once():
    classes = [f"c{number}" for number in range(7)]
    visits = Counter(
        (name, block)
        for slot in range(3)
        for block, names in enumerate(deal_classes(classes, blocks=3, slot=slot))
        for name in names
    )
    assert visits == dict.fromkeys(((name, block) for name in classes for block in range(3)), 1)


def test_blocks_of_equal_demand_show_every_item_equally_often_after_whole_turns():
    """6 classes of 2 summaries, 2 blocks of 6 trials: every participant sees everything, in one block or the other."""
    items = tuple(design(networks=1, classes=6, summaries=2, controls=0))
    result = plan([PlannedBlock(items, TrialSplit(6, 0))] * 2, slots=8, seed=1)
    for block in range(2):
        counts = Counter(name for slot in result.slots for name in slot.items[block])
        assert set(counts.values()) == {4}
        assert len(counts) == 12


def test_items_that_exclude_each_other_are_never_met_together():
    """Odd and even items share a key, so at most one of each pair may be shown; pairs are in different classes."""
    items = [
        item(number, class_name=f"c{number}", unique=frozenset({f"pair:{number // 2}", f"own:{number}"}))
        for number in range(8)
    ]
    for sequence in drawn(items, slots=12, trials=4, control_share=0.0):
        pairs = [int(name.rsplit("-", 1)[1]) // 2 for name in sequence]
        assert len(set(pairs)) == 4


def test_what_one_block_exposes_another_does_not_ask():
    shown = tuple(item(n, class_name=f"c{n}", exposes=frozenset({f"image:{n}"})) for n in range(4))
    asked = tuple(
        item(n + 10, class_name=f"d{n}", forbids=frozenset({f"image:{n}"}), exposes=frozenset()) for n in range(4)
    )
    result = plan([PlannedBlock(shown, TrialSplit(1, 0)), PlannedBlock(asked, TrialSplit(1, 0))], slots=20, seed=0)
    for slot in result.slots:
        (first,), (second,) = slot.items
        assert int(first.rsplit("-", 1)[1]) + 10 != int(second.rsplit("-", 1)[1])


def test_a_shorter_plan_is_drawn_where_items_do_not_fit_together():
    items = [item(number, unique=frozenset({f"pair:{number // 3}"})) for number in range(9)]
    block = PlannedBlock(tuple(items), TrialSplit(6, 0))
    assert plan([block], slots=5, seed=0).splits == (TrialSplit(3, 0),)
    with pytest.raises(PlanError, match="needs 6 summaries in block 1, but of 9 only 3 fit together"):
        plan([block], slots=5, seed=0, exact=True)


def test_same_seed_same_plan_whatever_the_order_of_the_items():
    numbers = {"slots": 5, "trials": 12}
    first = drawn(design(), seed=3, **numbers)
    assert drawn(list(reversed(design())), seed=3, **numbers) == first
    assert drawn(design(), seed=4, **numbers) != first


def test_conditions_are_spread_over_each_slot():
    """18 summaries of 6 equal conditions: each slot shows every condition 3 times, give or take one."""
    by_name = {entry.identifier: entry for entry in design()}
    for sequence in drawn(design(), slots=20, trials=24):
        shown = Counter(
            (by_name[name].network, by_name[name].class_name) for name in sequence if not by_name[name].is_control
        )
        assert set(shown.values()) <= {2, 3, 4}
        assert sum(shown.values()) == 18


def test_items_visit_early_middle_and_late_positions():
    positions = defaultdict(list)
    for sequence in drawn(design(), slots=40, trials=24):
        for position, name in enumerate(sequence):
            positions[name].append(position)
    for visited in positions.values():
        assert abs(np.mean(visited) - 11.5) < 4
        assert min(visited) < 8
        assert max(visited) > 15


def test_controls_are_rounded_half_up():
    assert split_trials(24, 0.25) == TrialSplit(summaries=18, controls=6)
    assert split_trials(10, 0.25) == TrialSplit(summaries=7, controls=3)  # 2.5 becomes 3
    assert split_trials(10, 0.0) == TrialSplit(summaries=10, controls=0)


def test_too_few_summaries_cut_the_controls_in_proportion():
    items = design(networks=1, classes=1, summaries=6, controls=20)
    assert feasible_split(items, TrialSplit(summaries=18, controls=6)) == TrialSplit(summaries=6, controls=2)
    without = design(networks=1, classes=1, summaries=6, controls=0)
    assert feasible_split(without, TrialSplit(summaries=3, controls=1)) == TrialSplit(summaries=3, controls=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trials": 60}, "needs 45 summaries in block 1, but of 30 only 30 fit together"),
        ({"trials": 0}, "trials_per_slot is 0"),
        ({"slots": 0}, "slots is 0"),
        ({"control_share": 1.5}, "control_share is 1.5"),
        ({"items": design() + design()[:1]}, "occurs twice"),
    ],
)
def test_impossible_numbers_are_named(change, message):
    numbers = {"items": design(), "slots": 5, "trials": 24, "control_share": 0.25, "seed": 0} | change
    with pytest.raises(PlanError, match=message):
        drawn(numbers.pop("items"), **numbers)


def test_blocks_need_as_many_classes():
    block = PlannedBlock(tuple(design(classes=1)), TrialSplit(2, 0))
    with pytest.raises(PlanError, match=r"2 blocks and 1 classes; .* so 0 in each, but block 1 needs 1"):
        plan([block, block], slots=1, seed=0)
    with pytest.raises(PlanError, match="There is no block"):
        plan([], slots=1, seed=0)
