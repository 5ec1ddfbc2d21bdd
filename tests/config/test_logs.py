"""Log lines: for people or for programs, with the request's identifier, without persons."""

import json
import logging
import logging.config
import re

import pytest

from config.error_reports import forget_persons, start_reports
from config.logs import ForPeople, ForPrograms, current_request, logging_configuration, without_persons

TOKEN = "kX3_9fQ-zz81LmPq0aBcDe"


def record(message, *arguments, **extra):
    made = logging.LogRecord("study.test", logging.WARNING, __file__, 1, message, arguments, None)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Not Found: /p/{TOKEN}/answer/{TOKEN}/", "Not Found: /p/[token]/answer/[nonce]/"),
        ("GET /s/birds/?PROLIFIC_PID=5f3a&SESSION_ID=1 failed", "GET /s/birds/?[query] failed"),
        ("Invalid request from ip=198.51.100.7: bad", "Invalid request from ip=[address]: bad"),
        ("from 2001:db8:0:1:2:3:4:5, from fe80::1ff:fe23, at 12:34:56", "from [address], from [address], at 12:34:56"),
        ("Listening at: http://127.0.0.1:8000 (9)", "Listening at: http://127.0.0.1:8000 (9)"),
        ("write to ada.lovelace@example.org now", "write to [e-mail] now"),
        ("duplicate key\nDETAIL: Key (subject)=(5f3) exists.\nmore", "duplicate key\nDETAIL: [row]\nmore"),
        ("What is this? A bird.", "What is this? A bird."),
    ],
)
def test_what_is_cut_out(text, expected):
    assert without_persons(text) == expected


def test_a_line_for_programs_has_known_fields_only():
    line = ForPrograms().format(record("saw\n%s", f"/p/{TOKEN}/", request=object(), username="ada", status=404))
    assert "\n" not in line  # nobody can forge a second line
    fields = json.loads(line)
    assert fields.keys() == {"time", "level", "logger", "message", "request_id", "status"}
    assert (fields["message"], fields["level"], fields["status"]) == ("saw\n/p/[token]/", "WARNING", 404)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", fields["time"])


def test_tracebacks_are_cleaned_too():
    for formatter in (ForPrograms(), ForPeople()):
        try:
            raise ValueError(f"cannot show /p/{TOKEN}/ to 203.0.113.9")
        except ValueError as error:
            made = record("failed")
            made.exc_info = (type(error), error, error.__traceback__)
        line = formatter.format(made)
        assert "ValueError" in line and "[token]" in line
        assert TOKEN not in line and "203.0.113" not in line


@pytest.mark.parametrize("as_json", [True, False])
def test_the_configuration_is_valid_and_mails_nothing(as_json):
    configuration = logging_configuration(as_json=as_json)
    logging.config.DictConfigurator(configuration)  # refuses what it does not understand
    assert set(configuration["handlers"]) == {"console"}
    assert configuration["loggers"]["django"]["handlers"] == []


@pytest.mark.django_db
class TestRequests:
    def test_an_identifier_of_our_own(self, client):
        identifiers = {
            client.get("/healthz", headers={"x-request-id": "chosen-by-anybody"}).headers["X-Request-ID"]
            for _ in range(3)
        }
        assert len(identifiers) == 3
        assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in identifiers)
        assert current_request.get() == "-"

    @pytest.mark.parametrize(("given", "kept"), [("abcd-1234", True), ("short", False), ("a b\tc" * 4, False)])
    def test_the_proxy_s_identifier_where_that_is_configured(self, settings, client, given, kept):
        settings.TRUST_REQUEST_ID = True
        assert (client.get("/healthz", headers={"x-request-id": given}).headers["X-Request-ID"] == given) is kept

    def test_the_line_of_a_request_has_the_route_and_no_path(self, settings, client, caplog):
        settings.LOG_REQUESTS = True
        caplog.set_level(logging.INFO, logger="study.requests")
        response = client.get(f"/p/{TOKEN}/?PROLIFIC_PID=5f3a", REMOTE_ADDR="198.51.100.7")
        line = next(line for line in caplog.records if line.name == "study.requests")
        assert (line.method, line.route, line.status) == ("GET", "p/<token:token>/", 404)
        text = ForPrograms().format(line)
        assert not {TOKEN, "5f3a", "198.51.100.7"} & set(re.split(r'[\s/?="]', text))
        assert line.milliseconds > 0
        assert response.status_code == 404

    def test_health_and_pictures_are_not_worth_a_line(self, settings, client, caplog):
        settings.LOG_REQUESTS = True
        caplog.set_level(logging.INFO, logger="study.requests")
        client.get("/healthz")
        client.get(f"/stimuli/{'0' * 64}.webp")
        assert [line for line in caplog.records if line.name == "study.requests"] == []

    def test_a_refusal_is_logged(self, client, django_user_model, caplog):
        client.force_login(django_user_model.objects.create_user("ada"))
        assert client.get("/research/new/").status_code == 403
        assert "Forbidden" in caplog.text

    def test_what_django_logs_of_a_missing_page_has_no_token(self, client, caplog):
        client.get(f"/p/{TOKEN}/")
        for line in caplog.records:
            assert TOKEN not in ForPrograms().format(line)


class TestErrorReports:
    def test_nothing_is_sent_unless_asked_for(self):
        assert start_reports("") is False

    def test_a_report_holds_no_person(self):
        sdk = pytest.importorskip("sentry_sdk")
        sent = []

        class Kept(sdk.Transport):
            def capture_envelope(self, envelope):
                sent.extend(item.payload.json for item in envelope.items)

        try:
            assert start_reports("https://key@reports.example/1") is True
            sdk.get_client().transport = Kept()
            secret = f"/p/{TOKEN}/ of ada@example.org"
            sdk.set_user({"id": "ada", "ip_address": "198.51.100.7"})
            try:
                raise RuntimeError(secret)
            except RuntimeError:
                sdk.capture_exception()
        finally:
            sdk.init()  # without a DSN: off again
        text = json.dumps(sent)
        assert "RuntimeError" in text and "[token]" in text
        assert not any(word in text for word in (TOKEN, "ada", "198.51.100.7", '"vars"'))

    def test_of_a_request_only_the_method_is_kept(self):
        event = {
            "request": {"method": "POST", "url": f"https://x/p/{TOKEN}/", "cookies": {"a": "b"}, "data": {"text": "x"}},
            "user": {"username": "ada"},
            "exception": {"values": [{"value": "198.51.100.7", "stacktrace": {"frames": [{"vars": {"name": "ada"}}]}}]},
        }
        assert forget_persons(event) == {
            "request": {"method": "POST"},
            "exception": {"values": [{"value": "[address]", "stacktrace": {"frames": [{}]}}]},
            "tags": {"request_id": "-"},
        }
