"""Where the web's time goes: whole sessions through Django's handlers in one process, looked at every millisecond.

``python -m benchmarks.web_profile --participants 60`` prepares the study of ``benchmarks.web`` on SQLite and on
PostgreSQL and lets people take part one after the other, from the link to the debrief. It prints what each request of a
session costs, by the clock and in processor time, and of an answer with its next trial which share is spent on what.

A timer interrupts the process once a millisecond and the stack of that moment is counted for the first function of
``PARTS`` that is on it; the rest is Django's way from a request to a view and back. "Database" is what of a part the
connection and its driver take, the disk included. There is no server around it and nobody else at the same time: what
gunicorn, other threads and the lock of SQLite add is the difference to ``benchmarks.web``.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import urlencode

from benchmarks.web import DATABASES, ENTRIES, environment_of, python
from benchmarks.web_load import ACTION, PREFER

INTERVAL_SECONDS = 0.001
ANSWER = "an answer and the next trial"
REST = "from the request to the view and back: middleware, addresses, headers"
PARTS: Mapping[tuple[str, str], str] = {
    ("django/db/transaction.py", "Atomic.__exit__"): "the end of the transaction, on the disk",
    ("study/services/answers.py", "commit_answer"): "the transaction: lock, open trials, answer, lease, sending",
    ("django/shortcuts.py", "render"): "the template of the next trial",
    ("study/views/trials.py", "show_trial"): "what the next page shows: pictures, addresses, texts",
    ("study/prepared.py", "PreparedQuery.first"): "reading the trial and its participant",
    ("study/tasks/base.py", "Task.form"): "checking the form",
    ("django/forms/forms.py", "BaseForm.is_valid"): "checking the form",
}
"""File and function → part of an answer; of several that are on a stack the first counts, so the order matters."""
HANDLER = ("django/core/handlers/base.py", "BaseHandler.get_response")
"""What is outside of it is the program that stands for the browser, and not counted."""
DATABASE_FILES = re.compile(r"/django/db/backends/|/psycopg/|/psycopg_pool/")
MOST_PAGES = 10


@dataclass
class Costs:
    """What one kind of request cost: seconds by the clock and of the processor, one entry per request."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


class StackSampler:
    """Counts, for the requests it is told about, in which part the process is when the timer goes off.

    Only the main thread is looked at; on systems without ``setitimer`` there is no sampler.
    """

    def __init__(self, parts: Mapping[tuple[str, str], str]) -> None:
        self.samples: Counter[tuple[str, bool]] = Counter()
        self.watching = False
        self._parts = parts
        self._order = {part: place for place, part in enumerate(parts.values())}
        self._names: dict[CodeType, tuple[str | None, bool]] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the timer going."""
        before = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL_SECONDS, INTERVAL_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if self.watching:
            found = self.part_of(frame)
            if found is not None:
                self.samples[found] += 1

    def part_of(self, frame: FrameType | None) -> tuple[str, bool] | None:
        """Return the part a stack belongs to and whether its innermost function is the database's; None outside."""
        in_database = frame is not None and bool(DATABASE_FILES.search(frame.f_code.co_filename))
        found: list[str] = []
        while frame is not None:
            part, is_handler = self._of_code(frame.f_code)
            if is_handler:
                return min(found, key=self._order.__getitem__, default=REST), in_database
            if part is not None:
                found.append(part)
            frame = frame.f_back
        return None

    def _of_code(self, code: CodeType) -> tuple[str | None, bool]:
        if code not in self._names:
            parts = [part for place, part in self._parts.items() if _is_at(code, place)]
            self._names[code] = (parts[0] if parts else None, _is_at(code, HANDLER))
        return self._names[code]

    def shares(self) -> list[tuple[str, float, float]]:
        """Return each part with its share of all samples, and the share that the database has in all; largest first."""
        total = sum(self.samples.values())
        parts = {part for part, _ in self.samples}
        rows = [
            (part, (self.samples[part, True] + self.samples[part, False]) / total, self.samples[part, True] / total)
            for part in parts
        ]
        return sorted(rows, key=lambda row: -row[1])


def _is_at(code: CodeType, place: tuple[str, str]) -> bool:
    file, name = place
    return code.co_qualname == name and code.co_filename.endswith(file)


