"""The attention checks that the setting `STUDY_ATTENTION_CHECKS` names."""

from typing import TYPE_CHECKING

from study.attention.base import AttentionCheck, UnknownCheckError
from study.registry import Registry

if TYPE_CHECKING:
    from study.tasks import PracticeItem, Task

SEPARATOR = ":"
CHECKS = Registry[AttentionCheck]("STUDY_ATTENTION_CHECKS", noun="attention check", unknown=UnknownCheckError)


def all_checks() -> dict[str, AttentionCheck]:
    """Return the registered attention checks by name, in the order of the setting."""
    return CHECKS.all()


def get_check(name: str) -> AttentionCheck:
    """Return an attention check.

    Raises:
        UnknownCheckError: no check of that name is registered.
    """
    return CHECKS.get(name)


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
