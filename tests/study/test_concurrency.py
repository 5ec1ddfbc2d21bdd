"""Many people at once, on a real database file or on PostgreSQL."""

import os
import secrets
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from study.models import Answer, AnswerKind, Event, EventKind, Participant, ParticipantState, Slot, SlotState
from study.recruitment import Entry
from study.services.answers import Outcome, commit_answer
from study.services.consent import give_consent
from study.services.progress import leave_instructions, resume_participant, serve_trial
from study.services.slots import sweep_leases
from study.tasks import Submission

ROOT = Path(__file__).resolve().parents[2]
THREADS = 40


def at_once(work, count):
    """Run `work(number)` in `count` threads that start together; return the results in order."""
    barrier = threading.Barrier(count)

    def start(number):
        try:
            barrier.wait(timeout=60)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


@pytest.mark.django_db(transaction=True)
def test_forty_people_consent_at_once_and_no_slot_is_given_twice(study):
    people = at_once(lambda number: give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16)), THREADS)
    inside = [person for person in people if person.state == ParticipantState.CONSENTED]
    assert len(inside) == study.participants_planned == 6
    assert sorted(person.slot_number for person in inside) == [1, 2, 3, 4, 5, 6]
    assert set(Slot.objects.values_list("state", flat=True)) == {SlotState.CLAIMED}
    assert Slot.objects.values("holder").distinct().count() == 6
    assert Participant.objects.filter(state=ParticipantState.OVER_QUOTA).count() == THREADS - 6


@pytest.mark.django_db(transaction=True)
def test_one_expired_slot_goes_to_one_of_many(study):
    for _ in range(study.participants_planned):
        give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))
    loser = Slot.objects.get(number=4).holder
    Slot.objects.filter(number=4).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    people = at_once(lambda number: give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16)), 10)
    assert [person.slot_number for person in people if person.slot_number] == [4]
    loser.refresh_from_db()
    assert loser.state == ParticipantState.TIMED_OUT


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_many_times_at_once_makes_one_participant(study):
    people = at_once(lambda number: give_consent(study, Entry(source="open"), nonce="n" * 22), 10)
    assert len({person.pk for person in people}) == 1
    assert Slot.objects.filter(state=SlotState.CLAIMED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_prolific_identifier_in_many_tabs_makes_one_participant(study):
    entry = Entry(source="prolific", subject="p1")
    people = at_once(lambda number: give_consent(study, entry, nonce=secrets.token_urlsafe(16)), 10)
    assert len({person.pk for person in people}) == 1
    assert Slot.objects.filter(state=SlotState.CLAIMED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_trial_answered_many_times_at_once_keeps_one_answer(study):
    person = give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))
    leave_instructions(person, task="name")
    trial = serve_trial(person.trials.get(position=1))
    commitments = at_once(
        lambda number: commit_answer(person, trial, Submission(AnswerKind.NAMED, text=f"answer {number}")), 10
    )
    outcomes = [commitment.outcome for commitment in commitments]
    assert outcomes.count(Outcome.COMMITTED) == 1
    assert outcomes.count(Outcome.REPEATED) == 9
    assert Answer.objects.get().text == commitments[outcomes.index(Outcome.COMMITTED)].answer.text


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_give_each_slot_back_once(study):
    for _ in range(4):
        give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))
    Slot.objects.exclude(holder=None).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    swept = at_once(lambda number: sweep_leases(now=timezone.now()), 6)
    assert sum(swept) == 4
    assert Event.objects.filter(kind=EventKind.LEASE_EXPIRED).count() == 4
    assert Participant.objects.filter(state=ParticipantState.TIMED_OUT).count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_late_returner_and_newcomers_at_once_never_share_a_slot(study):
    late = give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))
    for _ in range(study.participants_planned - 1):
        give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))
    Slot.objects.filter(holder=late).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    sweep_leases(now=timezone.now())

    def go(number):
        if number < 3:
            return resume_participant(late)
        return give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))

    at_once(go, 9)
    slot = Slot.objects.get(number=1)
    late.refresh_from_db()
    assert late.state == ParticipantState.CONSENTED
    assert slot.state == SlotState.CLAIMED
    inside = Participant.objects.filter(slot__isnull=False, state=ParticipantState.CONSENTED)
    assert inside.count() == study.participants_planned
    kept = late.events.get(kind=EventKind.CAME_BACK).detail["kept_slot"]
    assert kept == (slot.holder_id == late.pk)
    assert Participant.objects.filter(state=ParticipantState.OVER_QUOTA).count() == (6 if kept else 5)


@pytest.mark.postgresql
@pytest.mark.slow
def test_all_of_this_holds_on_postgresql(postgresql_url):
    if connection.vendor == "postgresql":
        pytest.skip("this run is on PostgreSQL already")
    files = [
        f"tests/study/{name}.py"
        for name in ("test_concurrency", "test_consent", "test_exports", "test_slots", "test_completion")
    ]
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-n0",
            "-m",
            "not postgresql",
            *files,
        ],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgresql_url},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    assert "passed" in result.stdout
