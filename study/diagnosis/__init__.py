"""Is this installation fit to run studies? One module per thing that can be wrong; `manage.py doctor` asks them all.

A new question is one function that returns findings, and its line in `QUESTIONS`.
"""

from collections.abc import Callable, Iterable, Iterator

from study.diagnosis import database, machine, server, work
from study.diagnosis.finding import Finding, Level

QUESTIONS: tuple[Callable[[], Iterable[Finding]], ...] = (
    database.reachable,
    database.migrations,
    database.durability,
    database.clock,
    machine.storage,
    machine.free_space,
    machine.static_files,
    machine.device,
    machine.weights,
    work.worker,
    work.sweep,
    server.secrets_set,
    server.https,
    server.proxies,
    server.mail,
    server.error_reports,
)


SLOW = (machine.device,)
"""Questions that take seconds."""


def diagnose(*, quick: bool = False) -> Iterator[Finding]:
    """Yield every finding; with `quick`, without the slow questions.

    What needs the database is left out when it does not answer, which is a finding itself.
    """
    away = False
    for question in QUESTIONS:
        if quick and question in SLOW:
            continue
        if away and question.__module__ in (database.__name__, work.__name__):
            continue
        for finding in question():
            away = away or (question is database.reachable and finding.level == Level.PROBLEM)
            yield finding


__all__ = ["QUESTIONS", "Finding", "Level", "diagnose"]
