"""What leaves the server under which profile."""

import csv
import hashlib
import hmac
import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from study.exports import ExportError, Profile, export_study
from study.exports.privacy import OTHER, PublicRows, coarse, external_id, plain_name
from study.models import Answer, Participant
from study.recruitment import Entry
from study.services.consent import give_consent


def test_external_ids_are_keyed_hashes_that_differ_between_studies(settings):
    settings.EXTERNAL_ID_KEY = "k"
    study_key = hmac.new(b"k", b"external-id:birds", hashlib.sha256).digest()
    expected = hmac.new(study_key, b"prolific:5f1", hashlib.sha256).hexdigest()
    assert external_id("birds", "prolific", "5f1") == expected
    assert external_id("cats", "prolific", "5f1") != expected
    assert external_id("birds", "sona", "5f1") != expected
    assert external_id("birds", "open", "") is None
    settings.EXTERNAL_ID_KEY = "other"
    assert external_id("birds", "prolific", "5f1") != expected


@pytest.mark.parametrize(("typed", "plain"), [("  Beak ", "beak"), ("BEAK\t tip", "beak tip"), ("ﬁn", "fin")])
def test_names_are_counted_in_one_form(typed, plain):
    assert plain_name(typed) == plain


def test_moments_become_days_and_durations_tenths():
    row = {"at": datetime(2026, 3, 4, 15, 16, 17, tzinfo=UTC), "reaction_time_ms": 1549.9, "server_time_ms": None}
    assert coarse(row) == {"at": datetime(2026, 3, 4, tzinfo=UTC), "reaction_time_ms": 1500.0, "server_time_ms": None}


def answer_row(text):
    return {
        "participant": "p",
        "language": "en",
        "answer_text": text,
        "served_at": datetime(2026, 1, 1, tzinfo=UTC),
    }


def test_rare_names_keep_who_agrees_with_whom():
    people = [{"source": "open", "language": "en"}] * 6
    public = PublicRows("birds", people=people, names={"beak": 5, "my aunt ann": 1}, answers=Counter())
    shown = [
        public("responses_long", answer_row(text))["answer_text"] for text in ("Beak", "My aunt Ann", "my AUNT ann")
    ]
    assert shown[0] == "beak"
    assert shown[1] == shown[2]
    assert shown[1].startswith("rare-") and "aunt" not in shown[1]


def test_rare_combinations_are_not_shown():
    people = [{"source": "open", "language": "en"}] * 5 + [{"source": "lab", "language": "it"}] * 4
    public = PublicRows("birds", people=people, names={}, answers=Counter())
    row = {"external_id": "x", "slot": 3, "consented_at": datetime(2026, 1, 1, tzinfo=UTC)}
    shown = [public("participants", row | person) for person in people]
    cells = Counter((row["source"], row["language"]) for row in shown)
    assert cells == {("open", "en"): 5, (OTHER, OTHER): 4}
    assert {row["external_id"] for row in shown} == {row["slot"] for row in shown} == {None}


def test_rare_answers_to_questionnaires_are_blank_and_comments_are_gone():
    people = [{"source": "open", "language": "en"}] * 5
    answers = Counter(
        {("demographics", "after", "gender", "woman", None): 5, ("demographics", "after", "age", None, 93.0): 1}
    )
    public = PublicRows("birds", people=people, names={}, answers=answers)
    row = {
        "questionnaire": "demographics",
        "moment": "after",
        "question": "gender",
        "answer_text": "woman",
        "answer_value": None,
    }
    assert public("questionnaires", row)["answer_text"] == "woman"
    assert (
        public("questionnaires", row | {"question": "age", "answer_text": None, "answer_value": 93.0})["answer_value"]
        is None
    )
    assert public("questionnaires", row | {"questionnaire": "comments"}) is None


def test_too_few_people_are_refused(study, tmp_path):
    give_consent(study, Entry(source="open"), nonce="n" * 20)
    with pytest.raises(ExportError, match="needs at least 5 participants; study 'birds' has 1"):
        export_study(study, tmp_path, profile=Profile.PUBLIC)


@pytest.fixture
def six_people(study, take_part):
    """Five people from the open link say beak, one through Prolific says something else; one answer each."""
    for number in range(5):
        take_part(study, number, ["beak"], trials=1)
    take_part(study, 5, ["what aunt Ann wears"], trials=1, entry=Entry(source="prolific", subject="secret9"))
    return study


def read(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_public_profile_of_a_real_export(six_people, tmp_path):
    export_study(six_people, tmp_path, profile=Profile.PUBLIC)
    assert not (tmp_path / "events.csv").exists()
    people = read(tmp_path / "participants.csv")
    assert Counter(row["source"] for row in people) == {"open": 5, OTHER: 1}
    assert {row["consented_at"][10:] for row in people} == {"T00:00:00.000Z"}
    words = Counter(row["answer_text"] for row in read(tmp_path / "responses_long.csv"))
    assert words["beak"] == 5 and len(words) == 2
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"aunt" not in content and b"secret9" not in content, file
    assert "Public profile" in json.loads((tmp_path / "dataset_description.json").read_text())["description"]


def test_the_full_profile_has_the_hash_and_never_the_identifier(six_people, tmp_path):
    export_study(six_people, tmp_path)
    hashes = [row["external_id"] for row in read(tmp_path / "participants.csv")]
    assert hashes == [""] * 5 + [external_id("birds", "prolific", "secret9")]
    assert Participant.objects.count() == Answer.objects.count() == 6
