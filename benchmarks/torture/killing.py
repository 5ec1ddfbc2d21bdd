"""The killer: at seeded random moments something dies."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from benchmarks.torture.processes import BackgroundWorker, Server


class Victim(StrEnum):
    """What is killed."""

    WEB_WORKER = "web worker"
    BACKGROUND_WORKER = "background worker"
    WHOLE_SERVER = "whole server"
    CONNECTIONS = "database connections"


EVERY = {Victim.WHOLE_SERVER: 60, Victim.BACKGROUND_WORKER: 40, Victim.CONNECTIONS: 25}
"""Each so-manieth strike is of this kind, the first one half-way; all others hit a web worker."""


class Killer(threading.Thread):
    """Kills until there were `kills`, with a pause of `mean_pause` seconds on average (exponential) in between.

    Args:
        cut_connections: ends all connections of the server to its database; None where it has none to cut.
    """

    def __init__(
        self,
        server: Server,
        background: BackgroundWorker,
        *,
        kills: int,
        mean_pause: float,
        seed: int,
        cut_connections: Callable[[], int] | None,
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self.server, self.background, self.cut_connections = server, background, cut_connections
        self.kills, self.mean_pause = kills, mean_pause
        self.generator = random.Random(seed)
        self.strikes = 0
        self.count: Counter[Victim] = Counter()
        self.error: Exception | None = None

    def run(self) -> None:
        """Kill; an error of the killer's own is kept for whoever waits."""
        try:
            while self.total < self.kills:
                time.sleep(self.generator.expovariate(1 / self.mean_pause))
                self.strike(self.choose())
        except Exception as error:
            self.error = error

    @property
    def total(self) -> int:
        """Kills so far; cut connections are counted apart."""
        return sum(number for victim, number in self.count.items() if victim != Victim.CONNECTIONS)

    def choose(self) -> Victim:
        """Return what is hit next."""
        self.strikes += 1
        return next(
            (victim for victim, every in EVERY.items() if self.strikes % every == every // 2), Victim.WEB_WORKER
        )

    def strike(self, victim: Victim) -> None:
        """Kill it."""
        if victim == Victim.WEB_WORKER:
            self.count[victim] += self.server.kill_worker(self.generator)
        elif victim == Victim.BACKGROUND_WORKER:
            self.background.kill()
            self.count[victim] += 1
        elif victim == Victim.WHOLE_SERVER:
            self.count[victim] += self.server.kill_all()
        elif self.cut_connections is not None:
            self.count[victim] += self.cut_connections()
