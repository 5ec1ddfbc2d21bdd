"""What a withdrawal leaves, in every table and every export; and whether the data map is whole."""

import hashlib
import re

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import timezone

from study.exports import export_study
from study.exports.privacy import plain_name
from study.models import AuditEntry, Coder, EventKind, NameCode, Participant, Tally, Trial
from study.recruitment import Entry
from study.services.consent import give_consent
from study.services.name_codes import store_codes
from study.services.retention import enforce_retention
from study.services.tallies import update_tally
from study.services.withdrawal import withdraw
from tests.study.lived_in import BLOCKS, QUESTIONNAIRES, RECRUITER_ID, TYPED, walk_through
from tests.study.rich_run import write_rich_run

PERSONAL = (
    "Participant",
    "ExternalIdentity",
    "Trial",
    "Answer",
    "QuestionnaireAnswer",
    "Event",
    "Slot",
    "NameCode",
    "Tally",
)


def privacy_page():
    return (settings.BASE_DIR / "docs" / "privacy.md").read_text(encoding="utf-8")


def test_every_field_that_tells_of_participants_is_in_the_data_map():
    listed = set(re.findall(r"`([A-Z]\w+\.\w+)`", privacy_page()))
    stored = {
        f"{name}.{field.name}" for name in PERSONAL for field in apps.get_model("study", name)._meta.concrete_fields
    }
    assert listed == stored


def test_every_table_is_in_the_data_map():
    page = privacy_page()
    missing = [
        model._meta.label
        for model in apps.get_models()
        if model.__name__ not in PERSONAL and f"`{model._meta.label}`" not in page
    ]
    assert missing == []


@pytest.fixture
def watched(db, tmp_path):
    """A study in which two people answered, the totals are counted, and names are coded."""
    from study.presets import load_preset
    from study.services.runs import import_run
    from study.services.studies import create_study, launch_study

    study = create_study(
        load_preset("paper-2018"), slug="watched", blocks=BLOCKS, questionnaires=QUESTIONNAIRES, participants_planned=4
    )
    import_run(study, write_rich_run(tmp_path / "run"))
    study = launch_study(study)
    for number in range(2):
        walk_through(study, number)
    update_tally(study, now=timezone.now() + timezone.timedelta(minutes=1))
    for text, class_name in Trial.objects.filter(answer__kind="named", phase="main").values_list(
        "answer__text", "stimulus__condition__class_name"
    ):
        store_codes(study, class_name, {plain_name(text): "beak"}, coder=Coder.FIRST)
    return study


def everything_stored():
    """Every value of every row of every table, as text, by table and field."""
    for model in apps.get_models():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                yield model.__name__, field.name, str(getattr(row, field.attname))


def places_of(trace):
    return {(model, field) for model, field, value in everything_stored() if trace in value}


def test_a_withdrawal_leaves_no_trace_in_any_table(watched):
    gone, other = Participant.objects.order_by("pk")
    typed = f"{TYPED} 0"
    nonces = list(gone.trials.values_list("nonce", flat=True))
    traces = [f"{RECRUITER_ID}0", "recruiters-session-0", typed, plain_name(typed), f"I am {TYPED} number 0", *nonces]
    places = {trace: places_of(trace) for trace in traces}
    assert all(places.values())
    assert {model for found in places.values() for model, _field in found} >= {
        "ExternalIdentity",
        "Trial",
        "Answer",
        "QuestionnaireAnswer",
        "NameCode",
        "Tally",
    }

    withdraw(gone)

    assert {trace: places_of(trace) for trace in traces} == {trace: set() for trace in traces}
    assert places_of(gone.token) == {("Participant", "token")}
    assert places_of(gone.pseudonym) == {("Participant", "pseudonym")}
    left = [
        model.__name__
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is Participant and model._default_manager.filter(**{field.name: gone}).exists()
    ]
    assert left == ["Event"]
    assert list(gone.events.values_list("kind", "detail")) == [(EventKind.WITHDRAWN, {})]
    assert str(gone.pk) not in Tally.objects.get().totals["people"]
    # Nothing of the other person is touched.
    assert other.trials.filter(answer=None).count() == 0
    assert plain_name(f"{TYPED} 1") in set(NameCode.objects.values_list("name", flat=True))


def test_an_export_made_after_a_withdrawal_tells_nothing(watched, tmp_path):
    gone = Participant.objects.order_by("pk")[0]
    withdraw(gone)
    export_study(watched, tmp_path / "export")
    found = {
        path.name
        for path in (tmp_path / "export").rglob("*")
        if path.is_file() and gone.pseudonym.encode() in path.read_bytes()
    }
    assert found == {"participants.csv", "events.csv", "study-watched_description-participants_data.csv"} | {
        "study-watched_description-events_data.csv"
    }
    for trace in (f"{TYPED} 0", plain_name(f"{TYPED} 0"), f"{RECRUITER_ID}0", gone.token):
        assert not [path for path in (tmp_path / "export").rglob("*.*") if trace.encode() in path.read_bytes()], trace


def test_a_code_stays_while_somebody_else_has_typed_the_name(watched):
    gone, other = Participant.objects.order_by("pk")
    answer = other.trials.filter(answer__kind="named", phase="main").order_by("position")[0].answer
    theirs = gone.trials.filter(answer__kind="named", phase="main").order_by("position")[0]
    class_name = theirs.stimulus.condition.class_name
    answer.trial.stimulus = theirs.stimulus
    answer.trial.save()
    answer.text = theirs.answer.text.upper()
    answer.save()
    name = plain_name(answer.text)
    store_codes(watched, class_name, {name: "beak", "somebody's": "x"}, coder=Coder.SECOND)
    withdraw(gone)
    left = set(NameCode.objects.filter(coder=Coder.SECOND).values_list("name", flat=True))
    assert left == {name, "somebody's"}
    withdraw(other)
    assert set(NameCode.objects.filter(coder=Coder.SECOND).values_list("name", flat=True)) == {"somebody's"}


def test_what_somebody_agreed_to_can_be_told(study):
    first = give_consent(study, Entry(source="open"), nonce="a" * 22)
    study.texts = {"researcher": "The university of <Parma> & others"}
    study.save()
    second = give_consent(study, Entry(source="open"), nonce="b" * 22)
    third = give_consent(study, Entry(source="open"), nonce="c" * 22)

    def text_of(person):
        sha256 = person.events.get(kind=EventKind.CONSENTED).detail["text_sha256"]
        (text,) = AuditEntry.objects.filter(action="consent text", target=sha256).values_list("changes", flat=True)
        assert hashlib.sha256(text["text"][1].encode()).hexdigest() == sha256
        return text["text"][1]

    assert "Taking part is voluntary" in text_of(first)
    assert "<Parma>" not in text_of(first)
    assert "The university of <Parma> & others" in text_of(second)
    assert text_of(second) == text_of(third) != text_of(first)
    assert AuditEntry.objects.filter(action="consent text").count() == 2
    enforce_retention(study)
    assert text_of(second)


def test_the_text_is_that_of_the_language_that_somebody_chose(study):
    study.other_languages = ["it"]
    study.save()
    person = give_consent(study, Entry(source="open"), nonce="d" * 22, language="it")
    entry = AuditEntry.objects.get(action="consent text")
    assert entry.target == person.events.get(kind=EventKind.CONSENTED).detail["text_sha256"]
    assert "accettare di partecipare" in entry.changes["text"][1]
