"""Times, confidence and scores of other tasks."""

import pytest

from analysis.behaviour import behaviour
from analysis.schema import load
from tests.analysis.conftest import answer, person, stimulus, write_export

SHOWN = [stimulus(f"robin-{n}", "robin", "lite0") for n in range(3)]


def measures(directory, rows):
    people = [person(name) for name in sorted({row["participant"] for row in rows})]
    export = load(write_export(directory, {"responses_long": rows, "participants": people, "stimuli": SHOWN}))
    frame = behaviour(export.responses, draws=100, seed=0)
    return {(row["task"], row["measure"]): row["estimate"] for row in frame.to_dict("records")}


def test_medians_are_taken_per_participant_first(tmp_path):
    times = {"a": [1000, 2000, 9000], "b": [4000, 4000, 4000]}
    rows = [
        answer(name, trial + 1, SHOWN[trial], "head", reaction_time_ms=ms, confidence=trial + 1)
        for name, own in times.items()
        for trial, ms in enumerate(own)
    ]
    found = measures(tmp_path, rows)
    assert found["name", "median time (s)"].value == pytest.approx(3)
    assert found["name", "mean confidence"].value == pytest.approx(2)


def test_scores_and_ratings(tmp_path):
    intruder = {"task": "intruder", "answer_kind": "choice", "answer_value": 3, "answer_text": ""}
    rating = {"task": "coherence", "answer_kind": "rating", "answer_text": ""}
    rows = []
    for number, name in enumerate("ab"):
        for trial, shown in enumerate(SHOWN):
            right = "true" if trial + number < 2 else "false"
            rows.append(answer(name, trial + 1, shown, None, **intruder, correct=right))
            rows.append(answer(name, trial + 4, shown, None, **rating, answer_value=2 * trial + 1))
    found = measures(tmp_path, rows)
    assert found["intruder", "share correct"].value == pytest.approx(3 / 6)
    assert found["coherence", "mean rating"].value == pytest.approx(3)
    assert found["coherence", "ordinal α of ratings"].value == pytest.approx(1)
    assert ("intruder", "mean rating") not in found


def test_without_javascript_there_are_no_times(tmp_path):
    found = measures(tmp_path, [answer("a", 1, SHOWN[0], "head", reaction_time_ms="", confidence="")])
    assert found == {}
