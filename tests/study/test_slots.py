"""Leases: given back by the sweep, kept by signs of life, taken up again by late returners."""

import secrets
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from study.models import EventKind, ParticipantState, Slot, SlotState
from study.recruitment import Entry
from study.services.consent import give_consent
from study.services.progress import keep_place, resume_participant
from study.services.slots import sweep_leases

pytestmark = pytest.mark.django_db


def consent(study):
    return give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))


def expire(participant):
    Slot.objects.filter(holder=participant).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def sweep(django_capture_on_commit_callbacks):
    def sweep(**options):
        with django_capture_on_commit_callbacks(execute=True):
            return sweep_leases(now=timezone.now(), **options)

    return sweep


def test_a_sweep_gives_expired_slots_back_and_a_second_one_finds_nothing(study, sweep):
    gone, here = consent(study), consent(study)
    expire(gone)
    assert [sweep(), sweep()] == [1, 0]
    gone.refresh_from_db()
    assert (gone.state, gone.timed_out_at is not None) == (ParticipantState.TIMED_OUT, True)
    assert list(gone.events.values_list("kind", flat=True)) == [EventKind.CONSENTED, EventKind.LEASE_EXPIRED]
    assert Slot.objects.get(number=1).state == SlotState.FREE
    assert Slot.objects.get(number=2).holder == here


def test_a_late_returner_keeps_a_swept_slot_that_nobody_took(study, sweep):
    late = consent(study)
    expire(late)
    sweep()
    late = resume_participant(late)
    assert late.state == ParticipantState.CONSENTED
    assert late.timed_out_at is not None
    assert late.slot.number == 1
    assert late.events.get(kind=EventKind.CAME_BACK).detail == {"kept_slot": True}


def test_a_late_returner_whose_swept_slot_was_taken_goes_on_without_one(study, sweep):
    late = consent(study)
    expire(late)
    sweep()
    newcomer = consent(study)
    late = resume_participant(late)
    assert Slot.objects.get(number=1).holder == newcomer
    assert Slot.objects.filter(holder=late).count() == 0
    assert late.events.get(kind=EventKind.CAME_BACK).detail == {"kept_slot": False}


def test_an_answer_of_somebody_whose_time_was_up_is_taken(study, visitor, sweep):
    visitor.enter(study)
    visitor.practise()
    expire(visitor.participant)
    sweep()
    visitor.answer()  # the page had been open all the time
    late = visitor.participant
    assert late.state == ParticipantState.ACTIVE
    assert late.trials.filter(phase="main", answer__isnull=False).count() == 1
    assert late.slot.state == SlotState.CLAIMED


def test_signs_of_life_keep_the_place(study, visitor):
    visitor.enter(study)
    participant = visitor.participant
    Slot.objects.filter(holder=participant).update(lease_expires_at=timezone.now() + timedelta(seconds=5))
    assert visitor.client.post(f"{participant.get_absolute_url()}heartbeat/").status_code == 204
    assert Slot.objects.get(holder=participant).lease_expires_at > timezone.now() + timedelta(minutes=29)
    Slot.objects.filter(holder=participant).update(state=SlotState.FREE, holder=None, lease_expires_at=None)
    assert visitor.client.post(f"{participant.get_absolute_url()}heartbeat/").status_code == 410
    assert not keep_place(participant)


def test_the_command_sweeps_one_study_or_all(study, django_capture_on_commit_callbacks):
    expire(consent(study))
    output = StringIO()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("sweep", study="birds", stdout=output)
        call_command("sweep", stdout=output)
    assert output.getvalue().split("\n")[:2] == ["1 slots went back to the plan.", "0 slots went back to the plan."]
    with pytest.raises(CommandError, match="No study 'cats'"):
        call_command("sweep", study="cats")
