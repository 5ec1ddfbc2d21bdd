from collections import deque
from dataclasses import dataclass

import pytest

from vsum_core.engines.engine import ATTEMPTS, EngineError, Outcome, Spent, Task, Worker, perform_all
from vsum_core.progress import Silent


@dataclass
class Note:
    """Work that writes its name into a list; the list is the bench."""

    name: str
    loses: int = 0  # how often its worker goes with it
    raises: Exception | None = None

    def perform(self, bench):
        bench.append(self.name)


class OneByOne:
    """The least an engine can be: workers that work when waited for, in the order in which they were called."""

    def __init__(self, *workers):
        self.workers = list(workers)
        self.begun = deque()
        self.bench = []
        self.by = []

    def idle(self):
        busy = {worker.name for worker, _ in self.begun}
        return [worker for worker in self.workers if worker.name not in busy]

    def begin(self, worker, work):
        self.begun.append((worker, work))

    def wait(self):
        worker, work = self.begun.popleft()
        if work.loses:
            work.loses -= 1
            return [Outcome(worker.name, lost=True)]
        work.perform(self.bench)
        self.by.append((worker.name, work.name))
        return [Outcome(worker.name, seconds=2.0, processor_seconds=1.0, error=work.raises)]


BOTH = Worker("both", on_device=True)
PLAIN = Worker("plain", on_device=False)


def task(name, *needs, work=None, **options):
    return Task(name, "stage", 1, work or Note(name), needs=frozenset(needs), **options)


def test_a_task_waits_for_those_it_needs_and_goes_before_those_listed_later():
    engine = OneByOne(BOTH)
    tasks = [task("a"), task("b", "a", "c"), task("c"), task("d")]
    perform_all(engine, tasks, progress=Silent())
    assert engine.bench == ["a", "c", "b", "d"]


def test_a_worker_without_a_device_runs_no_network():
    engine = OneByOne(PLAIN, BOTH)
    perform_all(engine, [task("n"), task("m"), task("p", on_device=False)], progress=Silent())
    assert sorted(engine.by) == [("both", "m"), ("both", "n"), ("plain", "p")]


def test_a_worker_stays_with_its_topic():
    engine = OneByOne(BOTH, Worker("other", on_device=True))
    tasks = [task(f"{topic}{number}", topic=topic) for number in range(2) for topic in "xy"]
    perform_all(engine, tasks, progress=Silent())
    assert {name[0] for worker, name in engine.by if worker == "both"} == {"x"}


def test_lost_tasks_are_done_again_but_not_for_ever():
    engine, spent = OneByOne(BOTH), Spent()
    perform_all(engine, [task("a", work=Note("a", loses=ATTEMPTS - 1))], progress=Silent(), spent=spent)
    assert engine.bench == ["a"]
    assert (spent.lost, dict(spent.seconds), dict(spent.tasks)) == (ATTEMPTS - 1, {"stage": 2.0}, {"stage": 1})
    with pytest.raises(EngineError, match="a ended its worker 5 times"):
        perform_all(engine, [task("a", work=Note("a", loses=ATTEMPTS))], progress=Silent())


def test_an_error_ends_all():
    engine = OneByOne(BOTH)
    tasks = [task("a", work=Note("a", raises=ValueError("wrong"))), task("b")]
    with pytest.raises(ValueError, match="wrong"):
        perform_all(engine, tasks, progress=Silent())
    assert engine.bench == ["a"]


def test_an_unknown_need_is_an_error():
    with pytest.raises(EngineError, match="needs 'z'"):
        perform_all(OneByOne(BOTH), [task("a", "z")], progress=Silent())
