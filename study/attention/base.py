"""What every attention check offers: items of a task whose right answer is known."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from study.tasks import PracticeItem, Task


class UnknownCheckError(LookupError):
    """No registered attention check has this name, or it has no such item."""


class AttentionCheck(ABC):
    """An attention check. It looks like any other trial of the task, and shows nothing that practice has explained."""

    name: ClassVar[str]

    @abstractmethod
    def keys(self, task: "Task") -> tuple[str, ...]:
        """Return the names of the items that this check has for a task; empty where it has none."""

    @abstractmethod
    def item(self, task: "Task", key: str) -> "PracticeItem":
        """Return an item.

        Raises:
            LookupError: this check has no such item for the task.
        """
