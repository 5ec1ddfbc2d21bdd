"""Which answers count."""

import pytest

from analysis.schema import load
from analysis.selection import SelectionOptions, UnknownMethodError, select
from tests.analysis.conftest import answer, person, stimulus, write_export

ROBIN = stimulus("robin-0", "robin", "lite0")
OTHER = stimulus("robin-1", "robin", "lite0", method="grad-cam")


@pytest.fixture
def export(tmp_path):
    rows = [
        answer("real", 1, ROBIN, "practice", phase="practice", simulated="false"),
        answer("real", 2, ROBIN, "head", simulated="false"),
        answer("real", 3, OTHER, "tail", simulated="false"),
        answer("late", 1, ROBIN, "wing", simulated="false", participant_state="active"),
        answer("robot", 1, ROBIN, "beak"),
    ]
    people = [
        person("real", simulated="false"),
        person("late", simulated="false", state="active"),
        person("gone", simulated="false", state="timed_out", started_at=""),
        person("robot"),
    ]
    return load(write_export(tmp_path, {"responses_long": rows, "participants": people, "stimuli": [ROBIN, OTHER]}))


def texts(selection):
    return list(selection.answers["answer_text"])


def test_people_before_programs_and_never_practice(export):
    selection = select(export, options=SelectionOptions())
    assert texts(selection) == ["head", "tail"]
    assert selection.mixed
    assert not selection.simulated
    assert selection.left_out == {
        "of programs": 1,
        "from practice or attention checks": 1,
        "of participants who did not complete": 1,
    }
    assert selection.flow == {
        "consented": 3,
        "started": 2,
        "completed": 1,
        "withdrew": 0,
        "excluded": 2,
        "analysed": 1,
    }


def test_active_participants_on_request(export):
    assert texts(select(export, options=SelectionOptions(include_active=True))) == ["head", "tail", "wing"]


def test_programs_on_request_alone(export):
    selection = select(export, options=SelectionOptions(simulated=True))
    assert texts(selection) == ["beak"]
    assert selection.simulated


def test_one_method(export):
    selection = select(export, options=SelectionOptions(method="grad-cam"))
    assert texts(selection) == ["tail"]
    assert list(selection.stimuli["summary"]) == ["robin-1"]
    with pytest.raises(UnknownMethodError, match="crisp-masks, grad-cam"):
        select(export, options=SelectionOptions(method="lime"))


def test_nothing_at_all(tmp_path):
    selection = select(load(write_export(tmp_path, {})), options=SelectionOptions())
    assert (len(selection.answers), selection.mixed, selection.simulated) == (0, False, False)
