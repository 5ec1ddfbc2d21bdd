"""Attention check `known-answer`: a trial with drawn birds whose answer nobody who looks can miss."""

from typing import TYPE_CHECKING

from study.attention.base import AttentionCheck

if TYPE_CHECKING:
    from study.tasks import PracticeItem, Task


class KnownAnswer(AttentionCheck):
    """Uses the task's `attention_items`."""

    name = "known-answer"

    def keys(self, task: "Task") -> tuple[str, ...]:
        """Return the names of the task's items for checks."""
        return tuple(task.attention_items)

    def item(self, task: "Task", key: str) -> "PracticeItem":
        """Return an item of the task."""
        return task.attention_items[key]
