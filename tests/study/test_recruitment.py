from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing

from study.models import Study
from study.recruitment import EntryRefusedError, recognise, recruiter_of, recruitment_problems
from study.recruitment.lab import lab_pass
from study.recruitment.preview import preview_path
from study.recruitment.simulated import SALT, simulation_pass


def a_study(**fields):
    return Study(slug="birds", title="Birds", **fields)


def way_back(source, study, outcome, **identity):
    found = recruiter_of(source).way_back(study, outcome, **identity)
    return found and (found.url, found.method, dict(found.fields))


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


@pytest.mark.parametrize("subject", ["{{%PROLIFIC_PID%}}", "%7B", "x" * 201, "a\x00b", "a\ud800b"])
def test_bad_prolific_identifiers_are_refused(subject):
    with pytest.raises(EntryRefusedError, match="Prolific"):
        recognise(a_study(), {"PROLIFIC_PID": subject}, raw_query="")


def test_prolific_gets_its_completion_page():
    study = a_study(completion_codes={"completed": "C 1&A", "screened_out": "S1"})
    url = "https://app.prolific.com/submissions/complete?cc="
    assert way_back("prolific", study, "completed") == (f"{url}C+1%26A", "get", {})
    assert way_back("prolific", study, "screened_out") == (f"{url}S1", "get", {})
    assert way_back("prolific", study, "failed_checks") == (f"{url}C+1%26A", "get", {})  # no code of its own: no harm
    assert way_back("prolific", study, "over_quota") is None
    assert way_back("open", study, "completed") is None
    assert recruiter_of("gone") is None


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


MTURK = {
    "assignmentId": "A1",
    "hitId": "H1",
    "workerId": "W1",
    "turkSubmitTo": "https://workersandbox.mturk.com/",
}


def test_a_worker_of_mechanical_turk_is_recognised_and_hands_the_hit_in_at_amazon():
    study = a_study(completion_codes={"completed": "M1"})
    entry = recognise(study, MTURK, raw_query="raw")
    assert (entry.source, entry.subject, entry.preview) == ("mturk", "W1", False)
    assert entry.details == {"assignment": "A1", "hit": "H1", "submit_to": "https://workersandbox.mturk.com"}
    assert way_back("mturk", study, "completed", details=entry.details) == (
        "https://workersandbox.mturk.com/mturk/externalSubmit",
        "post",
        {"assignmentId": "A1", "outcome": "completed", "code": "M1"},
    )
    assert way_back("mturk", study, "withdrawn", details=entry.details) is None
    assert way_back("mturk", study, "completed") is None


def test_a_preview_of_mechanical_turk_is_nobody():
    entry = recognise(a_study(), {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "H1"}, raw_query="")
    assert (entry.source, entry.subject, entry.preview) == ("mturk", "", True)


@pytest.mark.parametrize(
    "change",
    [
        {"workerId": ""},
        {"turkSubmitTo": ""},
        {"turkSubmitTo": "http://www.mturk.com"},
        {"turkSubmitTo": "https://www.mturk.com.example.org"},
        {"turkSubmitTo": "https://www.mturk.com@example.org"},
        {"turkSubmitTo": "https://example.org/#https://www.mturk.com"},
    ],
    ids=str,
)
def test_answers_go_to_amazon_only(change):
    with pytest.raises(EntryRefusedError, match="Mechanical Turk"):
        recognise(a_study(), MTURK | change, raw_query="")


SONA = {"site": "https://example.sona-systems.com", "experiment_id": "12", "credit_token": "t0ken"}


def test_sona_grants_credit_to_whoever_finished():
    study = a_study(recruitment={"sona": SONA})
    entry = recognise(study, {"id": "4711"}, raw_query="id=4711")
    assert (entry.source, entry.subject) == ("sona", "4711")
    url = "https://example.sona-systems.com/webstudy_credit.aspx?experiment_id=12&credit_token=t0ken&survey_code=4711"
    assert way_back("sona", study, "completed", subject="4711") == (url, "get", {})
    assert way_back("sona", study, "failed_checks", subject="4711") == (url, "get", {})
    assert way_back("sona", study, "screened_out", subject="4711") is None
    assert way_back("sona", study, "completed") is None


def test_a_study_without_sona_takes_id_for_nothing_special():
    assert recognise(a_study(), {"id": "4711"}, raw_query="id=4711").source == "open"


def test_the_placeholder_of_sona_is_refused():
    with pytest.raises(EntryRefusedError, match="SONA"):
        recognise(a_study(recruitment={"sona": SONA}), {"id": "%SURVEY_CODE%"}, raw_query="")


def test_connect_goes_back_to_the_address_that_the_researcher_copied():
    url = "https://connect.cloudresearch.com/participant/project/AB12/complete"
    study = a_study(recruitment={"connect": {"redirects": {"completed": url, "screened_out": "https://example.org/"}}})
    entry = recognise(study, {"participantId": "P1", "assignmentId": "A1", "projectId": "AB12"}, raw_query="raw")
    assert (entry.source, entry.subject) == ("connect", "P1")
    assert entry.details == {"assignment": "A1", "project": "AB12"}
    assert way_back("connect", study, "completed") == (url, "get", {})
    assert way_back("connect", study, "screened_out") is None


@pytest.mark.parametrize(
    ("recruitment", "message"),
    [
        ({}, None),
        ({"sona": SONA}, None),
        ({"sona": SONA | {"site": "https://sona-systems.com.example.org"}}, "https address on sona-systems.com"),
        ({"sona": SONA | {"site": "http://example.sona-systems.com"}}, "https address on sona-systems.com"),
        ({"sona": {"site": "https://example.sona-systems.com"}}, "experiment_id, credit_token"),
        ({"connect": {"redirects": {"completed": "https://example.org/"}}}, "https address on connect"),
        ({"prolifik": {}}, "no recruiter 'prolifik'"),
    ],
    ids=str,
)
def test_settings_of_recruiters_are_checked_before_the_launch(recruitment, message):
    problems = recruitment_problems(a_study(recruitment=recruitment))
    assert (problems == []) if message is None else (message in problems[0])


def test_a_link_of_the_laboratory_is_one_person():
    study = a_study()
    entry = recognise(study, {"lab": lab_pass(study, "A-07")}, raw_query="")
    assert (entry.source, entry.subject) == ("lab", "A-07")


@pytest.mark.parametrize(
    "value",
    ["", "A-07", lab_pass(Study(slug="other"), "A-07"), lab_pass(Study(slug="birds"), "A-07").replace(":", "x")],
    ids=["empty", "plain", "other study", "changed"],
)
def test_nobody_makes_a_link_of_the_laboratory(value):
    with pytest.raises(EntryRefusedError, match="not complete"):
        recognise(a_study(), {"lab": value}, raw_query="")


def test_a_preview_link_is_a_test():
    study = a_study()
    value = parse_qs(urlsplit(preview_path(study)).query)["preview"][0]
    entry = recognise(study, {"preview": value}, raw_query="")
    assert (entry.source, entry.test, entry.subject) == ("preview", True, "")
    with pytest.raises(EntryRefusedError, match="no longer valid"):
        recognise(Study(slug="other"), {"preview": value}, raw_query="")
