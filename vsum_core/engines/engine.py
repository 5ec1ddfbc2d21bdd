"""What an engine is, and the one loop that hands out tasks, whatever the engine.

A further engine is one file with a class like :class:`Engine`, and a line in :mod:`vsum_core.engines.registry`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vsum_core.progress import Progress

if TYPE_CHECKING:
    from vsum_core.engines.bench import RunBench

ATTEMPTS = 5
"""How often a task may end its worker before it is given up: most are lost with a machine, but some eat all memory."""


class EngineError(RuntimeError):
    """An engine cannot be used, or a task cannot be done on it; the message says what to do."""


class Work(Protocol):
    """Something a worker can do; can be pickled. Doing it twice, here or there, leaves the same run directory."""

    def perform(self, bench: RunBench) -> None:
        """Do it, unless the run directory says that it is done."""


@dataclass(frozen=True, eq=False)
class Task:
    """Work and its place among the others.

    Attributes:
        name: unique.
        stage: what it counts for in the progress.
        units: how much of the stage it is.
        work: what is to be done.
        needs: names of tasks that have to be finished first.
        on_device: whether it runs a network, and so belongs to a worker with a device.
        topic: tasks of one topic share what a worker has to read for them; they go to the same worker if they can.
    """

    name: str
    stage: str
    units: int
    work: Work
    needs: frozenset[str] = frozenset()
    on_device: bool = True
    topic: str | None = None


@dataclass(frozen=True)
class Worker:
    """A process that takes tasks, one at a time.

    Attributes:
        name: unique as long as the engine is open, such as ``worker 0``.
        on_device: whether it has a device for networks; without one it takes the other tasks only.
    """

    name: str
    on_device: bool


@dataclass(frozen=True)
class Outcome:
    """How a worker ended a task.

    Attributes:
        worker: its name.
        seconds, processor_seconds: that the work took, by the clock and by the processors.
        error: what was raised, if anything.
        lost: the worker is gone, and the task with it.
    """

    worker: str
    seconds: float = 0.0
    processor_seconds: float = 0.0
    error: Exception | None = None
    lost: bool = False


class Engine(Protocol):
    """Workers on one machine or on many."""

    @property
    def threads(self) -> int:
        """Of PyTorch and of linear algebra, in every worker."""

    def open(self, workplace: bytes) -> None:
        """Start workers and let each read the pickled :class:`vsum_core.engines.bench.Workplace`.

        Raises:
            EngineError: there can be no worker, or one does not see the same files or runs other code.
        """

    def idle(self) -> Sequence[Worker]:
        """Workers that are ready and have no task."""

    def begin(self, worker: Worker, work: Work) -> None:
        """Hand work to an idle worker; returns at once."""

    def wait(self) -> Sequence[Outcome]:
        """Wait until a task ends or another worker is ready, and return the tasks that ended, maybe none.

        Raises:
            EngineError: there is no worker any more, and none to come.
        """

    def close(self) -> None:
        """End all workers, at once; called after errors as well."""


@dataclass
class Spent:
    """Where the time of tasks went.

    Attributes:
        seconds, processor_seconds: by stage, over all workers.
        tasks, units: how many were done, and how much they were, by stage.
        lost: how many had to be done again because their worker was gone.
    """

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    processor_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    tasks: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    lost: int = 0


def perform_all(
    engine: Engine,
    tasks: Iterable[Task],
    *,
    progress: Progress,
    spent: Spent | None = None,
    finished: Callable[[Task, Outcome], None] | None = None,
) -> None:
    """Do all tasks, each after those it needs, on the workers of an open engine.

    Tasks are begun in their order, except that a worker is preferably given one of the topic that it had before.

    Args:
        engine: open.
        tasks: those needed by others come before them; names are unique.
        progress: receiver of progress, by stage.
        spent: the time of the tasks is added to it.
        finished: called after every task.

    Raises:
        EngineError: a task needs an unknown one, or ended its worker ``ATTEMPTS`` times.
        Exception: what a task raised; no further task is begun.
    """
    scheduler = _Scheduler(tasks, progress)
    running: dict[str, Task] = {}
    while scheduler.unfinished:
        for worker in engine.idle():
            task = scheduler.next_for(worker)
            if task is not None:
                running[worker.name] = task
                engine.begin(worker, task.work)
        for outcome in engine.wait():
            task = running.pop(outcome.worker)
            if outcome.error is not None:
                raise outcome.error
            if outcome.lost:
                scheduler.take_back(task)
            else:
                scheduler.finish(task)
                if finished is not None:
                    finished(task, outcome)
            if spent is not None:
                _add(spent, task, outcome)


def _add(spent: Spent, task: Task, outcome: Outcome) -> None:
    if outcome.lost:
        spent.lost += 1
        return
    spent.tasks[task.stage] += 1
    spent.units[task.stage] += task.units
    spent.seconds[task.stage] += outcome.seconds
    spent.processor_seconds[task.stage] += outcome.processor_seconds


class _Scheduler:
    """Which task is next. Linear in tasks and their needs, apart from the search for one that suits a worker."""

    def __init__(self, tasks: Iterable[Task], progress: Progress) -> None:
        ordered = {task.name: task for task in tasks}
        self.unfinished = len(ordered)
        self._progress = progress
        self._order = {name: place for place, name in enumerate(ordered)}
        self._needs = {name: len(task.needs) for name, task in ordered.items()}
        self._followers: dict[str, list[Task]] = {name: [] for name in ordered}
        for task in ordered.values():
            for need in task.needs:
                if need not in ordered:
                    raise EngineError(f"Task {task.name!r} needs {need!r}, which is not among the tasks.")
                self._followers[need].append(task)
        self._ready = [task for task in ordered.values() if not task.needs]
        self._left = Counter(task.stage for task in ordered.values())
        self._total = Counter[str]()
        for task in ordered.values():
            self._total[task.stage] += task.units
        self._begun: set[str] = set()
        self._topics: dict[str, str | None] = {}
        self._lost = Counter[str]()

    def next_for(self, worker: Worker) -> Task | None:
        suitable = [task for task in self._ready if worker.on_device or not task.on_device]
        if not suitable:
            return None
        topic = self._topics.get(worker.name)
        task = next((task for task in suitable if topic is not None and task.topic == topic), suitable[0])
        self._ready.remove(task)
        if task.topic is not None:
            self._topics[worker.name] = task.topic
        if task.stage not in self._begun:
            self._begun.add(task.stage)
            self._progress.start(task.stage, self._total[task.stage])
        return task

    def take_back(self, task: Task) -> None:
        self._lost[task.name] += 1
        if self._lost[task.name] >= ATTEMPTS:
            raise EngineError(
                f"{task.name} ended its worker {ATTEMPTS} times. Is there enough memory? "
                "Finished work is kept; use fewer workers and run the same command again."
            )
        self._ready.insert(0, task)

    def finish(self, task: Task) -> None:
        self.unfinished -= 1
        self._left[task.stage] -= 1
        self._progress.advance(task.stage, task.units)
        if not self._left[task.stage]:
            self._progress.finish(task.stage)
        released = False
        for follower in self._followers[task.name]:
            self._needs[follower.name] -= 1
            if not self._needs[follower.name]:
                self._ready.append(follower)
                released = True
        if released:
            self._ready.sort(key=lambda waiting: self._order[waiting.name])
