"""Who waits for the disk, and who waits for whom."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from study.models import Trial
from study.services.durability import without_waiting_for_disk

sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite's one write lock")
FULL, NORMAL = 2, 1


def synchronous():
    with connection.cursor() as cursor:
        return cursor.execute("PRAGMA synchronous").fetchone()[0]


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_the_disk_is_waited_for_again_afterwards():
    with without_waiting_for_disk():
        assert (synchronous(), connection.in_atomic_block) == (NORMAL, True)
    assert synchronous() == FULL
    with pytest.raises(RuntimeError, match="went wrong"), without_waiting_for_disk():
        raise RuntimeError("went wrong")
    assert synchronous() == FULL
    with transaction.atomic(), without_waiting_for_disk():
        assert synchronous() == FULL  # a part of a transaction that waits


@pytest.mark.django_db(transaction=True)
def test_an_answer_waits_for_the_disk_and_the_sending_of_a_page_does_not(study, visitor):
    visitor.enter(study)
    with CaptureQueriesContext(connection) as queries:
        visitor.go_on()  # a POST, and the page of the first trial
    word = {"sqlite": "PRAGMA synchronous=NORMAL", "postgresql": "SET LOCAL synchronous_commit"}[connection.vendor]
    assert [sql["sql"] for sql in queries if sql["sql"].startswith(word)]
    form = visitor.form("/answer/")
    with CaptureQueriesContext(connection) as queries:
        assert visitor.client.post(form.action, {"text": "beak", "confidence": "4"}).status_code == 303
    assert not [sql["sql"] for sql in queries if "synchronous" in sql["sql"]]
    if connection.vendor == "sqlite":
        assert synchronous() == FULL


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_pages_are_read_while_somebody_else_writes(study, visitor, client):
    """Another connection holds the write lock. Only the sending of a trial, which is counted, waits for it."""
    visitor.enter(study)
    own = visitor.participant.get_absolute_url()
    visitor.go_on()
    visitor.answer()  # the page is now the feedback of the first practice trial
    writer = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        for path in ("/", study.get_absolute_url(), own, f"{own}withdraw/", "/readyz"):
            assert client.get(path).status_code == 200, path
    finally:
        writer.execute("ROLLBACK")
    visitor.go_on()
    trial = Trial.objects.get(participant=visitor.participant, position=2)
    writer.execute("BEGIN IMMEDIATE")
    begun = threading.Event()

    def look():
        begun.set()
        try:
            return client.get(own).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(look)
        begun.wait(10)
        try:
            with pytest.raises(TimeoutError):
                page.result(timeout=0.3)
        finally:
            writer.execute("ROLLBACK")
            writer.close()
        assert page.result(timeout=10) == 200
    serves = trial.serves
    trial.refresh_from_db()
    assert trial.serves == serves + 1
