"""What a run will cost and what it did cost, for people: printed before and after ``pregenerate``."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from study.management.console import print_table

LONG_RUN_IMAGES = 40
"""From so many masks on, a few seconds of calibration are worth their time where no earlier run tells the cost."""


class EstimateOnlyError(Exception):
    """The estimate was all that was asked for."""


class CostReport:
    """Given to ``pregenerate`` as ``prepare``: predicts, hands over to the engine, measures.

    Args:
        target: where to print.
        timings: file of this machine's earlier times.
        price_per_hour: of a worker, in dollars; None: no prices.
        preparation: of an engine, or None where all is done in this process.
        workers: of the engine.
        only: stop after the estimate.

    Raises:
        ValueError: the price is negative.
    """

    def __init__(
        self,
        target: Console,
        *,
        timings: Path,
        price_per_hour: float | None,
        preparation: Any = None,
        workers: int = 1,
        only: bool = False,
    ) -> None:
        if price_per_hour is not None and price_per_hour < 0:
            raise ValueError(f"The price per hour must be 0 or more, but it is {price_per_hour}.")
        self._target = target
        self._timings = timings
        self._price = price_per_hour
        self._preparation = preparation
        self._workers = workers
        self._only = only
        self._prediction: Any = None
        self._conditions = ""
        self._clock: Any = None
        self._started = 0.0

    def __call__(self, run: Any, order: Any) -> Any:
        """Print the prediction; return the run, whose stages are timed.

        Raises:
            EstimateOnlyError: after the estimate, where that was asked for.
        """
        import dataclasses

        import torch

        from vsum_core.cost import Prediction, WorkKind, conditions_of, rates_of
        from vsum_core.progress import OnlyWork
        from vsum_core.timings import StageClock, machine_name, read_timings
        from vsum_core.workload import calibrate, work_ahead

        parts = work_ahead(run, order)
        self._conditions = conditions_of(run.config, device=str(run.device), threads=torch.get_num_threads())
        rates = rates_of(read_timings(self._timings), conditions=self._conditions, machine=machine_name())
        masks = sum(part.units for part in parts if part.kind is WorkKind.MASKS)
        known = calibrate(run, order, parts, rates) if self._only or masks >= LONG_RUN_IMAGES else rates
        self._prediction = Prediction(parts, known, workers=self._workers)
        if known:
            self._print_prediction(calibrated=len(known) > len(rates))
        if self._only:
            raise EstimateOnlyError
        self._started = time.perf_counter()
        if self._preparation is not None:
            return self._preparation(run, order)
        screened = [f"{network.specification.name}: screening" for network in order.networks]  # just before
        self._clock = StageClock(OnlyWork(run.progress, stages=screened))
        return dataclasses.replace(run, progress=self._clock)

    def finish(self) -> None:
        """Print how far the prediction was off, and keep the times for the next one."""
        from vsum_core.cost import WorkKind
        from vsum_core.timings import append_timings, machine_name, observations_of

        wall = time.perf_counter() - self._started
        seconds, units = self._measured(wall)
        actual: dict[Any, float] = dict.fromkeys(WorkKind, 0.0)
        for (kind, _), spent in seconds.items():
            actual[kind] += spent
        predicted = self._prediction.by_kind()
        if any(part.units for part in self._prediction.parts):
            rows = [
                [str(kind), "not known" if expected is None else expected, actual[kind], _error(expected, actual[kind])]
                for kind, expected in predicted.items()
                if actual[kind] or expected
            ]
            expected = None if self._prediction.unknown() else self._prediction.wall_seconds()
            total = "not known" if expected is None else expected
            rows.append(["all, by the clock", total, wall, _error(expected, wall)])
            columns = ("work", "predicted s", "took s", "error")
            print_table(self._target, f"Cost{self._dollars(wall * self._workers, ' of workers')}", columns, rows)
        with contextlib.suppress(OSError):  # the next prediction calibrates instead
            append_timings(
                self._timings,
                observations_of(seconds, units, conditions=self._conditions, machine=machine_name()),
            )

    def _measured(self, wall: float) -> tuple[dict[Any, float], dict[Any, int]]:
        """Seconds of one worker and units by kind and subject; what no stage claims went into the summaries."""
        from vsum_core.cost import WorkKind
        from vsum_core.timings import kind_of_stage

        if self._preparation is None:
            seconds, units = dict(self._clock.seconds), dict(self._clock.units)
            rest = wall - sum(seconds.values())
        else:
            spent = self._preparation.spent
            seconds, units = {}, {}
            for stage, value in spent.seconds.items():
                key = kind_of_stage(stage)
                if key is not None:
                    seconds[key] = seconds.get(key, 0.0) + value
                    units[key] = units.get(key, 0) + spent.units[stage]
            rest = sum(spent.seconds.values()) - sum(seconds.values())
        ahead = [part for part in self._prediction.parts if part.kind is WorkKind.SUMMARIES and part.units]
        images = sum(part.units for part in ahead)
        for part in ahead:
            key = (part.kind, part.subject)
            units[key] = units.get(key, 0) + part.units
            seconds[key] = seconds.get(key, 0.0) + rest * part.units / images
        return seconds, units

    def _print_prediction(self, *, calibrated: bool) -> None:
        prediction = self._prediction
        images: dict[tuple[str, str], int] = {}
        for part in prediction.parts:
            if str(part.kind) == "summaries":
                for network in part.networks:
                    images[part.class_name, network] = max(images.get((part.class_name, network), 0), part.units)
        rows = []
        for (class_name, network), seconds in prediction.by_class_and_network().items():
            count = images.get((class_name, network), 0)
            each = "not known" if seconds is None or not count else seconds / count
            price = [] if self._price is None else ["not known" if seconds is None else self._amount(seconds)]
            rows.append([class_name, network, count, "not known" if seconds is None else seconds, each, *price])
        if not rows:
            self._target.print("Nothing is left to compute.")
            return
        columns = ["class", "network", "images", "seconds", "per image", *([] if self._price is None else ["dollars"])]
        print_table(self._target, "Predicted work of one worker", columns, rows)
        known = "a short calibration and " if calibrated else ""
        self._target.print(
            f"From {known}earlier runs on this machine: {prediction.wall_seconds():.0f} s by the clock with "
            f"{self._workers} worker(s){self._dollars(prediction.wall_seconds() * self._workers)}."
        )
        for kind, subject in sorted(prediction.unknown()):
            self._target.print(
                f"Not in it, as no run on this machine has told yet: {kind}" + (f" of {subject}." if subject else ".")
            )

    def _amount(self, seconds: float) -> float:
        from vsum_core.cost import dollars

        return dollars(seconds, price_per_hour=self._price or 0.0)

    def _dollars(self, seconds: float, of: str = "") -> str:
        return "" if self._price is None else f", {self._amount(seconds):.4f} dollars{of}"


def _error(expected: float | None, actual: float) -> str:
    return "–" if expected is None or actual == 0 else f"{100 * (expected - actual) / actual:+.0f} %"
