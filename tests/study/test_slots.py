"""Leases: given back by the sweep, kept by signs of life, taken up again by late returners."""

import secrets
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from study.models import EventKind, ParticipantState, Slot, SlotState, Study
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


def test_a_sweep_marks_who_lost_a_slot_to_a_process_that_was_killed(study, sweep):
    stranded, late = consent(study), consent(study)
    Slot.objects.filter(holder=stranded).update(state=SlotState.FREE, holder=None, lease_expires_at=None)
    expire(late)
    sweep()
    Slot.objects.filter(number=late.slot_number).update(state=SlotState.COMPLETED)
    late = resume_participant(late)  # goes on without a slot, and is not driven out
    sweep()
    for participant, state in ((stranded, ParticipantState.TIMED_OUT), (late, ParticipantState.CONSENTED)):
        participant.refresh_from_db()
        assert participant.state == state
    assert sweep() == 0


def test_with_a_quota_an_expired_slot_goes_to_a_newcomer_although_nobody_swept(
    study, django_capture_on_commit_callbacks
):
    most = max(Counter(cell for slot in study.slots.all() for cell in slot.cells).values())
    Study.objects.filter(pk=study.pk).update(quota_per_cell=most)
    study.refresh_from_db()
    people = [consent(study) for _ in range(study.participants_planned)]
    expire(people[2])
    with django_capture_on_commit_callbacks(execute=True):
        newcomer = consent(study)
    people[2].refresh_from_db()
    assert (newcomer.state, newcomer.slot_number) == (ParticipantState.CONSENTED, 3)
    assert people[2].state == ParticipantState.TIMED_OUT
    assert consent(study).state == ParticipantState.OVER_QUOTA


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
