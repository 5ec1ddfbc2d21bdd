"""The task types that the setting `STUDY_TASKS` names."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from study.tasks.base import Task, UnknownTaskError


@cache
def _instances(paths: tuple[str, ...]) -> dict[str, Task]:
    instances = [import_string(path)() for path in paths]
    return {instance.name: instance for instance in instances}


def all_tasks() -> dict[str, Task]:
    """Return the registered task types by name, in the order of the setting."""
    return _instances(tuple(settings.STUDY_TASKS))


def get_task(name: str) -> Task:
    """Return a task type.

    Raises:
        UnknownTaskError: no task of that name is registered.
    """
    tasks = all_tasks()
    if name not in tasks:
        raise UnknownTaskError(f"No task {name!r}; registered in STUDY_TASKS: {', '.join(tasks)}.")
    return tasks[name]
