import pytest
from django.core import signing

from study.models import Study
from study.recruitment import EntryRefusedError, completion_url, recognise
from study.recruitment.simulated import SALT, simulation_pass


def a_study(**fields):
    return Study(slug="birds", title="Birds", **fields)


def test_prolific_identifiers_are_recognised():
    entry = recognise(a_study(), {"PROLIFIC_PID": "p1", "STUDY_ID": "s1", "SESSION_ID": "x1"}, raw_query="raw")
    assert (entry.source, entry.subject, entry.details) == ("prolific", "p1", {"study": "s1", "session": "x1"})
    assert (entry.raw_query, entry.simulated) == ("raw", False)


def test_parameter_names_can_be_changed():
    study = a_study(recruitment={"prolific": {"participant": "pid"}})
    assert recognise(study, {"pid": "p1"}, raw_query="").subject == "p1"
    assert recognise(study, {"PROLIFIC_PID": "p1"}, raw_query="").source == "open"


def test_everybody_else_comes_by_the_open_link():
    entry = recognise(a_study(), {"utm_source": "mail"}, raw_query="utm_source=mail")
    assert (entry.source, entry.subject, entry.raw_query) == ("open", "", "utm_source=mail")


@pytest.mark.parametrize("subject", ["{{%PROLIFIC_PID%}}", "%7B", "x" * 201])
def test_bad_prolific_identifiers_are_refused(subject):
    with pytest.raises(EntryRefusedError, match="Prolific"):
        recognise(a_study(), {"PROLIFIC_PID": subject}, raw_query="")


def test_prolific_gets_its_completion_page():
    study = a_study(completion_codes={"completed": "C 1&A"})
    url = "https://app.prolific.com/submissions/complete?cc=C+1%26A"
    assert completion_url(study, source="prolific", outcome="completed") == url
    assert completion_url(study, source="prolific", outcome="over_quota") is None
    assert completion_url(study, source="open", outcome="completed") is None
    assert completion_url(study, source="gone", outcome="completed") is None


def test_a_signed_pass_marks_a_program():
    study = a_study()
    entry = recognise(study, {"simulation": simulation_pass(study)}, raw_query="")
    assert (entry.source, entry.simulated, entry.subject) == ("simulated", True, "")


@pytest.mark.parametrize(
    "value",
    [
        "1",
        "",
        signing.dumps("other-study", salt=SALT),
        signing.dumps("birds", salt="other-salt"),
        signing.dumps("birds", salt=SALT, key="another-servers-key"),
    ],
    ids=["plain", "empty", "other study", "other purpose", "other server"],  # signatures hold the time
)
def test_nobody_can_pass_for_a_program(value):
    with pytest.raises(EntryRefusedError, match="Nothing was stored"):
        recognise(a_study(), {"simulation": value}, raw_query="")
