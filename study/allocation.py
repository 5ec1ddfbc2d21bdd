"""The plan: who meets which blocks in which order, and sees what in them. Pure: items in, names out, seeded.

A *block* is one task with its trials; an *item* is one thing that a trial of it can show. Every prefix of the plan is
balanced, because slots are claimed from the front and a study may end early:

* within the summaries of a block, and within its controls, no item is shown more than once more often than another,
  as long as no two items exclude each other;
* no participant sees an item twice, nor two items that would give each other's answer away;
* cells, classes, networks and strata (such as difficulty) are spread over each slot in proportion to their items;
* each item moves through all positions of its block, so that practice and fatigue fall on all alike;
* with several blocks, each participant meets a class in one block only, and over as many slots as there are blocks
  every class visits every block once; the blocks' order follows a Latin square balanced for carry-over (Williams 1949,
  Australian Journal of Scientific Research A 2, 149–168).

The choice of items is a greedy balanced incomplete block design (largest deficit first, as in quota apportionment); the
order comes from one assignment problem per slot that penalises positions an item has had.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from study.orders import balanced_orders, order_items

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CONTROL_FREE_ARM = "summaries"


class PlanError(ValueError):
    """No plan exists for these numbers. The message says which number to change."""


class _ExhaustedError(Exception):
    """A group of a block has too few items left that fit together."""

    def __init__(self, block: int, group: int, found: int) -> None:
        super().__init__(block, group, found)
        self.block, self.group, self.found = block, group, found


@dataclass(frozen=True)
class PlannedItem:
    """What the plan needs to know of something that a trial can show.

    Attributes:
        identifier: unique within the block.
        network, class_name, method, arm: the cell; all but the arm `summaries` are controls.
        stratum: a further group that is spread evenly, such as a band of difficulty.
        stimulus: identifier of the stimulus that the trial is about, where there is one.
        unique: keys that no two trials of one participant may share.
        exposes: keys of what a participant has seen after this trial.
        forbids: keys that no trial of another block may expose.
        classes: classes that the trial shows; empty stands for `class_name` alone.
        family: items that stand for one another, such as one group with intruders of several classes; they count as one
            when it is balanced how often items are shown. Empty: the item stands for itself.
    """

    identifier: str
    network: str
    class_name: str
    method: str
    arm: str
    stratum: str = ""
    stimulus: str | None = None
    unique: frozenset[str] = frozenset()
    exposes: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    family: str = ""

    @property
    def is_control(self) -> bool:
        """Whether the item belongs to a control arm."""
        return self.arm != CONTROL_FREE_ARM

    @property
    def strata(self) -> tuple[Hashable, ...]:
        """The groups that are spread evenly over each slot: cell, class, network, stratum."""
        cell = (self.network, self.class_name, self.method, self.arm)
        return (
            ("cell", cell),
            ("class", self.class_name),
            ("network", self.network),
            ("stratum", self.stratum),
        )

    @property
    def shown_classes(self) -> frozenset[str]:
        """Classes that the trial shows."""
        return self.classes or frozenset({self.class_name})


@dataclass(frozen=True)
class TrialSplit:
    """How many summaries and how many controls one participant sees."""

    summaries: int
    controls: int

    @property
    def total(self) -> int:
        """Trials of one participant, practice not included."""
        return self.summaries + self.controls


@dataclass(frozen=True)
class PlannedBlock:
    """The items of a block, how many of them each participant sees, and how many classes they must meet in it."""

    items: tuple[PlannedItem, ...]
    split: TrialSplit
    fewest_classes: int = 1


@dataclass(frozen=True)
class SlotPlan:
    """One participant's part of the plan.

    Attributes:
        order: indices of the blocks in the order in which they are met.
        items: for each block, by index, the identifiers of its items in the order in which they are shown.
        classes: for each block, by index, the classes that it may show to this participant.
    """

    order: tuple[int, ...]
    items: tuple[tuple[str, ...], ...]
    classes: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Plan:
    """All slots, and the split of each block that the items allowed."""

    slots: tuple[SlotPlan, ...]
    splits: tuple[TrialSplit, ...]


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


def cut_split(wanted: TrialSplit, *, summaries: int, controls: int) -> TrialSplit:
    """Cut a split down to what there is. Where summaries are short, controls are cut in proportion."""
    kept = min(wanted.summaries, summaries)
    in_proportion = -(-kept * wanted.controls // wanted.summaries) if wanted.summaries else wanted.controls
    return TrialSplit(summaries=kept, controls=min(wanted.controls, controls, in_proportion))


def feasible_split(items: Sequence[PlannedItem], wanted: TrialSplit) -> TrialSplit:
    """Cut a split down to what is there: nobody can see more different summaries or controls than exist."""
    controls = sum(item.is_control for item in items)
    return cut_split(wanted, summaries=len(items) - controls, controls=controls)


def plan(
    blocks: Sequence[PlannedBlock], *, slots: int, seed: int, balanced_order: bool = False, exact: bool = False
) -> Plan:
    """Draw the plan.

    Args:
        blocks: the blocks of the design, in its order, with all items of the study.
        slots: number of participants, at least 1.
        seed: makes the plan reproducible; the order of the items does not matter.
        balanced_order: the blocks' order follows a balanced Latin square instead of the design's order.
        exact: raise where a block has too few items, instead of drawing a shorter plan.

    Raises:
        PlanError: there is no block, identifiers repeat, a number is out of range, there are fewer classes than
            blocks, or too few items fit together (with `exact`: fewer than asked for; otherwise: no summary at all).
    """
    if not blocks:
        raise PlanError("There is no block; expected at least one.")
    if slots < 1:
        raise PlanError(f"slots is {slots}; expected at least 1.")
    for block in blocks:
        identifiers = [item.identifier for item in block.items]
        if len(set(identifiers)) != len(identifiers):
            repeated = next(name for name, count in Counter(identifiers).items() if count > 1)
            raise PlanError(f"Identifier {repeated!r} occurs twice; expected unique identifiers.")
    pools = [tuple(sorted(block.items, key=lambda item: item.identifier)) for block in blocks]
    splits = [block.split for block in blocks]
    fewest = [block.fewest_classes for block in blocks]
    while True:
        generator = np.random.default_rng(seed)
        try:
            chosen, dealt = _choose(pools, splits, fewest_classes=fewest, slots=slots, generator=generator)
        except _ExhaustedError as exhausted:
            group = ("summaries", "controls")[exhausted.group]
            split = splits[exhausted.block]
            if exact or (exhausted.group == 0 and exhausted.found == 0):
                there = sum(item.is_control == bool(exhausted.group) for item in pools[exhausted.block])
                raise PlanError(
                    f"Each participant needs {(split.summaries, split.controls)[exhausted.group]} {group} in block "
                    f"{exhausted.block + 1}, but of {there} only {exhausted.found} fit together; lower the trials "
                    "of the block, change the control share, or import more stimuli."
                ) from None
            limits = {"summaries": split.summaries, "controls": split.controls} | {group: exhausted.found}
            splits[exhausted.block] = cut_split(split, **limits)
        else:
            break
    ordered = [order_items([slot[index] for slot in chosen], generator=generator) for index in range(len(blocks))]
    orders = balanced_orders(len(blocks)) if balanced_order else (tuple(range(len(blocks))),)
    return Plan(
        slots=tuple(
            SlotPlan(
                # A square's row stays for one turn of the classes through the blocks, so that the two are crossed.
                order=orders[number // len(blocks) % len(orders)],
                items=tuple(sequences[number] for sequences in ordered),
                classes=dealt[number],
            )
            for number in range(slots)
        ),
        splits=tuple(splits),
    )


def deal_classes(classes: Sequence[str], *, blocks: int, slot: int) -> tuple[frozenset[str], ...]:
    """Return the classes of each block in a slot: class number i goes to block (i + slot) modulo `blocks`."""
    return tuple(
        frozenset(name for index, name in enumerate(classes) if (index + slot) % blocks == block)
        for block in range(blocks)
    )


class _Exclusion:
    """Which items of all blocks may not be shown to one participant together."""

    def __init__(self, pools: Sequence[Sequence[PlannedItem]]) -> None:
        items = [item for pool in pools for item in pool]
        self.starts = np.cumsum([0, *(len(pool) for pool in pools)])
        names: dict[str, int] = {}
        self.unique = _incidence([item.unique for item in items], names)
        self.exposes = _incidence([item.exposes for item in items], names)
        self.forbids = _incidence([item.forbids for item in items], names)
        for matrix in (self.unique, self.exposes, self.forbids):
            matrix.resize(len(items), len(names))  # the first ones did not know the names that came later
        several = len(pools) > 1
        self.idle = not several and not (np.asarray(self.unique.sum(axis=0)) > 1).any()
        self.several = several

    def excluded_by(self, block: int, index: int) -> np.ndarray:
        """Return, as bool over all items, those that item `index` of a block excludes."""
        row = self.starts[block] + index
        shared = self.unique @ self.unique[row].toarray().ravel() > 0
        if self.several:
            others = (
                (self.forbids @ self.exposes[row].toarray().ravel())
                + (self.exposes @ self.forbids[row].toarray().ravel())
            ) > 0
            others[self.starts[block] : self.starts[block + 1]] = False
            shared |= others
        return np.asarray(shared)


def _incidence(keys: Sequence[frozenset[str]], names: dict[str, int]) -> "csr_matrix":
    """Return which item has which key; `names` grows by the keys that are new."""
    from scipy.sparse import csr_matrix  # only planning needs it; see study.orders

    pointers, indices = [0], []
    for entry in keys:
        indices += [names.setdefault(key, len(names)) for key in sorted(entry)]
        pointers.append(len(indices))
    return csr_matrix((np.ones(len(indices)), indices, pointers), shape=(len(keys), max(1, len(names))))


class _Group:
    """The summaries, or the controls, of one block: how often each was shown, and which strata lag behind."""

    def __init__(self, items: Sequence[PlannedItem], indices: np.ndarray, size: int) -> None:
        self.indices, self.size = indices, size
        members = [items[int(index)] for index in indices]
        names = {name: index for index, name in enumerate(dict.fromkeys(x for item in members for x in item.strata))}
        self.strata = np.array([[names[stratum] for stratum in item.strata] for item in members], dtype=np.int64)
        family_names = [item.family or item.identifier for item in members]
        families = {name: index for index, name in enumerate(dict.fromkeys(family_names))}
        self.family = np.array([families[name] for name in family_names], dtype=np.int64)
        weights = 1.0 / np.bincount(self.family, minlength=1)[self.family] if members else np.zeros(0)
        repeated = np.repeat(weights, self.strata.shape[1] if members else 0)
        self.shares = np.bincount(self.strata.ravel(), weights=repeated, minlength=len(names)) / max(1, len(families))
        self.used = np.zeros(len(names))
        self.shown = np.zeros(len(families), dtype=np.int64)

    def choose(self, free: np.ndarray, *, done: int, generator: np.random.Generator) -> int | None:
        """Choose one of the free items, a bool over the group; None when there is none.

        Only items shown least often are candidates. Among them the one whose strata lag most behind their share is
        taken; ties are broken at random.
        """
        if not free.any():
            return None
        shown = self.shown[self.family]
        candidates = np.flatnonzero(free & (shown == shown[free].min()))
        lag = (done + 1) * self.shares - self.used
        deficits = lag[self.strata[candidates]].sum(axis=1)
        chosen = int(generator.choice(candidates[deficits > deficits.max() - 1e-9]))
        self.shown[self.family[chosen]] += 1
        self.used[self.strata[chosen]] += 1
        return chosen


def _choose(
    pools: Sequence[Sequence[PlannedItem]],
    splits: Sequence[TrialSplit],
    *,
    fewest_classes: Sequence[int],
    slots: int,
    generator: np.random.Generator,
) -> tuple[list[list[list[str]]], list[tuple[frozenset[str], ...]]]:
    """Choose the items of each block for each slot; also return the classes that were dealt to the blocks."""
    classes = sorted({name for pool in pools for item in pool for name in item.shown_classes})
    each = len(classes) // len(pools)
    for number, fewest in enumerate(fewest_classes, start=1):
        if each < fewest:
            raise PlanError(
                f"There are {len(pools)} blocks and {len(classes)} classes; each participant meets a class in one "
                f"block only, so {each} in each, but block {number} needs {fewest}. Import more classes, or take "
                "blocks out."
            )
    shuffled = [str(name) for name in generator.permutation(classes)]
    exclusion = _Exclusion(pools)
    control = [np.array([item.is_control for item in pool], dtype=bool) for pool in pools]
    groups = [
        (
            _Group(pool, np.flatnonzero(~control[block]), splits[block].summaries),
            _Group(pool, np.flatnonzero(control[block]), splits[block].controls),
        )
        for block, pool in enumerate(pools)
    ]
    # Blocks with little to choose from go first, so that the others work round them.
    scarce_first = sorted(range(len(pools)), key=lambda block: len(pools[block]) / max(1, splits[block].total))
    chosen, dealt = [], []
    for slot in range(slots):
        of_blocks = deal_classes(shuffled, blocks=len(pools), slot=slot)
        free = np.ones(exclusion.starts[-1], dtype=bool)
        picked: list[list[int]] = [[] for _ in pools]
        for block in scarce_first:
            start, stop = exclusion.starts[block], exclusion.starts[block + 1]
            if len(pools) > 1:
                free[start:stop] &= [item.shown_classes <= of_blocks[block] for item in pools[block]]
            for number, group in enumerate(groups[block]):
                for place in range(group.size):
                    open_items = free[start:stop][group.indices]
                    index = group.choose(open_items, done=slot * group.size + place, generator=generator)
                    if index is None:
                        raise _ExhaustedError(block, number, place)
                    own = int(group.indices[index])
                    picked[block].append(own)
                    free[start + own] = False
                    if not exclusion.idle:
                        free &= ~exclusion.excluded_by(block, own)
        chosen.append(
            [[pools[block][index].identifier for index in sorted(picked[block])] for block in range(len(pools))]
        )
        dealt.append(of_blocks)
    return chosen, dealt
