"""What a run will cost: units of work of every class, network and method, and seconds per unit as once measured.

Nothing is guessed: a rate is the time that the same machine took per unit, in earlier runs with the same constants or
in a short calibration, and where there is neither the cost is not known.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from vsum_core.config import PipelineConfig, digest

Key = TypeVar("Key")
Rates = dict[tuple["WorkKind", str], float]
"""Seconds per unit by kind of work and subject."""


class WorkKind(StrEnum):
    """What costs time, and the unit it is counted in."""

    SCREENING = "screening"  # image and network
    MASKS = "masks"  # image, network and method
    PROPOSALS = "proposals"  # image
    FLOW = "flow"  # pair of images of a class, each with itself included
    SUMMARIES = "summaries"  # image, network and method: clusters, dense flow, effects, pictures


@dataclass(frozen=True)
class WorkPart:
    """Work that lies ahead.

    Attributes:
        kind: what it is.
        class_name: of which class.
        networks: for whom; shared work names all networks, and is divided among them.
        subject: what the rate depends on: network and method, or nothing.
        units: how much.
    """

    kind: WorkKind
    class_name: str
    networks: tuple[str, ...]
    subject: str
    units: int


@dataclass(frozen=True)
class Observation:
    """How long some work took.

    Attributes:
        kind, subject, units: as in :class:`WorkPart`.
        seconds: of one worker, by the clock.
        conditions: constants, device and threads; see :func:`conditions_of`.
        machine: where.
        when: ISO date and time.
    """

    kind: WorkKind
    subject: str
    units: int
    seconds: float
    conditions: str
    machine: str
    when: str


def conditions_of(config: PipelineConfig, *, device: str, threads: int) -> str:
    """What beside the subject a rate depends on, as 16 hexadecimal digits; the seed does not matter."""
    return digest(_Conditions(dataclasses.replace(config, seed=0), device, threads))[:16]


@dataclass(frozen=True)
class _Conditions:
    config: PipelineConfig
    device: str
    threads: int


def rates_of(observations: Iterable[Observation], *, conditions: str, machine: str, last: int = 5) -> Rates:
    """Seconds per unit over the ``last`` observations of each kind and subject under these conditions.

    Observations are taken in the order given, the newest last.
    """
    found: dict[tuple[WorkKind, str], list[Observation]] = defaultdict(list)
    for observation in observations:
        if observation.conditions == conditions and observation.machine == machine and observation.units > 0:
            found[observation.kind, observation.subject].append(observation)
    return {
        key: sum(one.seconds for one in ones[-last:]) / sum(one.units for one in ones[-last:])
        for key, ones in found.items()
    }


@dataclass(frozen=True)
class Prediction:
    """What lies ahead and what it costs.

    Attributes:
        parts: the work.
        rates: seconds per unit, as far as they are known.
        workers: processes that work at once, 1 or more.
    """

    parts: Sequence[WorkPart]
    rates: Mapping[tuple[WorkKind, str], float]
    workers: int = 1

    def seconds(self, part: WorkPart) -> float | None:
        """Of one worker for a part; None where its rate is not known."""
        rate = self.rates.get((part.kind, part.subject))
        return 0.0 if not part.units else None if rate is None else rate * part.units

    def by_kind(self) -> dict[WorkKind, float | None]:
        """Seconds of one worker by kind of work; None where a rate is not known."""
        return _sums((part.kind, self.seconds(part)) for part in self.parts)

    def by_class_and_network(self) -> dict[tuple[str, str], float | None]:
        """Seconds of one worker by class and network, shared work divided among the networks."""
        return _sums(
            ((part.class_name, network), None if (whole := self.seconds(part)) is None else whole / len(part.networks))
            for part in self.parts
            for network in part.networks
        )

    def wall_seconds(self) -> float:
        """Of all work whose rate is known, shared by the workers; the rest is not in it."""
        return sum(self.seconds(part) or 0.0 for part in self.parts) / self.workers

    def unknown(self) -> set[tuple[WorkKind, str]]:
        """Kinds and subjects of which no rate is known."""
        return {(part.kind, part.subject) for part in self.parts if self.seconds(part) is None}


def _sums(pairs: Iterable[tuple[Key, float | None]]) -> dict[Key, float | None]:
    sums: dict[Key, float | None] = {}
    for key, value in pairs:
        before = sums.get(key, 0.0)
        sums[key] = None if value is None or before is None else before + value
    return sums


def dollars(seconds: float, *, price_per_hour: float) -> float:
    """What a machine costs for so long.

    Raises:
        ValueError: the price is negative.
    """
    if price_per_hour < 0:
        raise ValueError(f"The price per hour must be 0 or more, but it is {price_per_hour}.")
    return seconds / 3600 * price_per_hour
