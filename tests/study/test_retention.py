from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from study.models import Answer, Event, ExternalIdentity, Participant

pytestmark = pytest.mark.django_db


def test_personal_data_goes_on_its_date_and_answers_stay(study, visitor):
    study.retention_date = date(2026, 12, 1)
    study.save()
    visitor.enter(study, "?PROLIFIC_PID=p1")
    visitor.practise()
    visitor.answer(client='{"input_type": "mouse"}')
    before = visitor.participant
    visitor.client.post(f"{before.get_absolute_url()}events/", '{"kind": "blur", "detail": {"a": 1}}', "text/plain")
    output = StringIO()

    call_command("enforce_retention", today=date(2026, 11, 30), stdout=output)
    assert ExternalIdentity.objects.exists()
    call_command("enforce_retention", today=date(2026, 12, 1), dry_run=True, stdout=output)
    assert ExternalIdentity.objects.exists()
    call_command("enforce_retention", today=date(2026, 12, 1), stdout=output)

    assert not ExternalIdentity.objects.exists()
    assert not Answer.objects.exclude(input_details={}).exists()
    kept = Event.objects.exclude(detail={})
    assert [(event.kind, list(event.detail)) for event in kept] == [("consented", ["text_sha256"])]
    after = Participant.objects.get()
    assert after.pseudonym == before.pseudonym
    assert after.token != before.token
    assert visitor.client.get(before.get_absolute_url()).status_code == 404
    assert Answer.objects.filter(text="beak").exists()
    assert "birds is due since 2026-12-01" in output.getvalue()

    again = StringIO()
    call_command("enforce_retention", today=date(2026, 12, 2), stdout=again)
    assert "No study's retention date has come" in again.getvalue()
