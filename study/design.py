"""The design of a study as plain data: blocks of trials and questionnaires, read and checked. Pure.

A *block* is one task with its trials. What a task's own options mean is the task's affair (`Task.read_options`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

MOST_TRIALS = 500
LARGEST_CONTROL_SHARE = 0.9
MOMENTS = ("before", "after")


class DesignError(ValueError):
    """A design cannot be read; the message says which block, what is there, and what is expected."""


@dataclass(frozen=True)
class Block:
    """One task with its trials.

    Attributes:
        task: name of a task type.
        trials: main trials of each participant, 1 to 500.
        control_share: fraction of them that shows a control, from 0 to 0.9; the number is rounded half up.
        practice: keys of the task's practice items, in order.
        attention: names of attention checks, spread over the block.
        options: what the task itself lets a researcher choose.
    """

    task: str
    trials: int
    control_share: float = 0.0
    practice: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what `Study.blocks` stores."""
        return {
            "task": self.task,
            "trials": self.trials,
            "control_share": self.control_share,
            "practice": list(self.practice),
            "attention": list(self.attention),
            "options": dict(self.options),
        }


@dataclass(frozen=True)
class PlacedQuestionnaire:
    """A questionnaire and its moment, `before` or `after` the trials."""

    questionnaire: str
    moment: str


def parse_blocks(raw: object) -> tuple[Block, ...]:
    """Read the blocks of a design.

    Raises:
        DesignError: there is no block, or one is not as `Block` says.
    """
    if not isinstance(raw, list) or not raw:
        raise DesignError(
            'blocks must be a list with at least one block, such as [{"task": "name", "trials": 24}]; '
            f"there is {raw!r:.80}."
        )
    return tuple(parse_block(entry, number=number) for number, entry in enumerate(raw, start=1))


def parse_block(raw: object, *, number: int) -> Block:
    """Read one block; `number` is its place in the design, from 1, for messages.

    Raises:
        DesignError: as `parse_blocks`.
    """
    known = {entry.name for entry in fields(Block)}
    if not isinstance(raw, dict) or not {"task", "trials"} <= raw.keys() <= known:
        raise DesignError(
            f"Block {number} needs task and trials and may have {', '.join(sorted(known - {'task', 'trials'}))}; "
            f"there is {raw!r:.120}."
        )
    block = Block(**(raw | {name: _words(raw, name, number=number) for name in ("practice", "attention")}))
    if not isinstance(block.task, str) or not block.task:
        raise DesignError(f"Block {number}: task must be the name of a task; there is {block.task!r}.")
    if type(block.trials) is not int or not 1 <= block.trials <= MOST_TRIALS:
        raise DesignError(f"Block {number}: trials must be a whole number from 1 to {MOST_TRIALS}, not {block.trials}.")
    share = block.control_share
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= LARGEST_CONTROL_SHARE:
        raise DesignError(
            f"Block {number}: control_share must be a number from 0 to {LARGEST_CONTROL_SHARE}, not {share!r}."
        )
    if not isinstance(block.options, dict):
        raise DesignError(f"Block {number}: options must be an object; there is {block.options!r:.80}.")
    return block


def _words(raw: dict[str, Any], name: str, *, number: int) -> tuple[str, ...]:
    words = raw.get(name, ())
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise DesignError(f"Block {number}: {name} must be a list of words; there is {words!r:.80}.")
    return tuple(words)


def parse_questionnaires(raw: object) -> tuple[PlacedQuestionnaire, ...]:
    """Read the questionnaires of a design; one questionnaire may come before and after the trials, but not twice.

    Raises:
        DesignError: an entry is not as `PlacedQuestionnaire` says, or occurs twice.
    """
    if not isinstance(raw, list):
        raise DesignError(f"questionnaires must be a list; there is {raw!r:.80}.")
    placed = []
    for entry in raw:
        if not isinstance(entry, dict) or entry.keys() != {"questionnaire", "moment"} or entry["moment"] not in MOMENTS:
            raise DesignError(
                'Each questionnaire looks like {"questionnaire": "demographics", "moment": "after"} with the moment '
                f"before or after; there is {entry!r:.120}."
            )
        placed.append(PlacedQuestionnaire(entry["questionnaire"], entry["moment"]))
    if len(set(placed)) != len(placed):
        raise DesignError("A questionnaire occurs twice at the same moment; keep one of them.")
    return tuple(placed)
