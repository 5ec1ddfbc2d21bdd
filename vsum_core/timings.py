"""How long work took on this machine: watched while a run goes on, and kept in a file for the runs to come."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from vsum_core.cost import Observation, WorkKind
from vsum_core.progress import Progress


def machine_name() -> str:
    """Host, processor and number of cores; rates of one machine say nothing of another."""
    return f"{platform.node()}, {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def read_timings(path: Path) -> list[Observation]:
    """Observations, the oldest first; none where there is no file. Lines that cannot be read are left out, as a run
    may have been killed while it wrote the last one.
    """
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
            found.append(Observation(**{**record, "kind": WorkKind(record["kind"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return found


def append_timings(path: Path, observations: Iterable[Observation]) -> None:
    """Add observations to the end of the file, which is made where there is none."""
    lines = [json.dumps(dataclasses.asdict(observation), sort_keys=True) + "\n" for observation in observations]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))


def kind_of_stage(stage: str) -> tuple[WorkKind, str] | None:
    """Kind of work and subject of a stage as it is named in the progress; None for those that belong to another."""
    if stage == "region proposals":
        return WorkKind.PROPOSALS, ""
    subject, _, name = stage.rpartition(": ")
    kinds = {"screening": WorkKind.SCREENING, "masks": WorkKind.MASKS, "proposal flow": WorkKind.FLOW}
    kind = kinds.get(name)
    if kind is None:
        return None
    return kind, "" if kind is WorkKind.FLOW else subject


class StageClock:
    """Passes progress on, and measures from the beginning to the end of each stage by the clock.

    Attributes:
        seconds, units: by kind and subject, for stages with work to do.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._started: dict[str, float] = {}
        self._totals: dict[str, int] = {}
        self.seconds: dict[tuple[WorkKind, str], float] = {}
        self.units: dict[tuple[WorkKind, str], int] = {}

    def start(self, stage: str, total: int) -> None:
        """The clock of the stage starts."""
        self._started[stage], self._totals[stage] = time.perf_counter(), total
        self._progress.start(stage, total)

    def advance(self, stage: str, count: float = 1) -> None:
        """Pass it on."""
        self._progress.advance(stage, count)

    def finish(self, stage: str) -> None:
        """The clock of the stage stops."""
        self._progress.finish(stage)
        key = kind_of_stage(stage)
        if key is not None and self._totals[stage]:
            self.seconds[key] = self.seconds.get(key, 0.0) + time.perf_counter() - self._started[stage]
            self.units[key] = self.units.get(key, 0) + self._totals[stage]


def observations_of(
    seconds: Mapping[tuple[WorkKind, str], float],
    units: Mapping[tuple[WorkKind, str], int],
    *,
    conditions: str,
    machine: str,
) -> list[Observation]:
    """One observation for each kind and subject, of now."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return [
        Observation(
            kind=kind,
            subject=subject,
            units=units[kind, subject],
            seconds=spent,
            conditions=conditions,
            machine=machine,
            when=now,
        )
        for (kind, subject), spent in seconds.items()
        if units.get((kind, subject), 0)
    ]
