"""Consensus names and how many distinct ones there are."""

import pandas as pd
import pytest

from analysis.answers import naming_answers
from analysis.interpretability import InferenceOptions, NameableRule
from analysis.parts import consensus_names, exhaustiveness, network_accuracies
from analysis.schema import load
from tests.analysis.conftest import answer, person, stimulus, write_export

GIVEN = {
    "head-a": ["head", "head", "head", "beak"],
    "head-b": ["head", "head", "wing", "head"],
    "wing": ["wing", "wing", "wing", None],
    "tied": ["leg", "leg", "tail", "tail"],
    "nothing": [None, None, None, "eye"],
    "alone": ["foot", "leg", None, "tail"],
}


@pytest.fixture
def consensus(tmp_path):
    shown = [stimulus(name, "robin", "lite0") for name in GIVEN]
    unseen = [stimulus("unseen", "robin", "lite0"), stimulus("jean", "jean", "lite2")]
    rows = [
        answer(f"p{number}", trial + 1, own, text)
        for trial, own in enumerate(shown)
        for number, text in enumerate(GIVEN[own["summary"]])
    ]
    rows.append(answer("p0", 9, unseen[1], "leg"))
    tables = {
        "responses_long": rows,
        "participants": [person(f"p{n}") for n in range(4)],
        "stimuli": [*shown, *unseen],
    }
    export = load(write_export(tmp_path, tables))
    return export, naming_answers(export.responses)


def by_summary(answers, **options):
    return consensus_names(answers, options=InferenceOptions(**options)).set_index("summary")


def test_consensus(consensus):
    frame = by_summary(consensus[1])
    assert frame["name"].to_dict() == {
        "head-a": "head",
        "head-b": "head",
        "wing": "wing",
        "tied": "",
        "nothing": "",
        "alone": "",
        "jean": "",
    }
    assert frame.loc["head-a", "names"] == [("head", 3), ("beak", 1)]
    assert bool(frame.loc["tied", "tie"])
    assert not frame.loc["nothing", "nameable"]
    assert pd.isna(frame.loc["jean", "nameable"]), "one answer is too few to judge"


def test_the_rule_can_be_stricter(consensus):
    lenient, strict = by_summary(consensus[1]), by_summary(consensus[1], nameable_rule=NameableRule.LOWER_BOUND)
    assert lenient["nameable"].sum() == 5
    # Wilson's lower bound of 4 of 4 is 0.51, of 3 of 4 it is 0.30.
    assert strict["nameable"].sum() == lenient["surely_nameable"].sum() == 3


def test_exhaustiveness(consensus):
    export, answers = consensus
    frame = consensus_names(answers, options=InferenceOptions())
    cells = exhaustiveness(export.stimuli, frame, {}).set_index(["class", "network"])
    robin = cells.loc[("robin", "lite0")]
    assert (robin["summaries"], robin["shown"], robin["nameable"], robin["distinct_names"]) == (7, 6, 5, 2)
    assert robin["names"] == [("head", 6, 8), ("wing", 3, 4)]
    assert pd.isna(cells.loc[("jean", "lite2"), "nameable"]), "no summary was judged"
    assert cells.loc[("robin", "lite2"), "summaries"] == 0, "the other network found none"


def test_manifests_tell_where_a_network_looked(consensus):
    export, answers = consensus
    frame = consensus_names(answers, options=InferenceOptions())
    looked = {"class": "robin", "network": "vgg", "method": "crisp-masks", "arm": "summaries"}
    cells = exhaustiveness(export.stimuli, frame, {"d": {"clusterings": [looked]}})
    assert set(cells[["class", "network"]].itertuples(index=False, name=None)) == {
        ("robin", "lite0"),
        ("jean", "lite2"),
        ("robin", "vgg"),
    }


def test_accuracy_of_a_network_with_two_runs_is_their_mean():
    stimuli = pd.DataFrame(
        [("a", 0.7, "x"), ("a", 0.7, "x"), ("a", 0.9, "y"), ("b", None, "x")],
        columns=["network", "network_accuracy", "run_digest"],
    )
    assert network_accuracies(stimuli) == pytest.approx({"a": 0.8})
