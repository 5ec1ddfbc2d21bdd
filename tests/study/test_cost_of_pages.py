"""What pages cost the database: five statements for an answer, and no write for reading."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


def statements(queries):
    return [query["sql"] for query in queries.captured_queries if not query["sql"].startswith(TRANSACTION_CONTROL)]


def is_write(sql):
    return sql.split(" ", 1)[0] in {"INSERT", "UPDATE", "DELETE"}


def test_an_answer_costs_five_statements(study, visitor):
    visitor.enter(study)
    visitor.practise()
    form = visitor.form("/answer/")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = visitor.client.post(form.action, {"text": "beak", "confidence": "4"})
    assert response.status_code == 303
    assert len(statements(queries)) == 5, statements(queries)
    assert [is_write(sql) for sql in statements(queries)].count(True) == 2  # the answer and the lease


def test_an_answer_with_the_next_trial_costs_six_statements(study, visitor):
    visitor.enter(study)
    visitor.practise()
    form = visitor.form("/answer/")
    fields = {"text": "beak", "confidence": "4"}
    with CaptureQueriesContext(connection) as queries:
        response = visitor.client.post(form.action, fields, headers={"Prefer": "return=representation"})
    assert response.status_code == 200
    assert len(statements(queries)) == 6, statements(queries)
    assert [is_write(sql) for sql in statements(queries)].count(True) == 3  # answer, lease, the sending of the next
    begun = [query["sql"] for query in queries.captured_queries if query["sql"].startswith(("BEGIN", "SAVEPOINT"))]
    assert len(begun) == 1, begun  # one transaction, inside that of the test


def test_reading_never_takes_the_write_lock(study, visitor):
    """Only the sending of a trial is counted, and it alone writes; a transaction would take SQLite's lock at once."""
    read = ["/", study.get_absolute_url(), "/healthz", "/readyz"]
    visitor.enter(study)
    address = visitor.participant.get_absolute_url()
    pages = {"instructions": address, "withdraw": f"{address}withdraw/"}
    with CaptureQueriesContext(connection) as queries:
        for path in [*read, *pages.values()]:
            assert visitor.client.get(path).status_code == 200
    assert [sql["sql"] for sql in queries.captured_queries if is_write(sql["sql"])] == []
    assert not [sql for sql in queries.captured_queries if sql["sql"].startswith(TRANSACTION_CONTROL)]
    visitor.go_on()
    visitor.answer()
    with CaptureQueriesContext(connection) as queries:
        visitor.client.get(address)  # the feedback of the practice trial
    assert [sql["sql"] for sql in queries.captured_queries if is_write(sql["sql"])] == []


def test_a_trials_page_costs_few_statements(study, visitor):
    visitor.enter(study)
    visitor.practise()
    with CaptureQueriesContext(connection) as queries:
        visitor.client.get(visitor.participant.get_absolute_url())
    assert len(statements(queries)) == 6, statements(queries)  # one of them finds the visitor's address
