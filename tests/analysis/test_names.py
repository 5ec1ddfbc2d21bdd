"""Names at levels L1 and L2: hand-made cases and properties that hold for any text."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import names

WORDS = st.sampled_from(
    ["head", "heads", "wings", "wing", "legs", "leaves", "feet", "glasses", "lens", "bus", "spotted", "oboe", "keys"]
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  The HEAD!! ", "head"),
        ("a bird's head", "bird head"),
        ("left-wing / feathers", "left wing feathers"),
        ("ﬁns", "fins"),
        ("the", "the"),
        ("?!", ""),
        ("STRASSE", "strasse"),
    ],
)
def test_level_one(raw, expected):
    assert names.level_one(raw) == expected


def test_articles_depend_on_the_language():
    assert names.level_one("L'ala", language="it") == "ala"
    assert names.level_one("la testa", language="it") == "testa"
    assert names.level_one("la testa", language="en") == "la testa"


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("legs", "leg"),
        ("leaves", "leaf"),
        ("feet", "foot"),
        ("wings", "wing"),
        ("hooves", "hoof"),
        ("branches", "branch"),
        ("eyes", "eye"),
        ("bodies", "body"),
        ("lens", "lens"),
        ("bus", "bus"),
        ("grass", "grass"),
        ("iris", "iris"),
        ("shoes", "shoe"),
        ("noses", "nose"),
        ("tyres", "tyre"),
        ("reed", "reed"),
        ("saw", "saw"),
        ("bed", "bed"),
    ],
)
def test_singular_comes_first(plural, expected):
    assert names.level_two(plural) == expected


def test_italian_lemma():
    assert names.level_two("zampe", language="it") == "zampa"


def test_spelling_prefers_what_others_wrote():
    assert names.correct_spelling("tial", language="en", peers={"tail": 4, "vial": 1}) == (
        "tail",
        "spelling, as other participants wrote",
    )
    assert names.correct_spelling("headlght", language="en", peers={})[0] == "headlight"


def test_ambiguous_slips_stay():
    assert names.correct_spelling("tial", language="en", peers={}) == ("tial", "")


def test_a_known_word_is_never_fixed():
    # 'tale' is one letter from 'tail' but a word of its own.
    assert names.correct_spelling("tale", language="en", peers={"tail": 40}) == ("tale", "")
    assert names.correct_spelling("blorf", language="en", peers={"blurb": 3}, own_uses=2) == ("blorf", "")


@pytest.mark.parametrize("language", ["en", "it", "de", "zz", "zh", "", "pt-BR"])
def test_no_language_crashes(language):
    result = names.normalise_names(
        ["Köpfe", "头"], languages=[language] * 2, classes=["x"] * 2, participants=["p", "q"]
    )
    assert (result.frame["l2"] != "").all()


def test_whole_study_with_trail():
    raw = ["The Heads", "head", "hed", "head", "Wings.", "!"]
    result = names.normalise_names(
        raw, languages=["en"] * 6, classes=["robin"] * 6, participants=["a", "b", "c", "d", "e", "f"]
    )
    assert list(result.frame["raw"]) == raw
    assert list(result.frame["l2"]) == ["head", "head", "head", "head", "wing", ""]
    fix = result.trail[result.trail["from"] == "hed"].iloc[0]
    assert (fix["to"], fix["level"], fix["answers"]) == ("head", "L2", 1)
    assert "other participants" in fix["rule"]


def test_own_words_of_another_class_do_not_count():
    result = names.normalise_names(
        ["tial", "tail"], languages=["en"] * 2, classes=["jean", "robin"], participants=["a", "b"]
    )
    assert result.frame["l2"].iloc[0] == "tial"


def test_nothing_in_nothing_out():
    result = names.normalise_names([], languages=[], classes=[], participants=[])
    assert result.frame.empty
    assert result.trail.empty


@given(st.text(max_size=30), st.sampled_from(["en", "it", "fr", "zz"]))
def test_level_one_is_idempotent_and_keeps_words(raw, language):
    once = names.level_one(raw, language=language)
    assert names.level_one(once, language=language) == once
    if any(character.isalnum() for character in unicodedata.normalize("NFKC", raw)):
        assert once != ""
    assert once == once.strip()


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS | st.text("abcdefghilmnoprstuvy", min_size=1, max_size=8), min_size=1, max_size=3))
def test_level_two_is_idempotent_and_keeps_the_number_of_words(words):
    name = " ".join(words)
    once = names.level_two(name)
    assert names.level_two(once) == once
    assert len(once.split()) == len(words)
