"""How long work tells the outside how far it is; drawing bars is left to the command line."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Progress(Protocol):
    """Receives the progress of named stages."""

    def start(self, stage: str, total: int) -> None:
        """A stage begins; ``total`` units of work lie ahead."""

    def advance(self, stage: str, count: float = 1) -> None:
        """``count`` more units of the stage are done; a unit can be done in parts."""

    def finish(self, stage: str) -> None:
        """The stage is over."""


class Silent:
    """A progress receiver that does nothing."""

    def start(self, stage: str, total: int) -> None:
        """Ignore the beginning."""

    def advance(self, stage: str, count: float = 1) -> None:
        """Ignore the advance."""

    def finish(self, stage: str) -> None:
        """Ignore the end."""


class OnlyWork:
    """Passes on the progress of stages with work to do, and says nothing of the others.

    Args:
        progress: to which it is passed on.
        stages: those of which nothing is said when there is nothing to do; None: all.
    """

    def __init__(self, progress: Progress, *, stages: Collection[str] | None = None) -> None:
        self._progress = progress
        self._stages = stages
        self._silent: set[str] = set()

    def start(self, stage: str, total: int) -> None:
        """Pass the beginning on, if there is anything to say."""
        if total or (self._stages is not None and stage not in self._stages):
            self._silent.discard(stage)
            self._progress.start(stage, total)
        else:
            self._silent.add(stage)

    def advance(self, stage: str, count: float = 1) -> None:
        """Pass the advance on."""
        self._progress.advance(stage, count)

    def finish(self, stage: str) -> None:
        """Pass the end on if the beginning was."""
        if stage not in self._silent:
            self._progress.finish(stage)
