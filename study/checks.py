"""System checks: what would otherwise fail only when the first participant arrives."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string


@register()
def check_tasks(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every entry of `STUDY_TASKS` is a task type."""
    from study.tasks import Task

    return _check_classes("STUDY_TASKS", Task, "study.E001", "Give the dotted path of a subclass of study.tasks.Task.")


@register()
def check_recruiters(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every entry of `STUDY_RECRUITERS` is a recruiter."""
    from study.recruitment import Recruiter

    hint = "Give the dotted path of a subclass of study.recruitment.Recruiter."
    return _check_classes("STUDY_RECRUITERS", Recruiter, "study.E002", hint)


@register()
def check_contracts(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The contracts with the other packages are there."""
    return [
        Error(
            f"{path} does not exist.",
            hint="Restore the file from the repository, or set CONTRACTS_DIRECTORY.",
            id="study.E003",
        )
        for name in ("manifest.schema.json", "long_table.json")
        if not (path := settings.CONTRACTS_DIRECTORY / name).is_file()
    ]


@register()
def check_answer_columns(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every task type fills columns that the long table has."""
    from study.contract import long_table_contract
    from study.tasks import all_tasks

    if check_tasks(app_configs) or check_contracts(app_configs):
        return []  # reported already, and nothing more can be said before they are mended
    known = set(long_table_contract().tables["responses_long"].column_names)
    return [
        Error(
            f"Task {task.name!r} fills columns that contracts/long_table.json lacks: {', '.join(sorted(unknown))}.",
            hint="Correct the task's answer_columns, or extend the contract and its version.",
            id="study.E004",
        )
        for task in all_tasks().values()
        if (unknown := set(task.answer_columns) - known)
    ]


def _check_classes(setting: str, base: type, identifier: str, hint: str) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for path in getattr(settings, setting):
        try:
            found = import_string(path)
        except ImportError as error:
            problems.append(Error(f"{setting}: {path!r} cannot be imported ({error}).", hint=hint, id=identifier))
            continue
        if not (isinstance(found, type) and issubclass(found, base)):
            problems.append(Error(f"{setting}: {path!r} is no {base.__name__}.", hint=hint, id=identifier))
    return problems
