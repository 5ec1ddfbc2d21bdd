"""From a plan to planned trials: what each trial of each slot shows. Material and design in, trials out, seeded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from study.allocation import Plan, PlanError, PlannedBlock, PlannedItem, SlotPlan, TrialSplit, plan, split_trials
from study.attention import get_check
from study.attention.registry import SEPARATOR
from study.design import Block
from study.material import Material
from study.orders import balance_positions
from study.tasks import Task, get_task

CELL_SEPARATOR = " | "


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a slot. `phase` is `main` or `attention`; practice comes from the design when a slot is taken.

    `detail` is as the task's `detail_schema` says, but for the pictures, which are filled in when the slot is taken.
    """

    block: int
    phase: str
    task: str
    stimulus: str | None = None
    practice_item: str = ""
    cell: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what `Slot.trials` stores."""
        return asdict(self)


@dataclass(frozen=True)
class PlannedStudy:
    """The trials of every slot, and for each block the split that the design asks for and the one that was drawn."""

    slots: tuple[tuple[PlannedTrial, ...], ...]
    wanted: tuple[TrialSplit, ...]
    drawn: tuple[TrialSplit, ...]


def cell_of(task: str, item: PlannedItem) -> str:
    """Return the cell of a trial, in words: task, network, class, method, arm."""
    return CELL_SEPARATOR.join((task, item.network, item.class_name, item.method, item.arm))


def plan_trials(
    blocks: Sequence[Block], material: Material, *, slots: int, seed: int, balanced_order: bool = False
) -> PlannedStudy:
    """Draw the plan of a design and work out what every trial shows.

    Raises:
        PlanError: no plan exists; the message names the block and what to change.
        UnknownTaskError, TaskOptionsError, UnknownCheckError: the design names something that is not there.
    """
    tasks = [get_task(block.task) for block in blocks]
    options = [task.read_options(block.options) for task, block in zip(tasks, blocks, strict=True)]
    wanted = tuple(split_trials(block.trials, block.control_share) for block in blocks)
    pools = []
    for index, (task, chosen) in enumerate(zip(tasks, options, strict=True)):
        items = tuple(task.items(material, chosen, generator=np.random.default_rng([seed, index, 0])))
        if not any(not item.is_control for item in items):
            raise PlanError(
                f"Block {index + 1}: the imported stimuli hold nothing that task {task.name!r} can show; "
                f"it needs {task.needs}."
            )
        pools.append(items)
    drawn = plan(
        [
            PlannedBlock(items=items, split=split, fewest_classes=task.fewest_classes)
            for items, split, task in zip(pools, wanted, tasks, strict=True)
        ],
        slots=slots,
        seed=seed,
        balanced_order=balanced_order,
    )
    trials_of_blocks = [
        _block_trials(
            index,
            task,
            {item.identifier: item for item in items},
            material,
            chosen,
            drawn,
            block.attention,
            generator=np.random.default_rng([seed, index, 1]),
        )
        for index, (task, items, chosen, block) in enumerate(zip(tasks, pools, options, blocks, strict=True))
    ]
    return PlannedStudy(
        slots=tuple(
            tuple(trial for index in slot.order for trial in trials_of_blocks[index][number])
            for number, slot in enumerate(drawn.slots)
        ),
        wanted=wanted,
        drawn=drawn.splits,
    )


def _block_trials(
    index: int,
    task: Task,
    items: Mapping[str, PlannedItem],
    material: Material,
    options: Any,
    drawn: Plan,
    checks: Sequence[str],
    *,
    generator: np.random.Generator,
) -> list[list[PlannedTrial]]:
    """Return the trials of one block for every slot."""
    sequences = [slot.items[index] for slot in drawn.slots]
    positions = balance_positions(sequences, alternatives=task.alternatives(options), generator=generator)
    trials = []
    for number, (slot, sequence) in enumerate(zip(drawn.slots, sequences, strict=True)):
        of_slot = [
            _main_trial(index, task, items[name], material, options, slot, position=position, generator=generator)
            for name, position in zip(sequence, positions[number], strict=True)
        ]
        trials.append(insert_checks(of_slot, _check_trials(index, task, checks, slot=number), generator=generator))
    return trials


def _main_trial(
    index: int,
    task: Task,
    item: PlannedItem,
    material: Material,
    options: Any,
    slot: SlotPlan,
    *,
    position: int,
    generator: np.random.Generator,
) -> PlannedTrial:
    detail = task.detail(item, material, options, position=position, classes=slot.classes[index], generator=generator)
    return PlannedTrial(
        block=index + 1,
        phase="main",
        task=task.name,
        stimulus=item.stimulus,
        cell=cell_of(task.name, item),
        detail=detail,
    )


def _check_trials(index: int, task: Task, checks: Sequence[str], *, slot: int) -> list[PlannedTrial]:
    """Return the attention checks of a block; where a check has several items, slots take turns."""
    trials = []
    for name in checks:
        check = get_check(name)
        keys = check.keys(task)
        if not keys:
            raise PlanError(f"Block {index + 1}: attention check {name!r} has no item for task {task.name!r}.")
        key = keys[slot % len(keys)]
        item = check.item(task, key)
        trials.append(
            PlannedTrial(
                block=index + 1,
                phase="attention",
                task=task.name,
                practice_item=f"{name}{SEPARATOR}{key}",
                detail=dict(item.detail),
            )
        )
    return trials


def insert_checks(
    trials: Sequence[PlannedTrial], checks: Sequence[PlannedTrial], *, generator: np.random.Generator
) -> list[PlannedTrial]:
    """Spread checks over a block: the trials are cut into equal parts, and a check stands between every two.

    Each check moves by up to almost half a part, so that its place cannot be foreseen; none comes first.
    """
    placed = list(trials)
    part = len(trials) / (len(checks) + 1)
    for number, check in reversed(list(enumerate(checks, start=1))):
        place = round(number * part + generator.uniform(-0.45, 0.45) * part)
        placed.insert(min(max(1, place), len(trials)), check)
    return placed
