"""Every rule on participants made for it; the counts are done by hand."""

import pandas as pd
import pytest

from analysis.exclusions import apply_exclusions
from analysis.plan import Exclusion, Rule
from analysis.schema import load
from tests.analysis.conftest import START, answer, person, stimulus, write_export

SHOWN = [stimulus(f"robin-{number}", "robin", "lite0") for number in range(5)]


def answers_of(name, texts, **more):
    return [answer(name, n + 1, SHOWN[n], text, **more) for n, text in enumerate(texts)]


@pytest.fixture
def export(tmp_path):
    different = ["head", "tail", "wing", "leg", "beak"]
    rows = [
        *answers_of("good", different),
        *answers_of("quick", different, reaction_time_ms=300),
        *answers_of("quick-unseen", different, reaction_time_ms="", server_time_ms=200),
        *answers_of("straight", ["Bird", "bird ", "BIRD", "bird", "bird"]),
        *answers_of("never", [None] * 5),
        *answers_of("few", ["bird", "bird"], reaction_time_ms=10),
        *answers_of("inattentive", different),
        *answers_of("twice", different),
    ]
    later = (START + pd.Timedelta(hours=1)).isoformat()
    people = [
        person("good", external_id="a", comprehension_attempts=2),
        person("quick"),
        person("quick-unseen"),
        person("straight"),
        person("never"),
        person("few", state="timed_out", came_back_late="true"),
        person("inattentive", attention_checks=3, attention_failed=2, comprehension_attempts=3),
        person("twice", external_id="a", consented_at=later),
    ]
    return load(write_export(tmp_path, {"responses_long": rows, "participants": people, "stimuli": SHOWN}))


def excluded(export, *exclusions):
    found = apply_exclusions(export.participants, export.responses, exclusions=exclusions)
    return dict(found.first_failed)


@pytest.mark.parametrize(
    ("exclusion", "who"),
    [
        (Exclusion(Rule.INCOMPLETE), {"few"}),
        (Exclusion(Rule.FAILED_ATTENTION, 1), {"inattentive"}),
        (Exclusion(Rule.FAILED_ATTENTION, 2), set()),
        (Exclusion(Rule.TOO_FAST, 1000), {"quick", "quick-unseen"}),
        (Exclusion(Rule.STRAIGHT_LINING, 0.9), {"straight", "never"}),
        (Exclusion(Rule.DUPLICATE), {"twice"}),
        (Exclusion(Rule.CAME_BACK_LATE), {"few"}),
        (Exclusion(Rule.COMPREHENSION, 2), {"inattentive"}),
    ],
)
def test_each_rule(export, exclusion, who):
    assert set(excluded(export, exclusion)) == who


def test_two_answers_are_too_few_to_judge(export):
    assert "few" not in excluded(export, Exclusion(Rule.TOO_FAST, 1000), Exclusion(Rule.STRAIGHT_LINING, 0.5))


def test_the_first_failed_rule_counts_once_and_all_are_kept(export):
    rules = (Exclusion(Rule.COMPREHENSION, 2), Exclusion(Rule.FAILED_ATTENTION, 0), Exclusion(Rule.INCOMPLETE))
    found = apply_exclusions(export.participants, export.responses, exclusions=rules)
    assert dict(found.first_failed) == {"inattentive": "comprehension", "few": "incomplete"}
    counts = found.counts().set_index("rule")
    assert list(counts["first"]) == [1, 0, 1]
    assert list(counts["all"]) == [1, 1, 1]


def test_no_rule_excludes_nobody(export):
    assert excluded(export) == {}


def test_the_same_position_throughout_is_a_straight_line(tmp_path):
    rows = [
        answer("left", n + 1, shown, None, task="intruder", answer_kind="choice", answer_value=2, chosen_position=2)
        for n, shown in enumerate(SHOWN)
    ]
    export = load(write_export(tmp_path, {"responses_long": rows, "participants": [person("left")], "stimuli": SHOWN}))
    assert set(excluded(export, Exclusion(Rule.STRAIGHT_LINING, 0.9))) == {"left"}


def test_nobody_at_all(tmp_path):
    export = load(write_export(tmp_path, {}))
    assert excluded(export, *(Exclusion(rule, 1.0) for rule in Rule)) == {}
