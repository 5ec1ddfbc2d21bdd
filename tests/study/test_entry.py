"""The entry link: languages, returning, previews, frames, limits."""

from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory

from study.entry_limit import client_address
from study.models import Participant, ParticipantState

pytestmark = pytest.mark.django_db

MTURK = "?assignmentId=A1&hitId=H1&workerId=W1&turkSubmitTo=https%3A%2F%2Fwww.mturk.com"


@pytest.fixture
def bilingual(study):
    study.other_languages = ["it"]
    study.texts = {"purpose": "To learn.", "it": {"purpose": "Per imparare.", "title": "Che cosa?"}}
    study.save()
    return study


def test_a_study_with_several_languages_offers_a_switch_and_remembers(bilingual, visitor):
    page = visitor.open(f"{bilingual.get_absolute_url()}?PROLIFIC_PID=p1")
    assert [item["code"] for item in page.context["languages"]] == ["en", "it"]
    visitor.open(page.context["languages"][1]["url"])
    text = visitor.page.content.decode()
    assert '<html lang="it"' in text
    assert "Per imparare." in text
    visitor.send(visitor.form(bilingual.get_absolute_url()))
    participant = visitor.participant
    assert participant.language == "it"
    assert participant.external_identity.raw_query == "PROLIFIC_PID=p1"  # our own parameters are not the recruiter's
    assert visitor.page.headers["Content-Language"] == "it"
    assert "Che cosa?" in visitor.page.content.decode()


def test_the_browsers_language_is_the_first_choice_where_the_study_has_it(bilingual, client):
    for wanted, shown in (("it", "it"), ("en", "en"), ("fr", "en")):
        page = client.get(bilingual.get_absolute_url(), headers={"Accept-Language": wanted})
        assert page.headers["Content-Language"] == shown


def test_a_study_in_one_language_has_no_switch_and_no_other_language(study, client):
    page = client.get(f"{study.get_absolute_url()}?language=it", headers={"Accept-Language": "it"})
    assert page.headers["Content-Language"] == "en"
    assert 'class="languages"' not in page.content.decode()


def test_opening_the_open_link_again_leads_back(study, visitor):
    visitor.enter(study)
    first = visitor.participant
    page = visitor.open(study.get_absolute_url())
    assert "Welcome back" in page.content.decode()
    assert first.get_absolute_url() in page.content.decode()
    visitor.send(visitor.form(study.get_absolute_url()))  # somebody else at the same browser
    assert visitor.participant != first


def test_a_recruiters_participant_goes_on_although_the_study_is_paused(study, visitor, new_visitor):
    visitor.enter(study, "?PROLIFIC_PID=p1")
    study.state = "paused"
    study.save()
    elsewhere = new_visitor()
    assert "Welcome back" in elsewhere.open(f"{study.get_absolute_url()}?PROLIFIC_PID=p1").content.decode()
    elsewhere.send(elsewhere.form(study.get_absolute_url()))
    assert elsewhere.participant == visitor.participant
    assert new_visitor().open(study.get_absolute_url()).status_code == 403


def test_frames_are_for_mechanical_turk_only(study, visitor, new_visitor):
    visitor.enter(study, MTURK)
    for response in (visitor.client.get(study.get_absolute_url() + MTURK), visitor.page):
        assert "frame-ancestors https://worker.mturk.com" in response.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in response.headers
    other = new_visitor()
    other.enter(study)
    assert "frame-ancestors 'none'" in other.page.headers["Content-Security-Policy"]
    assert other.page.headers["X-Frame-Options"] == "DENY"


def test_a_worker_hands_in_at_amazon_and_nowhere_else(study, visitor):
    visitor.enter(study, MTURK)
    assert "form-action 'self'; " in f"{visitor.page.headers['Content-Security-Policy']}; "
    visitor.practise()
    visitor.finish()
    form = visitor.form("externalSubmit")
    assert (form.method, form.action) == ("post", "https://www.mturk.com/mturk/externalSubmit")
    assert form.fields["assignmentId"] == "A1"
    assert "form-action 'self' https://www.mturk.com" in visitor.page.headers["Content-Security-Policy"]


def test_policies_allow_nothing_inline(study, visitor):
    visitor.enter(study)
    for path in ("/", study.get_absolute_url(), visitor.participant.get_absolute_url(), "/p/unknown/", "/healthz"):
        policy = visitor.client.get(path).headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


def test_entries_from_one_address_are_limited_and_nobody_elses(study, settings):
    cache.clear()
    settings.ENTRY_LIMIT = 2
    settings.TRUSTED_PROXIES = 1

    def enter(address):
        return Client(headers={"X-Forwarded-For": f"10.1.1.1, {address}"}).post(study.get_absolute_url())

    assert [enter("192.0.2.1").status_code for _ in range(3)] == [303, 303, 429]
    assert enter("192.0.2.2").status_code == 303
    assert enter("192.0.2.1").headers["Retry-After"] == "300"
    assert Participant.objects.count() == 3


def test_this_machine_itself_is_not_limited(study, settings, client):
    settings.ENTRY_LIMIT = 1
    assert [client.post(study.get_absolute_url()).status_code for _ in range(3)] == [303] * 3


def test_the_address_is_the_one_that_the_trusted_proxy_saw(settings):
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.1"}, REMOTE_ADDR="10.0.0.1")
    for proxies, address in ((0, "10.0.0.1"), (1, "192.0.2.1"), (2, "203.0.113.9"), (3, "10.0.0.1")):
        settings.TRUSTED_PROXIES = proxies
        assert str(client_address(request)) == address
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) is None


def test_links_of_the_laboratory_lead_in_once_each(study, client):
    output = StringIO()
    call_command("lab_links", study="birds", count=2, base_url="https://lab.example.org/", stdout=output)
    header, first, second = output.getvalue().split()
    assert header == "label,link"
    assert first.startswith("lab-001,https://lab.example.org/s/birds/?lab=")
    path = first.split("https://lab.example.org")[1]
    assert client.post(path).headers["Location"] == client.post(path).headers["Location"]
    client.post(second.split("https://lab.example.org")[1])
    people = Participant.objects.order_by("pk")
    assert [person.external_identity.subject for person in people] == ["lab-001", "lab-002"]
    assert {person.state for person in people} == {ParticipantState.CONSENTED}


@pytest.mark.parametrize(
    ("text", "message"), [("a\na\n", "occurs twice"), ("a,b\n", "not good"), ("x" * 41, "not good")]
)
def test_labels_of_the_laboratory_are_checked(study, tmp_path, text, message):
    file = tmp_path / "labels.txt"
    file.write_text(text)
    with pytest.raises(CommandError, match=message):
        call_command("lab_links", study="birds", labels=file)


def test_the_server_says_whether_it_is_alive_and_ready(client, settings, tmp_path):
    assert client.get("/healthz").content == b"alive\n"
    assert (client.get("/readyz").status_code, client.get("/readyz").content) == (200, b"ready\n")
