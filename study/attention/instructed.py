"""Attention check `instructed`: the question itself asks for one certain answer.

After Oppenheimer et al. 2009, doi 10.1016/j.jesp.2009.03.009, but announced in the question that everybody reads.
"""

from typing import TYPE_CHECKING

from study.attention.base import AttentionCheck

if TYPE_CHECKING:
    from study.tasks import PracticeItem, Task

KEY = "asked"


class Instructed(AttentionCheck):
    """Uses the task's `instructed_item`."""

    name = "instructed"

    def keys(self, task: "Task") -> tuple[str, ...]:
        """Return the one item, where the task has it."""
        return () if task.instructed_item is None else (KEY,)

    def item(self, task: "Task", key: str) -> "PracticeItem":
        """Return the task's instructed item."""
        item = task.instructed_item
        if key != KEY or item is None:
            raise LookupError(f"Task {task.name!r} has no instructed item {key!r}.")
        return item
