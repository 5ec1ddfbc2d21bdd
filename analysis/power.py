"""How many people and summaries a study needs: power and interval width over simulated studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.binomial import exact_binomial_p
from analysis.crossed import linear_interval
from analysis.estimates import Estimate
from analysis.intervals import t_mean, wilson
from analysis.simulate import Floats, SimulatedStudy, StudyDesign, simulate_study

MEASURES: Mapping[str, str] = {
    "nameability": "most summaries are named: interval above 50 %",
    "agreement": "people agree on names: interval above 50 %",
    "difference": "networks differ in nameability: interval without 0",
    "control": "summaries are named more often than random regions: interval above 0",
    "intruder": "intruders are found: exact test against guessing",
}
"""What is asked of every simulated study, and when the answer counts as yes."""
POWER_COLUMNS = [
    *("participants", "summaries", "measure", "power", "power_low", "power_high", "half_width", "value", "studies"),
]


@dataclass(frozen=True, kw_only=True)
class PowerOptions:
    """A grid of studies.

    Attributes:
        participants, summaries: sizes to try; summaries are per class and network.
        studies: simulated for each pair of sizes.
        seed: of everything.
        level: coverage of the intervals; tests are at one minus it.
    """

    participants: Sequence[int] = (12, 24, 48, 96)
    summaries: Sequence[int] = (2, 4, 8)
    studies: int = 100
    seed: int = 20180127
    level: float = 0.95

    def __post_init__(self) -> None:
        if not self.participants or not self.summaries or min(*self.participants, *self.summaries, self.studies) < 1:
            raise ValueError("Expected sizes and studies of 1 or more, and at least one size of each kind.")
        if not 0 < self.level < 1:
            raise ValueError(f"Expected a level between 0 and 1, got {self.level}.")


def power_table(design: StudyDesign, *, options: PowerOptions | None = None) -> pd.DataFrame:
    """Simulate whole studies of every size and count how often each question is answered yes.

    Intervals are the analytic counterparts of the report's two-way bootstrap,
    :func:`analysis.crossed.linear_interval`: thousands of studies take seconds.

    Args:
        design: what is true: effects, spreads and names. Its own numbers of participants and summaries are replaced.
        options: sizes, studies, seed and level.

    Returns:
        ``POWER_COLUMNS``: power with Wilson's interval for the number of simulated studies, the mean half-width of the
        intervals, and the mean estimate. One row per size and measure that the design has.
    """
    chosen = options or PowerOptions()
    rows = []
    for summaries in chosen.summaries:
        for participants in chosen.participants:
            sized = replace(design, participants=participants, summaries=summaries)
            trials = None if design.trials is None else min(design.trials, sized.stimuli)
            sized = replace(sized, trials=trials)
            # One stream per size, so that adding a size changes no other row.
            streams = np.random.SeedSequence([chosen.seed, participants, summaries]).spawn(chosen.studies)
            studies = [
                questions(simulate_study(sized, generator=np.random.default_rng(stream)), level=chosen.level)
                for stream in streams
            ]
            rows += _rows(participants, summaries, studies)
    return pd.DataFrame(rows, columns=POWER_COLUMNS)


def _rows(
    participants: int, summaries: int, studies: list[dict[str, tuple[Estimate, bool]]]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for measure in MEASURES:
        found = [study[measure] for study in studies if measure in study]
        if not found:
            continue
        share = wilson(sum(yes for _, yes in found), len(found))
        widths = [(own.high - own.low) / 2 for own, _ in found if own.low is not None and own.high is not None]
        values = [own.value for own, _ in found if own.value is not None]
        rows.append(
            {
                "participants": participants,
                "summaries": summaries,
                "measure": measure,
                "power": share.value,
                "power_low": share.low,
                "power_high": share.high,
                "half_width": float(np.mean(widths)) if widths else None,
                "value": float(np.mean(values)) if values else None,
                "studies": len(found),
            }
        )
    return rows


def questions(study: SimulatedStudy, *, level: float = 0.95) -> dict[str, tuple[Estimate, bool]]:
    """Every measure of one study, and whether its question is answered yes."""
    design, out = study.design, {}
    main = study.arms[study.stimuli]
    named = study.named.astype(float)
    share = _mean(study, named, main, level)
    out["nameability"] = (share, share.low is not None and share.low > 0.5)
    agreement = t_mean(_agreements(study), level=level, unit="summaries")
    out["agreement"] = (agreement, agreement.low is not None and agreement.low > 0.5)
    if design.networks > 1:
        last = study.networks[study.stimuli] == design.networks - 1
        first = study.networks[study.stimuli] == 0
        difference = _difference(study, named, main & last, main & first, level)
        apart = difference.low is not None and difference.high is not None
        out["difference"] = (difference, apart and not (difference.low or 0) <= 0 <= (difference.high or 0))
    if design.random_regions:
        control = _difference(study, named, main, ~main, level)
        out["control"] = (control, control.low is not None and control.low > 0)
    if study.intruder_found.size:
        found = study.intruder_found.astype(float)
        influence = (found - found.mean()) / found.size
        own = linear_interval(
            float(found.mean()),
            influence,
            participants=study.intruder_participants,
            summaries=study.intruder_stimuli,
            level=level,
        )
        chance = exact_binomial_p(int(found.sum()), found.size, chance=1 / design.intruder_options)
        out["intruder"] = (own, chance < 1 - level)
    return out


def _mean(study: SimulatedStudy, values: Floats, chosen: NDArray[np.bool_], level: float) -> Estimate:
    mean = float(values[chosen].mean())
    influence = np.where(chosen, values - mean, 0.0) / chosen.sum()
    return linear_interval(
        mean, influence[chosen], participants=study.participants[chosen], summaries=study.stimuli[chosen], level=level
    )


def _difference(
    study: SimulatedStudy, values: Floats, first: NDArray[np.bool_], second: NDArray[np.bool_], level: float
) -> Estimate:
    above, below = float(values[first].mean()), float(values[second].mean())
    influence = np.where(first, (values - above) / first.sum(), 0.0)
    influence = influence - np.where(second, (values - below) / second.sum(), 0.0)
    chosen = first | second
    return linear_interval(
        above - below,
        influence[chosen],
        participants=study.participants[chosen],
        summaries=study.stimuli[chosen],
        groups=2,
        level=level,
    )


def _agreements(study: SimulatedStudy) -> Floats:
    """Pairwise agreement of every summary with two names or more."""
    given = study.arms[study.stimuli] & (study.words >= 0)
    size = study.design.vocabulary
    keys = study.stimuli[given] * size + study.words[given]
    counts = np.bincount(keys, minlength=study.arms.size * size).reshape(-1, size)
    n = counts.sum(axis=1)
    usable = study.arms & (n >= 2)
    counts, n = counts[usable], n[usable]
    return np.asarray((counts * (counts - 1)).sum(axis=1) / (n * (n - 1)), dtype=float)


def smallest_sample(table: pd.DataFrame, measure: str, *, power: float = 0.8) -> tuple[int, int] | None:
    """Fewest participants, and then summaries, with which a question reaches a power; None when no size does."""
    enough = table[(table["measure"] == measure) & (table["power"] >= power)]
    if enough.empty:
        return None
    best = enough.sort_values(["participants", "summaries"]).iloc[0]
    return int(best["participants"]), int(best["summaries"])
