"""study.json: what passes, that an edited plan is refused, and that the plan decides who is analysed."""

import json

import pytest

from analysis.complaints import ExportError
from analysis.plan import Exclusion, Rule, canonical_sha256
from analysis.schema import load
from analysis.selection import SelectionOptions, select
from tests.analysis.conftest import answer, person, stimulus, write_export

ROBIN = stimulus("robin-0", "robin", "lite0")
PLAN = {
    "exclusions": [{"rule": "incomplete"}, {"rule": "failed-attention", "maximum": 1}, {"rule": "too-fast"}],
    "confirmatory": ["nameability"],
    "name_level": "l2",
    "alpha": 0.05,
}
DESIGN = {"task": "name", "trials": 24, "title": "Wörter"}


def study_file(**changes):
    return {
        "schema_version": "1.0",
        "study": "robin-study",
        "title": "Robins",
        "preset": "paper-2018",
        "state": "closed",
        "invited": 40,
        "versions": [
            {"version": 1, "sha256": canonical_sha256(DESIGN), "frozen_at": "2024-05-01T00:00:00Z", "design": DESIGN}
        ],
        "analysis_plan": PLAN | {"sha256": canonical_sha256(PLAN), "frozen_at": "2024-05-01T00:00:00Z"},
    } | changes


def export_with(directory, content):
    rows = [answer("p1", 1, ROBIN, "head"), answer("p2", 1, ROBIN, "tail"), answer("p3", 1, ROBIN, "wing")]
    people = [person("p1"), person("p2", attention_failed=2, attention_checks=2), person("p3", state="test")]
    rows[2]["participant_state"] = "test"
    path = write_export(directory, {"responses_long": rows, "participants": people, "stimuli": [ROBIN]})
    (path / "study.json").write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_hash_by_hand():
    # printf '{"a":1,"b":"ü"}' | sha256sum
    import hashlib

    assert canonical_sha256({"b": "ü", "a": 1}) == hashlib.sha256('{"a":1,"b":"ü"}'.encode()).hexdigest()


def test_the_plan_is_read_and_applied(tmp_path):
    export = load(export_with(tmp_path, study_file()))
    plan = export.study_file.plan
    assert plan.exclusions == (
        Exclusion(Rule.INCOMPLETE),
        Exclusion(Rule.FAILED_ATTENTION, 1),
        Exclusion(Rule.TOO_FAST, 1000.0),
    )
    assert (plan.standing("nameability"), plan.standing("univocality")) == ("confirmatory", "exploratory")
    selection = select(export, options=SelectionOptions())
    assert list(selection.answers["participant"]) == ["p1"]
    assert selection.flow == {
        "invited": 40,
        "consented": 2,
        "started": 2,
        "completed": 2,
        "withdrew": 0,
        "excluded": 1,
        "analysed": 1,
    }
    assert selection.left_out == {
        "of previews or withdrawn participants": 1,
        "of participants who failed attention checks": 1,
    }


def test_other_rules_for_a_sensitivity_analysis(tmp_path):
    export = load(export_with(tmp_path, study_file()))
    selection = select(export, options=SelectionOptions(exclusions=()))
    assert list(selection.answers["participant"]) == ["p1", "p2"]


def test_without_a_plan_everything_is_exploratory(tmp_path):
    export = load(export_with(tmp_path, study_file(analysis_plan=None)))
    plan = select(export, options=SelectionOptions()).plan
    assert plan.exclusions == (Exclusion(Rule.INCOMPLETE),)
    assert plan.standing("nameability") == "exploratory"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "no JSON"),
        (study_file(schema_version="0.1"), "schema_version"),
        (study_file(analysis_plan=PLAN | {"sha256": "0" * 64, "frozen_at": None}), "hash"),
        (study_file(versions=[{"version": 1, "sha256": "0" * 64, "frozen_at": None, "design": {}}]), "versions.0"),
        (study_file(analysis_plan={"exclusions": [{"rule": "ugly"}]}), "analysis_plan"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, part):
    with pytest.raises(ExportError) as caught:
        load(export_with(tmp_path, content))
    assert any(part in str(complaint) and complaint.file == "study.json" for complaint in caught.value.complaints)
