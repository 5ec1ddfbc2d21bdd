"""The attention checks that the setting `STUDY_ATTENTION_CHECKS` names."""

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from study.attention.base import AttentionCheck, UnknownCheckError

if TYPE_CHECKING:
    from study.tasks import PracticeItem, Task

SEPARATOR = ":"


@cache
def _instances(paths: tuple[str, ...]) -> dict[str, AttentionCheck]:
    instances = [import_string(path)() for path in paths]
    return {instance.name: instance for instance in instances}


def all_checks() -> dict[str, AttentionCheck]:
    """Return the registered attention checks by name, in the order of the setting."""
    return _instances(tuple(settings.STUDY_ATTENTION_CHECKS))


def get_check(name: str) -> AttentionCheck:
    """Return an attention check.

    Raises:
        UnknownCheckError: no check of that name is registered.
    """
    checks = all_checks()
    if name not in checks:
        raise UnknownCheckError(
            f"No attention check {name!r}; registered in STUDY_ATTENTION_CHECKS: {', '.join(checks)}."
        )
    return checks[name]


def attention_item(task: "Task", reference: str) -> "PracticeItem":
    """Return the item that a trial shows; `reference` is `<check>:<key>`, as the trial stores it.

    Raises:
        UnknownCheckError: there is no such check, or it has no such item for the task.
    """
    name, _separator, key = reference.partition(SEPARATOR)
    try:
        return get_check(name).item(task, key)
    except UnknownCheckError:
        raise
    except LookupError as error:
        raise UnknownCheckError(f"Attention check {name!r} has no item {key!r} for task {task.name!r}.") from error
