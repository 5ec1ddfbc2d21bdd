"""Naming answers: units, repeats, codes."""

import pandas as pd

from analysis.answers import naming_answers
from analysis.schema import load
from tests.analysis.conftest import answer, person, stimulus, write_export

ROBIN = stimulus("robin-0", "robin", "lite0")
WHOLE = stimulus("", "robin", "lite0", arm="whole-images")


def answers_of(directory, rows):
    people = [person(name) for name in sorted({row["participant"] for row in rows})]
    export = load(write_export(directory, {"responses_long": rows, "participants": people, "stimuli": [ROBIN]}))
    return naming_answers(export.responses)


def test_first_answer_of_a_repeat_counts(tmp_path):
    answers = answers_of(tmp_path, [answer("p1", 2, ROBIN, "tail"), answer("p1", 1, ROBIN, "head")])
    assert list(answers.frame["l2"]) == ["head"]
    assert answers.repeats == 1


def test_stimuli_without_a_summary_stand_for_their_condition(tmp_path):
    answers = answers_of(tmp_path, [answer("p1", 1, WHOLE, "bird"), answer("p2", 1, WHOLE, None)])
    assert list(answers.units["summary"]) == ["whole-images robin lite0 crisp-masks"]
    assert answers.unit_codes.tolist() == [0, 0]


def test_name_codes_with_and_without_no_common_part(tmp_path):
    rows = [answer(f"p{n}", 1, ROBIN, text) for n, text in enumerate(["Head", "heads", None, "?!"])]
    answers = answers_of(tmp_path, rows)
    codes, names = answers.name_codes("l2", no_common_part=False)
    assert (codes.tolist(), names) == ([0, 0, -1, -1], ["head"])
    codes, names = answers.name_codes("l2", no_common_part=True)
    assert codes.tolist() == [0, 0, 1, -1]
    assert answers.name_codes("raw", no_common_part=False)[0].tolist() == [0, 1, -1, 2]
    assert answers.unreadable == 1
    assert answers.frame["named"].tolist() == [True, True, False, True]


def test_other_tasks_are_left_aside(tmp_path):
    rows = [answer("p1", 1, ROBIN, "head"), answer("p1", 2, ROBIN, None, task="coherence", answer_kind="rating")]
    assert len(answers_of(tmp_path, rows).frame) == 1


def test_no_answers(tmp_path):
    answers = naming_answers(load(write_export(tmp_path, {})).responses)
    assert (len(answers.frame), answers.participant_count) == (0, 0)
    assert isinstance(answers.trail, pd.DataFrame)
