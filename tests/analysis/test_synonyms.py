"""Level L3: suggestions are ranked, only confirmed ones merge, and every merge leaves a trace."""

import pandas as pd
import pytest

from analysis.answers import naming_answers
from analysis.complaints import ExportError
from analysis.schema import load
from analysis.synonyms import Synonyms, read_synonyms, suggest_synonyms
from analysis.wordnet import WordNet
from tests.analysis.conftest import answer, person, stimulus, write_export

ROBIN, OBOE = stimulus("robin-0", "robin", "lite0"), stimulus("oboe-0", "oboe", "lite0")
NET = WordNet(senses={"beak": (1,), "bill": (2, 1), "nose": (3,)}, hypernyms={1: (4,), 2: (4,), 3: (4,)}, exceptions={})


def answers(directory, names, shown=ROBIN):
    rows = [answer(f"p{number}", 1, shown, name) for number, name in enumerate(names)]
    people = [person(f"p{number}") for number in range(len(names))]
    export = load(write_export(directory, {"responses_long": rows, "participants": people, "stimuli": [ROBIN, OBOE]}))
    return export.responses


def test_suggestions_are_ranked_and_merge_nothing(tmp_path):
    given = naming_answers(answers(tmp_path, ["beak", "beak", "bill", "wing", "left wing", "nose"]))
    found = suggest_synonyms(given.frame, wordnet=NET)
    assert list(found.iloc[0][["name", "into", "people", "people_into", "rule"]]) == [
        "bill", "beak", 1, 2, "same noun synset",
    ]  # fmt: skip
    assert list(found.iloc[1][["name", "into", "rule"]]) == ["left wing", "wing", "one name within the other"]
    assert "nose" not in set(found["name"])  # beak and nose meet at a depth of 1 of 2: 0.5 by Wu and Palmer
    assert given.levels == ("raw", "l1", "l2")


def test_without_wordnet_only_writing_is_compared(tmp_path):
    given = naming_answers(answers(tmp_path, ["beak", "bill", "tailfeather", "tailfeathering"]))
    assert list(suggest_synonyms(given.frame, wordnet=None)["rule"]) == ["near in writing"]


def test_confirmed_merges_within_their_class_and_leave_a_trace(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("class,name,into,remark\nrobin,bills,beak,sure\n,reed,mouthpiece,\n", encoding="utf-8")
    synonyms = read_synonyms(file)
    robin = naming_answers(answers(tmp_path / "a", ["Bill", "the beaks", "reed"]), synonyms=synonyms)
    assert list(robin.frame["l3"]) == ["beak", "beak", "mouthpiece"]
    assert robin.levels == ("raw", "l1", "l2", "l3")
    last = robin.trail[robin.trail["level"] == "L3"]
    assert sorted(zip(last["from"], last["to"], last["answers"], strict=True)) == [
        ("bill", "beak", 1),
        ("reed", "mouthpiece", 1),
    ]
    oboe = naming_answers(answers(tmp_path / "b", ["bill"], OBOE), synonyms=synonyms)
    assert list(oboe.frame["l3"]) == ["bill"]


def test_chains_end_where_they_lead():
    synonyms = Synonyms(into={("robin", "snout"): "bill", ("robin", "bill"): "beak"})
    assert synonyms.resolve("robin", "snout") == "beak"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("class,name\nrobin,bill\n", "column into"),
        ("class,name,into\nrobin,bill,beak\nrobin,bill,nose\n", "row 3"),
        ("class,name,into\nrobin,bill,beak\nrobin,beak,bill\n", "leads back"),
        ("class,name,into\nrobin,bill,\n", "empty"),
        ("", "cannot be read"),
    ],
)
def test_bad_confirmations_are_located(tmp_path, content, part):
    file = tmp_path / "mine.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ExportError, match=part):
        read_synonyms(file)


def test_no_names_no_suggestions(tmp_path):
    given = naming_answers(load(write_export(tmp_path, {})).responses)
    assert suggest_synonyms(given.frame, wordnet=NET).empty
    assert isinstance(given.trail, pd.DataFrame)
