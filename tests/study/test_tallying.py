"""Running totals: by hand, and that counting and forgetting undo each other."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.tallying import (
    CountedAnswer,
    add_point,
    count,
    count_with_points,
    empty_totals,
    flags,
    forget_person,
    mean_agreement,
    median_ms,
    pairwise_agreement,
    summary_progress,
    wilson,
)

NOON = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


def answer(participant=1, stimulus=1, name="beak", *, named=True, ms=2000.0, cell="c", task="name"):
    return CountedAnswer(participant, stimulus, cell, task, named, name if named else "", ms, NOON)


def test_pairwise_agreement_by_hand():
    """3 beak, 1 bill: 3·2 of 4·3 ordered pairs agree."""
    assert pairwise_agreement(np.array([3.0, 1.0])) == pytest.approx(0.5)
    assert pairwise_agreement(np.array([1.0])) is None
    assert pairwise_agreement(np.array([4.0])) == 1.0


def test_mean_agreement_by_hand():
    """Values 1 and 0.5: mean 0.75, standard error √(0.125)/√2 = 0.25."""
    estimate = mean_agreement([{"a": 4}, {"a": 3, "b": 1}])
    assert estimate.value == pytest.approx(0.75)
    assert estimate.low == pytest.approx(0.75 - 1.959964 * 0.25)
    assert estimate.high == 1.0
    assert mean_agreement([{"a": 4}, {"a": 1}]) is None


def test_wilson_by_hand():
    """Newcombe (1998, Stat. Med. 17:857), table I: 81 of 263 gives 0.2553 to 0.3662."""
    estimate = wilson(81, 263)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0) is None
    assert wilson(0, 20).low == 0.0


def test_the_median_of_bins_is_right_to_five_per_cent():
    totals = empty_totals()
    times = [900.0, 1500.0, 2600.0, 4100.0, 9000.0]
    count(totals, [answer(ms=ms) for ms in times])
    assert median_ms(totals["times"]["name"]) == pytest.approx(2600, rel=0.05)
    assert median_ms({}) is None


def test_the_stopping_rule():
    totals = empty_totals()
    count(totals, [answer(stimulus=1) for _ in range(40)] + [answer(stimulus=2, name=n) for n in "ab"])
    progress = summary_progress(totals, target_half_width=0.15)
    assert [(one.stimulus, one.answers, one.reached) for one in progress] == [(2, 2, False), (1, 40, True)]
    assert progress[1].most_frequent == "beak"


def test_careless_answers_are_flagged_and_few_are_not():
    totals = empty_totals()
    count(totals, [answer(1, stimulus, named=False) for stimulus in range(10)])
    count(totals, [answer(2, stimulus, "x", ms=300.0) for stimulus in range(10)])
    count(totals, [answer(3, stimulus, f"name {stimulus}") for stimulus in range(10)])
    count(totals, [answer(4, stimulus, named=False) for stimulus in range(3)])
    found = {key: flags(person) for key, person in totals["people"].items()}
    assert found == {"1": ["always-none"], "2": ["always-same", "fast"], "3": [], "4": []}


def test_points_of_the_series_come_when_enough_was_added():
    totals = empty_totals()
    for _ in range(50):
        count(totals, [answer(stimulus=1), answer(stimulus=2), answer(stimulus=3, name="x")])
        add_point(totals, summaries=frozenset({1, 2}))
    numbers = [point[0] for point in totals["series"]]
    assert numbers[0] == 6 and numbers == sorted(set(numbers)) and len(numbers) < 50
    assert totals["series"][-1][1] == 1.0


def test_a_study_that_nobody_watched_has_its_whole_curve():
    totals = empty_totals()
    given = [answer(stimulus=number % 4) for number in range(500)]
    count_with_points(totals, given, summaries=frozenset(range(4)))
    numbers = [point[0] for point in totals["series"]]
    assert numbers[0] == 50 and numbers[-1] == 500 and len(numbers) == 10
    once = empty_totals()
    count(once, given)
    assert once | {"series": []} == totals | {"series": []}


answers = st.lists(
    st.builds(
        answer,
        participant=st.integers(1, 3),
        stimulus=st.integers(1, 3),
        name=st.sampled_from(["beak", "bill", "wing"]),
        named=st.booleans(),
        ms=st.one_of(st.none(), st.floats(1, 1e6)),
        cell=st.sampled_from(["c", "d"]),
    ),
    max_size=30,
)


@given(kept=answers, gone=answers)
def test_forgetting_a_person_leaves_what_would_be_there_without_them(kept, gone):
    kept = [one for one in kept if one.participant != 3]
    gone = [CountedAnswer(3, *list(one.__dict__.values())[1:]) for one in gone]
    with_them, without = empty_totals(), empty_totals()
    count(with_them, kept + gone)
    forget_person(with_them, 3, gone)
    count(without, kept)
    for totals in (with_them, without):
        totals["stimuli"] = {key: names for key, names in totals["stimuli"].items() if names}
        totals["times"] = {key: times for key, times in totals["times"].items() if times}
    assert with_them == without
