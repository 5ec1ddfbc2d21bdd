"""Statements that are compiled once give what their querysets give."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import BigAutoField, CharField, Count, DateTimeField, F
from django.db.models.functions import Coalesce
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from study.models import Answer, AnswerKind, Event, EventKind, Participant, Slot, SlotState, Trial
from study.prepared import Parameter, PreparedInsert, PreparedQuery, PreparedUpdate
from study.recruitment import Entry
from study.services.consent import give_consent

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(study):
    return [give_consent(study, Entry(source="open"), nonce=f"nonce-number-{number}") for number in range(3)]


def test_it_returns_the_rows_of_each_value_with_what_they_point_to(people):
    query = PreparedQuery(
        lambda: Participant.objects.select_related("study").filter(token=Parameter("token", CharField()))
    )
    for person in [*people, people[0]]:
        with CaptureQueriesContext(connection) as queries:
            found = query.get(token=person.token)
            assert (found, found.study.slug) == (person, "birds")
        assert len(queries) == 1
        fields = [field.attname for field in Participant._meta.concrete_fields]
        stored = Participant.objects.get(pk=person.pk)
        assert [getattr(found, name) for name in fields] == [getattr(stored, name) for name in fields]


def test_nothing_fits(people):
    query = PreparedQuery(lambda: Participant.objects.filter(token=Parameter("token", CharField())))
    assert query.all(token="nobody") == []
    assert query.first(token="nobody") is None
    with pytest.raises(Participant.DoesNotExist, match="No participant fits"):
        query.get(token="nobody")
    assert issubclass(Participant.DoesNotExist, ObjectDoesNotExist)


def test_a_missing_value_is_an_error(people):
    query = PreparedQuery(lambda: Participant.objects.filter(token=Parameter("token", CharField())))
    with pytest.raises(KeyError, match="token"):
        query.all(tokn=people[0].token)


def test_it_compiles_once(people):
    made = []

    def make():
        made.append(1)
        return Participant.objects.filter(pk=Parameter("key", BigAutoField()))

    query = PreparedQuery(make)
    assert [query.get(key=person.pk) for person in people] == people
    assert len(made) == 1


def test_order_limit_and_tuples(people):
    somebody = Parameter("participant", BigAutoField())
    trials = PreparedQuery(
        lambda: Trial.objects.filter(participant_id=somebody).order_by("position").values_list("position", "phase")[:2]
    )
    assert trials.all(participant=people[1].pk) == [(1, "practice"), (2, "practice")]
    counts = PreparedQuery(
        lambda: (
            Trial.objects.filter(participant_id=somebody)
            .values("participant")
            .annotate(total=Count("pk"))
            .order_by()
            .values_list("total", "participant")
        )
    )
    assert counts.first(participant=people[2].pk) == (people[2].trials_planned, people[2].pk)


def test_objects_that_are_pointed_to_are_none_where_there_are_none(people):
    query = PreparedQuery(
        lambda: (
            Trial.objects.select_related("stimulus__condition", "answer")
            .defer("stimulus__members")
            .filter(participant_id=Parameter("participant", BigAutoField()))
            .order_by("position")
        )
    )
    practice, *_, main = query.all(participant=people[0].pk)
    assert (practice.stimulus, hasattr(practice, "answer")) == (None, False)
    stored = Trial.objects.get(pk=main.pk)
    assert (main.stimulus, main.stimulus.condition) == (stored.stimulus, stored.stimulus.condition)
    assert main.stimulus.pictures == stored.stimulus.pictures
    assert main.stimulus.get_deferred_fields() == {"members"}


def test_annotations_are_attributes(people):
    query = PreparedQuery(
        lambda: Participant.objects.filter(pk=Parameter("key", BigAutoField())).annotate(number=Count("trials"))
    )
    assert query.get(key=people[0].pk).number == people[0].trials.count()


def test_what_is_neither_objects_nor_tuples_is_refused():
    query = PreparedQuery(lambda: Participant.objects.filter(pk=Parameter("key", BigAutoField())).values("pk"))
    with pytest.raises(TypeError, match="values_list"):
        query.all(key=1)


def test_an_insertion_stores_what_create_would(people):
    at, detail = timezone.now(), {"position": 3, "words": ["é", None]}
    values = {"participant": people[0], "kind": EventKind.STALE_ANSWER, "at": at, "detail": detail}
    insert = PreparedInsert(Event)
    made, other = insert.create(**values), Event.objects.create(**values)
    fields = [field.attname for field in Event._meta.concrete_fields if not field.primary_key]
    stored, usual = Event.objects.get(pk=made.pk), Event.objects.get(pk=other.pk)
    assert [getattr(stored, name) for name in fields] == [getattr(usual, name) for name in fields]
    made.delete()  # it knows that it is stored
    assert not Event.objects.filter(pk=stored.pk).exists()


def test_many_are_stored_in_their_order(people):
    at = timezone.now()
    events = [Event(participant=people[0], kind=EventKind.STALE_ANSWER, at=at, detail={"n": n}) for n in range(5)]
    with CaptureQueriesContext(connection) as queries:
        PreparedInsert(Event).store_all(events)
    assert len(queries) == 1
    stored = Event.objects.filter(kind=EventKind.STALE_ANSWER).order_by("pk")
    assert [event.detail["n"] for event in stored] == [0, 1, 2, 3, 4]
    PreparedInsert(Event).store_all([])


def test_an_insertion_fills_in_defaults_and_heeds_constraints(people):
    insert = PreparedInsert(Answer)
    trial = people[0].trials.first()
    now = timezone.now()
    answer = insert.create(trial=trial, kind=AnswerKind.NAMED, text="wing", server_time_ms=5.0, answered_at=now)
    stored = Answer.objects.get(pk=answer.pk)
    assert (stored.text, stored.input_details, stored.correct) == ("wing", {}, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert.create(trial=trial, kind=AnswerKind.NAMED, text="again", server_time_ms=5.0, answered_at=now)


def test_an_update_changes_the_rows_it_should_and_counts_them(people):
    now = timezone.now()
    renew = PreparedUpdate(
        lambda: Slot.objects.filter(holder_id=Parameter("holder", BigAutoField()), state=SlotState.CLAIMED),
        lease_expires_at=Parameter("until", DateTimeField()),
    )
    assert renew.run(holder=people[1].pk, until=now) == 1
    assert renew.run(holder=0, until=now) == 0
    assert [Slot.objects.get(holder=person).lease_expires_at == now for person in people] == [False, True, False]


def test_an_update_may_build_on_what_is_there(people):
    first, second = timezone.now(), timezone.now() + timedelta(seconds=5)
    serve = PreparedUpdate(
        lambda: Trial.objects.filter(pk=Parameter("trial", BigAutoField()), answer=None),
        served_at=Coalesce(F("served_at"), Parameter("now", DateTimeField())),
        serves=F("serves") + 1,
    )
    trial = people[0].trials.first()
    assert [serve.run(trial=trial.pk, now=now) for now in (first, second)] == [1, 1]
    trial.refresh_from_db()
    assert (trial.served_at, trial.serves) == (first, 2)


def test_threads_that_are_first_at_the_same_time_compile_the_same():
    """A worker's threads meet the first requests together. Compiling changes a query, so none may see another's."""
    threads, rounds = 8, 10

    def make():
        return Trial.objects.select_related("participant__study").filter(
            participant__token=Parameter("token", CharField()), nonce=Parameter("nonce", CharField())
        )

    def first_use(query, barrier):
        barrier.wait()
        try:
            return query.statement().sql
        finally:
            connection.close()

    pace = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(rounds):
                query, barrier = PreparedQuery(make), threading.Barrier(threads)
                written = [pool.submit(first_use, query, barrier) for _ in range(threads)]
                assert {one.result() for one in written} == {PreparedQuery(make).statement().sql}
    finally:
        sys.setswitchinterval(pace)
