"""The plan: which participant sees which stimuli, in which order. Pure: names in, names out, seeded.

Every prefix of the plan is balanced, because slots are claimed from the front and a study may end early:

* within the summaries, and within the controls, no stimulus is shown more than once more often than another;
* no participant sees a stimulus twice;
* the conditions, classes and networks are spread over each participant's trials in proportion to their stimuli;
* each stimulus moves through all positions, so that practice and fatigue fall on all alike.

The choice of stimuli is a greedy balanced incomplete block design (largest deficit first, as in quota
apportionment); the order comes from one assignment problem per slot that penalises positions a stimulus has had.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

CONTROL_FREE_ARM = "summaries"


class PlanError(ValueError):
    """No plan exists for these numbers. The message says which number to change."""


@dataclass(frozen=True, order=True)
class PlannedStimulus:
    """What the plan needs to know of a stimulus."""

    identifier: str
    network: str
    class_name: str
    method: str
    arm: str

    @property
    def is_control(self) -> bool:
        """Whether the stimulus belongs to a control arm."""
        return self.arm != CONTROL_FREE_ARM

    @property
    def strata(self) -> tuple[Hashable, ...]:
        """The groups that are spread evenly over each slot: condition, class, network."""
        condition = (self.network, self.class_name, self.method, self.arm)
        return (("condition", condition), ("class", self.class_name), ("network", self.network))


@dataclass(frozen=True)
class TrialSplit:
    """How many summaries and how many controls one participant sees."""

    summaries: int
    controls: int

    @property
    def total(self) -> int:
        """Trials of one participant, practice not included."""
        return self.summaries + self.controls


def split_trials(trials_per_slot: int, control_share: float) -> TrialSplit:
    """Divide a participant's trials; the controls' number is rounded half up.

    Raises:
        PlanError: a number is out of range.
    """
    if trials_per_slot < 1:
        raise PlanError(f"trials_per_slot is {trials_per_slot}; expected at least 1.")
    if not 0.0 <= control_share <= 1.0:
        raise PlanError(f"control_share is {control_share}; expected a fraction from 0 to 1.")
    controls = int(np.floor(trials_per_slot * control_share + 0.5))
    return TrialSplit(summaries=trials_per_slot - controls, controls=controls)


def feasible_split(stimuli: Sequence[PlannedStimulus], wanted: TrialSplit) -> TrialSplit:
    """Cut a split down to what is there: nobody can see more different summaries or controls than exist.

    Where summaries are short, the controls are cut in proportion, so that their share does not grow.
    """
    available_controls = sum(stimulus.is_control for stimulus in stimuli)
    summaries = min(wanted.summaries, len(stimuli) - available_controls)
    in_proportion = -(-summaries * wanted.controls // wanted.summaries) if wanted.summaries else wanted.controls
    return TrialSplit(summaries=summaries, controls=min(wanted.controls, available_controls, in_proportion))


def plan(
    stimuli: Sequence[PlannedStimulus], *, slots: int, trials_per_slot: int, control_share: float, seed: int
) -> tuple[tuple[str, ...], ...]:
    """Return, for each slot, the identifiers of its stimuli in the order they are shown.

    Args:
        stimuli: all stimuli of the study, in any order; identifiers are unique.
        slots: number of participants, at least 1.
        trials_per_slot: trials of one participant, practice not included.
        control_share: fraction of the trials that show a control, from 0 to 1; the number is rounded half up.
        seed: makes the plan reproducible.

    Raises:
        PlanError: identifiers repeat, a number is out of range, or there are fewer stimuli than one participant needs.
    """
    identifiers = [stimulus.identifier for stimulus in stimuli]
    if len(set(identifiers)) != len(identifiers):
        repeated = next(name for name, count in Counter(identifiers).items() if count > 1)
        raise PlanError(f"Identifier {repeated!r} occurs twice; expected unique identifiers.")
    if slots < 1:
        raise PlanError(f"slots is {slots}; expected at least 1.")
    split = split_trials(trials_per_slot, control_share)
    ordered = sorted(stimuli)
    groups = (
        ("summaries", [stimulus for stimulus in ordered if not stimulus.is_control], split.summaries),
        ("controls", [stimulus for stimulus in ordered if stimulus.is_control], split.controls),
    )
    for name, group, needed in groups:
        if needed > len(group):
            raise PlanError(
                f"Each participant needs {needed} {name}, but there are {len(group)}; "
                "lower the trials per participant, change the control share, or import more stimuli."
            )
    generator = np.random.default_rng(seed)
    blocks = [choose_blocks(group, slots=slots, size=needed, generator=generator) for _, group, needed in groups]
    return order_blocks([first + second for first, second in zip(*blocks, strict=True)], generator=generator)


def choose_blocks(
    stimuli: Sequence[PlannedStimulus], *, slots: int, size: int, generator: np.random.Generator
) -> list[list[str]]:
    """Choose `size` stimuli for each slot so that counts never differ by more than one, after any slot.

    Only stimuli shown least often are candidates. Among them the one whose condition, class and network lag most
    behind their share is taken; ties are broken at random.
    """
    if size == 0:
        return [[] for _ in range(slots)]
    names = {name: index for index, name in enumerate(dict.fromkeys(x for item in stimuli for x in item.strata))}
    strata = np.array([[names[stratum] for stratum in stimulus.strata] for stimulus in stimuli])
    shares = np.bincount(strata.ravel(), minlength=len(names)) / len(stimuli)
    used = np.zeros(len(names))
    shown = np.zeros(len(stimuli), dtype=np.int64)
    blocks = []
    for slot in range(slots):
        free = np.ones(len(stimuli), dtype=bool)
        for place in range(size):
            candidates = np.flatnonzero(free & (shown == shown[free].min()))
            lag = (slot * size + place + 1) * shares - used
            deficits = lag[strata[candidates]].sum(axis=1)
            tied = candidates[deficits > deficits.max() - 1e-9]
            chosen = int(generator.choice(tied))
            free[chosen] = False
            shown[chosen] += 1
            used[strata[chosen]] += 1
        blocks.append([stimuli[int(index)].identifier for index in np.flatnonzero(~free)])
    return blocks


def order_blocks(blocks: Sequence[Sequence[str]], *, generator: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    """Order each block so that every stimulus visits early, middle and late positions about equally often.

    The cost of showing a stimulus at a position is the squared distance that its summed displacement from the middle
    would have, in units of the block's length, plus the times it has been near that position; a little noise breaks
    ties.
    """
    length = len(blocks[0])
    displacement = (np.arange(length) - (length - 1) / 2) / max(1, length - 1)
    nearness = np.maximum(0.0, 1.0 - np.abs(np.subtract.outer(np.arange(length), np.arange(length))) / (length / 4 + 1))
    drift: dict[str, float] = {}
    visited: dict[str, np.ndarray] = {}
    ordered = []
    for block in blocks:
        drifts = np.array([drift.get(identifier, 0.0) for identifier in block])
        visits = np.array([visited.get(identifier, np.zeros(length)) for identifier in block])
        cost = np.square(drifts[:, None] + displacement[None, :]) + visits + 0.01 * generator.random((length, length))
        rows, positions = linear_sum_assignment(cost)
        sequence = [""] * length
        for row, position in zip(rows, positions, strict=True):
            identifier = block[row]
            sequence[position] = identifier
            drift[identifier] = drift.get(identifier, 0.0) + float(displacement[position])
            visited[identifier] = visited.get(identifier, np.zeros(length)) + nearness[position] / length
        ordered.append(tuple(sequence))
    return tuple(ordered)
