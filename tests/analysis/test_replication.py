"""The paper's study as a whole: each thing a claim may lack is named; both sides of each claim by hand."""

import pytest

from analysis.__main__ import main
from analysis.evaluation import evaluate
from analysis.interpretability import InferenceOptions
from analysis.replication import both_sides, missing_for_replication
from analysis.schema import load
from analysis.selection import SelectionOptions
from tests.analysis.conftest import make_export, write_export

QUICK = InferenceOptions(draws=50, seed=3)


def lacks(export, **options):
    return missing_for_replication(export, selection_options=SelectionOptions(**options), inference_options=QUICK)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_export(tmp_path_factory.mktemp("whole"), classes=["robin", "oboe"], simulated=False, pictures=False)


def test_a_whole_study_lacks_nothing(whole):
    assert lacks(load(whole)) == []


@pytest.mark.parametrize(
    ("changes", "claim", "part"),
    [
        ({"random_arm": False}, "meaning", "random region"),
        ({"networks": ("efficientnet-lite0",)}, "networks", "1 network"),
        ({"networks": ("efficientnet-lite0", "mine")}, "networks", "mine is unknown"),
        ({"participants": 1}, "agreement", "two or more people"),
        ({"participants": 2, "trials": 10}, "parts", "answers that judge"),
        ({"simulated": True}, "all claims", "programs"),
    ],
)
def test_what_is_missing_is_named_with_its_claim(tmp_path, changes, claim, part):
    defaults = {"classes": ["robin", "oboe"], "simulated": False, "pictures": False, "participants": 8}
    found = lacks(load(make_export(tmp_path, **(defaults | changes))))
    assert any(lack.claim == claim and part in lack.what for lack in found), found


def test_no_answer_at_all(tmp_path):
    assert "no naming answer" in lacks(load(write_export(tmp_path, {})))[0].what


def test_the_command_refuses_programs_unless_told(tmp_path, capsys):
    directory = make_export(tmp_path, classes=["robin", "oboe"], participants=6, pictures=False)
    assert main(["paper-2018", str(directory), "--bootstrap", "50"]) == 1
    error = capsys.readouterr().err
    assert "cannot answer the paper's questions" in error
    assert "all claims: All answers were made by programs. Ask people, or add --simulated" in error
    assert main(["paper-2018", str(directory), "--bootstrap", "50", "--simulated", "--quiet"]) == 0


def test_both_sides_of_each_claim(whole):
    sides = both_sides(evaluate(load(whole), inference_options=QUICK)).set_index(["claim", "side"])["estimate"]
    assert len(sides) == 8
    assert sides["meaning", "machine"].value == pytest.approx(0.5)  # mean_drop of every stimulus
    assert sides["agreement", "machine"].value == pytest.approx(0.4)
    assert sides["parts", "machine"].value == pytest.approx((4.5 + 2.5) / 2)  # robin 4 and 5, oboe 2 and 3
    assert sides["networks", "machine"].value == pytest.approx(1)
    assert sides["meaning", "people"].value == pytest.approx(0.9, abs=0.06)
