"""One run on the database of the environment: prepare, let people answer while things die, compare."""

from __future__ import annotations

import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.starts import write_run
from benchmarks.torture.databases import OWN_NAME, cut_connections
from benchmarks.torture.killing import Killer, Victim
from benchmarks.torture.people import (
    COMPLETED_CODE,
    FULL_CODE,
    REQUEST_TIMEOUT_SECONDS,
    Habits,
    Ledger,
    Person,
    UnexpectedPageError,
)
from benchmarks.torture.processes import ROOT, BackgroundWorker, Server

if TYPE_CHECKING:
    from study.models import Study

TASK_EVERY_SECONDS = 0.5
ERROR_LINE = re.compile(r"[A-Za-z_][\w.]*(Error|Exception)\b")
MIGRATE_AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class Plan:
    """How much is to happen.

    Attributes:
        kills: processes to kill; people go on until as many are dead, and then to the end.
        seed: of everything that is drawn.
        people: how many answer at the same time.
        places: slots of each study.
        trials: trials of each participant.
        workers, threads: of gunicorn.
        mean_pause: seconds between kills, on average.
        migrate: begin with the last migration undone, and apply it while people answer.
    """

    kills: int
    seed: int = 0
    people: int = 8
    places: int = 40
    trials: int = 8
    workers: int = 3
    threads: int = 2
    mean_pause: float = 0.08
    migrate: bool = False


@dataclass
class Outcome:
    """What happened, in numbers; `problems` is empty when nothing was lost."""

    database: str
    kills: dict[str, int] = field(default_factory=dict)
    studies: int = 0
    participants: int = 0
    completed: int = 0
    withdrawn: int = 0
    answers: int = 0
    overwriting_refused: int = 0
    sent_again: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    largest_imbalance: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def add(self, ledger: Ledger) -> None:
        """Count what one study's ledger holds."""
        self.studies += 1
        self.participants += len(ledger.entered)
        self.completed += len(ledger.completed)
        self.withdrawn += len(ledger.withdrawn)
        self.answers += len(ledger.saved)
        self.overwriting_refused += ledger.overwriting
        self.sent_again += ledger.sent_again
        for status, number in ledger.refused.items():
            self.refused[str(status)] = self.refused.get(str(status), 0) + number


def set_up() -> None:
    """Set Django up on the database of the environment and migrate it."""
    import django

    logging.disable(logging.WARNING)
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor == "postgresql":
        connection.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"application_name": OWN_NAME}
    call_command("migrate", verbosity=0)


def new_study(number: int, plan: Plan, run_directory: Path) -> Study:
    """Launch one more study."""
    from study.presets import load_preset
    from study.services.runs import import_run
    from study.services.studies import create_study, launch_study

    study = create_study(
        load_preset("paper-2018"),
        slug=f"torture-{number}",
        seed=plan.seed + number,
        blocks=[{"task": "name", "trials": plan.trials}],
        participants_planned=plan.places,
        completion_codes={"completed": COMPLETED_CODE, "over_quota": FULL_CODE},
    )
    import_run(study, run_directory)
    return launch_study(study)


def let_people_answer(study: Study, address: str, *, plan: Plan, seed: int, habits: Habits) -> Ledger:
    """Let people come until every place of the study is completed; return what they know."""
    ledger, over, numbers = Ledger(), threading.Event(), iter(range(10**9))
    path = study.get_absolute_url()

    def one_after_the_other(_thread: int) -> None:
        with httpx.Client(base_url=address, timeout=REQUEST_TIMEOUT_SECONDS) as client:
            while not over.is_set():
                with ledger.lock:
                    number = next(numbers)
                person = Person(
                    client,
                    ledger,
                    entry_path=path,
                    subject=f"{study.slug}-person-{number}",
                    generator=random.Random(f"{seed} {study.slug} {number}"),
                    over=over,
                    habits=habits,
                )
                try:
                    person.go()
                except UnexpectedPageError as error:
                    with ledger.lock:
                        ledger.complaints.append(str(error))
                    over.set()
                if len(ledger.completed) >= plan.places:
                    over.set()

    with ThreadPoolExecutor(plan.people) as pool:
        list(pool.map(one_after_the_other, range(plan.people)))
    return ledger


