"""Kinds of simulated participants: how each behaves, and in which states it may end.

A kind changes what a program does with the pages, not what the pages do: every kind meets the same server as people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from study.models import ParticipantState
from study.simulated_people import SimulatedPerson, draw_person

FINISHED = frozenset({ParticipantState.COMPLETED, ParticipantState.FAILED_CHECKS})


class UnknownKindError(LookupError):
    """No kind of simulated participant has this name."""


@dataclass(frozen=True)
class Kind:
    """One kind of simulated participant.

    Attributes:
        name: what `--kinds` takes.
        does: what it does, in a few words.
        ends: states in which a participant of this kind may end.
        diligence: how often it looks properly, as the two parameters of a beta distribution; None for anybody's.
        has_script: whether its browser runs JavaScript, which measures times.
        same_answer: whether it answers every trial alike.
        passes_comprehension: whether it answers the comprehension questions rightly.
        leaves_at: share of its trials after which it closes the page for good.
        withdraws_at: share of its trials after which it withdraws.
        returns_late_at: share of its trials after which its lease runs out before it goes on.
        clicks_twice: whether it sends every form twice at once.
    """

    name: str
    does: str
    ends: frozenset[ParticipantState] = FINISHED
    diligence: tuple[float, float] | None = None
    has_script: bool = True
    same_answer: bool = False
    passes_comprehension: bool = True
    leaves_at: float | None = None
    withdraws_at: float | None = None
    returns_late_at: float | None = None
    clicks_twice: bool = False

    def draw_person(self, *, study_seed: int, generator: np.random.Generator) -> SimulatedPerson:
        """Draw the habits of one person of this kind."""
        person = draw_person(study_seed=study_seed, generator=generator)
        if self.diligence is None:
            return person
        return replace(person, diligence=float(generator.beta(*self.diligence)))


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ordinary", "looks properly most of the time"),
        Kind("careful", "looks properly nearly always", diligence=(60, 2)),
        Kind("noisy", "looks properly half of the time", diligence=(6, 6)),
        Kind("careless", "hardly looks", diligence=(1, 20), ends=FINISHED | {ParticipantState.SCREENED_OUT}),
        Kind(
            "bot",
            "answers every trial alike, without a script",
            ends=FINISHED | {ParticipantState.SCREENED_OUT},
            diligence=(1, 200),
            has_script=False,
            same_answer=True,
            passes_comprehension=False,
        ),
        Kind("drop-out", "closes the page half-way", ends=frozenset({ParticipantState.ACTIVE}), leaves_at=0.5),
        Kind("withdraws", "withdraws half-way", ends=frozenset({ParticipantState.WITHDRAWN}), withdraws_at=0.5),
        Kind("returns-late", "comes back when its lease has run out", returns_late_at=0.5),
        Kind("double-clicks", "sends every form twice at once", clicks_twice=True),
    )
}


def kinds_named(names: str) -> tuple[Kind, ...]:
    """Return kinds from comma-separated names; `all` stands for every one.

    Raises:
        UnknownKindError: a name is unknown; the message lists the known ones.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if wanted == ["all"]:
        return tuple(KINDS.values())
    for name in wanted:
        if name not in KINDS:
            raise UnknownKindError(f"No kind {name!r}; there are {', '.join(KINDS)}, or all.")
    if not wanted:
        raise UnknownKindError(f"No kind was given; there are {', '.join(KINDS)}, or all.")
    return tuple(KINDS[name] for name in dict.fromkeys(wanted))
