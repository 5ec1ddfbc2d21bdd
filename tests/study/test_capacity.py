"""When the server is full: nobody new gets in, everybody inside goes on, and the page says so."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from study.capacity import OverCapacityError, check_capacity, participants_at_once
from study.models import Participant, ParticipantState, Slot
from study.recruitment import Entry
from study.services.consent import give_consent
from study.services.slots import sweep_leases

pytestmark = pytest.mark.django_db


def page(study, query=""):
    return Client().get(study.get_absolute_url() + query)


def test_the_server_is_full_for_newcomers_only(settings, study, new_visitor):
    settings.PARTICIPANTS_AT_ONCE = 2
    inside, other, late = new_visitor(), new_visitor(), new_visitor()
    inside.enter(study)
    late.open(study.get_absolute_url())  # reads the consent page while there is room
    other.enter(study)
    refused = page(study)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "300"
    assert "Very many people are taking part" in refused.content.decode()
    late.send(late.form(study.get_absolute_url()))
    assert late.page.status_code == 503
    assert Participant.objects.count() == 2
    inside.practise()
    assert "Thank you" in inside.finish().content.decode()
    assert page(study).status_code == 200  # somebody has finished: there is room again


def test_those_who_come_back_are_let_in(settings, study, new_visitor):
    settings.PARTICIPANTS_AT_ONCE = 1
    somebody = new_visitor()
    query = "?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=x"
    somebody.enter(study, query)
    again = new_visitor()
    assert again.open(study.get_absolute_url() + query).status_code == 200
    again.send(again.form(study.get_absolute_url()))
    assert again.participant == somebody.participant


def test_leases_that_ran_out_and_looks_at_a_study_do_not_count(settings, study):
    settings.PARTICIPANTS_AT_ONCE = 1
    give_consent(study, Entry(source="preview", test=True), nonce="a-look-at-the-study-1")
    give_consent(study, Entry(source="open"), nonce="a-person-at-the-study-1")
    now = timezone.now()
    assert participants_at_once(now=now) == 1
    with pytest.raises(OverCapacityError, match="1 people take part; PARTICIPANTS_AT_ONCE is 1"):
        give_consent(study, Entry(source="open"), nonce="a-person-at-the-study-2")
    later = now + timedelta(minutes=study.lease_minutes + 1)
    check_capacity(now=later)
    sweep_leases(now=later)
    assert participants_at_once(now=now) == 0


def test_somebody_who_came_too_late_waits_like_everybody_else(settings, study):
    Slot.objects.exclude(number=1).delete()
    give_consent(study, Entry(source="open"), nonce="a-person-at-the-study-1")
    entry = Entry(source="prolific", subject="p2")
    late = give_consent(study, entry, nonce="a-person-at-the-study-2")
    assert late.state == ParticipantState.OVER_QUOTA
    settings.PARTICIPANTS_AT_ONCE = 1
    with pytest.raises(OverCapacityError):
        give_consent(study, entry, nonce="a-person-at-the-study-3")


def test_without_a_bound_nothing_is_counted(settings, django_assert_num_queries):
    settings.PARTICIPANTS_AT_ONCE = 0
    with django_assert_num_queries(0):
        check_capacity(now=timezone.now())


def test_the_page_speaks_the_participant_s_language(settings, study):
    settings.PARTICIPANTS_AT_ONCE = 1
    study.other_languages = ["it"]
    study.save()
    give_consent(study, Entry(source="open"), nonce="a-person-at-the-study-1")
    response = Client().get(study.get_absolute_url(), headers={"Accept-Language": "it"})
    assert response.status_code == 503
    assert "Moltissime persone" in response.content.decode()
