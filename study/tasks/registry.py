"""The task types that the setting `STUDY_TASKS` names."""

from study.registry import Registry
from study.tasks.base import Task, UnknownTaskError

TASKS = Registry[Task]("STUDY_TASKS", noun="task", unknown=UnknownTaskError)


def all_tasks() -> dict[str, Task]:
    """Return the registered task types by name, in the order of the setting."""
    return TASKS.all()


def get_task(name: str) -> Task:
    """Return a task type.

    Raises:
        UnknownTaskError: no task of that name is registered.
    """
    return TASKS.get(name)
