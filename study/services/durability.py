"""How long a change of state waits for the disk. Answers always do; what may be lost without harm does not."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def without_waiting_for_disk() -> Iterator[None]:
    """Run a transaction whose commit does not wait for the disk; only for what a power cut may undo without harm.

    The sending of a page and the renewal of a lease are such: after a power cut the page is sent again, and counted
    then. Everybody sees the change at once, and the database stays consistent; the next commit that waits, as every
    answer's does, brings it to the disk as well. On SQLite this matters most: whoever waits for the disk holds the
    only write lock. Inside another transaction this is a part of that one.

    See https://sqlite.org/pragma.html#pragma_synchronous and PostgreSQL's `synchronous_commit`.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")  # takes effect between transactions only
            try:
                with transaction.atomic():
                    yield
            finally:
                cursor.execute("PRAGMA synchronous=FULL")
    else:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit TO OFF")
            yield
