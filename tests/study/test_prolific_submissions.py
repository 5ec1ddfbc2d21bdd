"""Prolific's CSV and API, against a small server of our own that answers as Prolific's does."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command

from study.models import Participant, ParticipantState, Slot, SlotState
from study.recruitment import Entry
from study.recruitment.prolific_submissions import ProlificError, Submission, SubmissionStatus, read_csv
from study.services.consent import give_consent

CSV = """\ufeffSubmission id,Participant id,Status,Started at
s1,p1,RETURNED,2026-11-24
s2,p2,TIMED-OUT,2026-11-24
s3,p3,AWAITING REVIEW,
s4,unknown,APPROVED,
s5,,RESERVED,
"""


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "prolific_export.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


@pytest.fixture
def prolific():
    """A server with three submissions on two pages; yields its address. The good token is `good`."""
    submissions = [("p1", "RETURNED"), ("p2", "TIMED-OUT"), ("p3", "ACTIVE")]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)
            if self.headers["Authorization"] != "Token good" or query["study"] != ["S1"]:
                self.send_response(401)
                self.end_headers()
                return
            page = int(query["page"][0])
            following = {"href": f"{self.path}&more"} if page == 1 else {"href": None}
            part = submissions[:2] if page == 1 else submissions[2:]
            results = [{"id": "x", "participant_id": person, "status": status} for person, status in part]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"results": results, "_links": {"next": following}}).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def people(study):
    """Three participants of Prolific in three slots."""
    return [
        give_consent(study, Entry(source="prolific", subject=f"p{number}"), nonce=f"nonce-{number}-0123456789")
        for number in (1, 2, 3)
    ]


def test_the_csv_is_read_by_its_column_names(csv_file):
    assert read_csv(csv_file) == [
        Submission("p1", SubmissionStatus.RETURNED),
        Submission("p2", SubmissionStatus.TIMED_OUT),
        Submission("p3", SubmissionStatus.OTHER),
        Submission("unknown", SubmissionStatus.OTHER),
    ]


def test_another_csv_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ProlificError, match="has the columns a, b; expected Participant id and Status"):
        read_csv(path)
    with pytest.raises(ProlificError, match="Cannot read"):
        read_csv(tmp_path / "missing.csv")


@pytest.mark.django_db
def test_returned_and_timed_out_places_open_again(people, csv_file):
    output = StringIO()
    call_command("sync_prolific", str(csv_file), study="birds", stdout=output)
    states = [Participant.objects.get(pk=person.pk).state for person in people]
    assert states == [ParticipantState.RETURNED, ParticipantState.TIMED_OUT, ParticipantState.CONSENTED]
    assert [Slot.objects.get(number=number).state for number in (1, 2, 3)] == [
        SlotState.FREE,
        SlotState.FREE,
        SlotState.CLAIMED,
    ]
    assert re.search(r"returned\D+1\D", output.getvalue())
    again = StringIO()
    call_command("sync_prolific", str(csv_file), study="birds", stdout=again)
    for line in (r"returned\D+0\D", r"timed out\D+0\D", r"unchanged\D+3\D", r"unknown\D+1\D"):
        assert re.search(line, again.getvalue()), again.getvalue()


@pytest.mark.django_db
def test_the_api_says_the_same(people, prolific, monkeypatch):
    monkeypatch.setenv("PROLIFIC_TOKEN", "good")
    call_command("sync_prolific", study="birds", prolific_study="S1", api=prolific, quiet=True)
    states = [Participant.objects.get(pk=person.pk).state for person in people]
    assert states == [ParticipantState.RETURNED, ParticipantState.TIMED_OUT, ParticipantState.CONSENTED]


@pytest.mark.django_db
def test_what_can_go_wrong_says_what_to_do(study, prolific, monkeypatch, csv_file):
    monkeypatch.delenv("PROLIFIC_TOKEN", raising=False)
    with pytest.raises(CommandError, match="Set PROLIFIC_TOKEN"):
        call_command("sync_prolific", study="birds", prolific_study="S1", api=prolific)
    with pytest.raises(CommandError, match="either a CSV"):
        call_command("sync_prolific", study="birds")
    monkeypatch.setenv("PROLIFIC_TOKEN", "bad")
    with pytest.raises(CommandError, match="answered 401; check the token"):
        call_command("sync_prolific", study="birds", prolific_study="S1", api=prolific)
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("sync_prolific", study="birds", prolific_study="S1", api="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="No study 'cats'"):
        call_command("sync_prolific", str(csv_file), study="cats")
