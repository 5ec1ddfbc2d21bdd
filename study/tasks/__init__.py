"""Task types. Each is one file with a `Task` subclass, named in the setting `STUDY_TASKS`."""

from study.tasks.base import Feedback, PracticeItem, ShownPicture, Submission, Task, TaskForm, UnknownTaskError
from study.tasks.registry import all_tasks, get_task

__all__ = [
    "Feedback",
    "PracticeItem",
    "ShownPicture",
    "Submission",
    "Task",
    "TaskForm",
    "UnknownTaskError",
    "all_tasks",
    "get_task",
]
