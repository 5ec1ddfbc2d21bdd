"""Task types. Each is one file with a `Task` subclass, named in the setting `STUDY_TASKS`."""

from study.tasks.base import (
    Feedback,
    Judgement,
    PracticeItem,
    Task,
    TaskOptions,
    TaskOptionsError,
    TrialDetailError,
    TrialPage,
    UnknownTaskError,
    find_item,
)
from study.tasks.form import ChoiceForm, Submission, TaskForm
from study.tasks.picture import ShownPicture, numbered, shown_picture
from study.tasks.registry import all_tasks, get_task

__all__ = [
    "ChoiceForm",
    "Feedback",
    "Judgement",
    "PracticeItem",
    "ShownPicture",
    "Submission",
    "Task",
    "TaskForm",
    "TaskOptions",
    "TaskOptionsError",
    "TrialDetailError",
    "TrialPage",
    "UnknownTaskError",
    "all_tasks",
    "find_item",
    "get_task",
    "numbered",
    "shown_picture",
]