@contextmanager
def counting(study: Study) -> Iterator[None]:
    """Ask the background worker twice a second to sweep and count."""
    from django.db import DatabaseError, connection

    from benchmarks.torture.tasks import sweep_and_count

    over = threading.Event()

    def ask() -> None:
        while not over.wait(TASK_EVERY_SECONDS):
            try:
                sweep_and_count.enqueue(study.slug)
            except DatabaseError:
                connection.close()
        connection.close()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def undo_last_migration() -> None:
    """Undo the last migration of `study`, so that `migrate` has something to do while people answer."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    graph = MigrationLoader(connection).graph
    (last,) = graph.leaf_nodes("study")
    before = [parent.key for parent in graph.node_map[last].parents if parent.key[0] == "study"]
    call_command("migrate", "study", before[0][1], verbosity=0)


def migrate_later(pause: float, log: Path) -> threading.Thread:
    """Run `manage.py migrate` in a process of its own after so many seconds."""

    def work() -> None:
        time.sleep(pause)
        with log.open("ab") as stream:
            command = [sys.executable, "manage.py", "migrate"]
            subprocess.run(command, cwd=ROOT, stdout=stream, stderr=stream, check=True)  # noqa: S603

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def torture(plan: Plan) -> dict[str, Any]:
    """Run it on the database of the environment; return the outcome as plain values."""
    set_up()
    from django.db import connection

    from benchmarks.torture.inspection import imbalance, lost_and_doubled, problems

    outcome = Outcome(database=connection.vendor)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        run_directory = directory / "run"
        run_directory.mkdir()
        write_run(run_directory)
        study = new_study(1, plan, run_directory)
        if plan.migrate:
            undo_last_migration()
        server = Server(workers=plan.workers, threads=plan.threads, log=directory / "server.log")
        background = BackgroundWorker(log=directory / "background.log")
        killer = Killer(
            server,
            background,
            kills=plan.kills,
            mean_pause=plan.mean_pause,
            seed=plan.seed,
            cut_connections=None if connection.vendor == "sqlite" else lambda: cut_connections(_url()),
        )
        try:
            killer.start()
            migrating = migrate_later(MIGRATE_AFTER_SECONDS, directory / "migrate.log") if plan.migrate else None
            while True:
                with counting(study):
                    ledger = let_people_answer(study, server.address, plan=plan, seed=plan.seed, habits=Habits())
                if migrating is not None:
                    migrating.join()
                outcome.add(ledger)
                lost, doubled = lost_and_doubled(study, ledger)
                outcome.lost, outcome.doubled = outcome.lost + lost, outcome.doubled + doubled
                outcome.largest_imbalance = max(outcome.largest_imbalance, imbalance(study))
                outcome.problems += [f"{study.slug}: {problem}" for problem in problems(study, ledger)]
                print(
                    f"{connection.vendor}: {killer.total} kills, {outcome.answers} answers, {outcome.lost} lost, "
                    f"{outcome.doubled} doubled",
                    file=sys.stderr,
                )
                if not killer.is_alive() or outcome.problems:
                    break
                study = new_study(outcome.studies + 1, plan, run_directory)
            killer.kills = 0
            killer.join()
            if killer.error is not None:
                raise killer.error
        finally:
            background.stop()
            server.stop()
        errors = logged_errors(server.log)
    outcome.kills = {victim.value: killer.count[victim] for victim in Victim}
    outcome.seconds = round(time.monotonic() - began, 1)
    if outcome.lost or outcome.doubled:
        outcome.problems.append("Answers were lost or doubled.")
    if outcome.refused and not killer.count[Victim.CONNECTIONS] and not plan.migrate:
        outcome.problems.append(f"The server refused requests although its database was there: {outcome.refused}.")
        outcome.problems += [f"{number} times in the server's log: {line}" for line, number in errors]
    return asdict(outcome)


def logged_errors(log: Path, *, most: int = 5) -> list[tuple[str, int]]:
    """Return the most frequent last lines of tracebacks in a log, and how often each is there."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return Counter(line for line in lines if ERROR_LINE.match(line)).most_common(most)


def _url() -> str:
    return os.environ["DATABASE_URL"]