class Visitor:
    """One participant after the other, in this process; every request is timed under its kind."""

    def __init__(self, sampler: StackSampler) -> None:
        from django.test.client import ClientHandler

        self.sampler = sampler
        self.costs: dict[str, Costs] = {}
        self.handler = ClientHandler(enforce_csrf_checks=True)
        self.handler.load_middleware()  # once, as a server does

    def take_part(self, entry: str, rounds: int) -> None:
        """Go from the link to the page after the last answer.

        Raises:
            RuntimeError: a page was not as expected.
        """
        from django.test import Client

        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.handler = self.handler
        page = self._page("the link", self.client.get, entry)
        for posted in range(MOST_PAGES):
            action = ACTION.search(page)
            if action is None:
                raise RuntimeError(f"Expected a form after {posted} of them, but the page is {page[:200]!r}.")
            if "/answer/" in action[1]:
                break
            kind = "consent" if posted == 0 else "going on to the trials"
            page = self._post(kind, action[1], {"go": "on"})
        for number in range(rounds):
            action = ACTION.search(page)
            if action is None or "/answer/" not in action[1]:
                raise RuntimeError(f"Expected trial {number + 1} of {rounds}, but the page is {page[:200]!r}.")
            kind = ANSWER if number < rounds - 1 else "the last answer and the end"
            page = self._post(kind, action[1], {"text": f"beak {number}", "confidence": "4"})

    def _post(self, kind: str, action: str, fields: dict[str, str]) -> str:
        """Send a form as browsers encode it."""
        kind_of_content = "application/x-www-form-urlencoded"
        return self._page(kind, self.client.post, action, urlencode(fields), kind_of_content, headers=PREFER)

    def _page(self, kind: str, send: Any, *values: Any, **named: Any) -> str:
        """Send a request, follow where it leads, and return the page."""
        costs = self.costs.setdefault(kind, Costs())
        self.sampler.watching = kind == ANSWER
        clock, processor = time.perf_counter(), time.process_time()
        response = send(*values, **named)
        while response.status_code in {302, 303}:
            response = self.client.get(response["location"])
        costs.clock.append(time.perf_counter() - clock)
        costs.processor.append(time.process_time() - processor)
        self.sampler.watching = False
        if response.status_code != 200:
            raise RuntimeError(f"{values[0]} was answered with {response.status_code}.")
        return str(response.content.decode())


def profile(*, participants: int, rounds: int) -> dict[str, Any]:
    """Let everybody take part in the study of this process's database, after one who is not counted."""
    Visitor(StackSampler(PARTS)).take_part(ENTRIES["study"], rounds)
    sampler = StackSampler(PARTS)
    visitor = Visitor(sampler)
    with sampler.running():
        for _ in range(participants):
            visitor.take_part(ENTRIES["study"], rounds)
    seconds = sum(sum(costs.clock) for costs in visitor.costs.values())
    requests = [
        {
            "kind": kind,
            "of_each_person": len(costs.clock) / participants,
            "clock_ms": 1000 * sum(costs.clock) / len(costs.clock),
            "processor_ms": 1000 * sum(costs.processor) / len(costs.processor),
            "share": sum(costs.clock) / seconds,
        }
        for kind, costs in visitor.costs.items()
    ]
    return {"requests": requests, "parts": sampler.shares(), "samples": sum(sampler.samples.values())}


def print_profile(database: str, found: Mapping[str, Any]) -> None:
    """Print both tables of a database."""
    print(f"\n{database}: a session\n{'':<44}{'of each':>8}{'ms':>8}{'CPU ms':>8}{'share':>8}")
    for row in found["requests"]:
        print(
            f"{row['kind']:<44}{row['of_each_person']:>8.0f}{row['clock_ms']:>8.2f}{row['processor_ms']:>8.2f}"
            f"{row['share']:>8.1%}"
        )
    print(f"\n{database}: {ANSWER}, {found['samples']} samples\n{'':<72}{'share':>8}{'database':>10}")
    for part, share, in_database in found["parts"]:
        print(f"{part:<72}{share:>8.1%}{in_database:>10.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web_profile", description=__doc__)
    parser.add_argument("--participants", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=20, help="answers of each")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument("--inside", action="store_true", help="measure on this process's database, as JSON")
    options = parser.parse_args()
    if options.inside:
        import django

        django.setup()
        print(json.dumps(profile(participants=options.participants, rounds=options.rounds)))
        return
    record = {}
    for database in options.databases:
        with environment_of("study", database) as environment:
            rounds = ("--rounds", str(options.rounds))
            places = ("--participants", str(options.participants + 1))
            python("web_databases", "prepare", "study", *places, *rounds, environment=environment)
            sizes = ("--participants", str(options.participants), *rounds)
            record[database] = json.loads(python("web_profile", "--inside", *sizes, environment=environment))
        print_profile(database, record[database])
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
