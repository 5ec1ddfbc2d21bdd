"""What every task type offers: a stimulus rule, a form, scoring, export columns, practice items, a simulated answer.

A task holds no state; one instance serves all trials. What a trial shows beyond its stimulus (positions, sides,
options) is its *detail*: JSON of the shape `Task.detail_schema`, drawn with the plan and stored with the trial.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import jsonschema
from django.utils.translation import gettext as _

from study.allocation import PlannedItem
from study.comprehension import Question
from study.material import Material
from study.models import Answer, Phase, Trial
from study.tasks.form import Submission, TaskForm
from study.tasks.picture import ShownPicture

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SimulatedPerson


class UnknownTaskError(LookupError):
    """No registered task type has this name."""


class TaskOptionsError(ValueError):
    """The options of a block are not those of its task; the message says what was expected."""


class TrialDetailError(ValueError):
    """The detail of a trial does not have the shape that its task expects."""


@dataclass(frozen=True)
class PracticeItem:
    """A trial with a known answer, for practice and for attention checks.

    Attributes:
        key: its name within the task.
        class_name: class of the pictures, in words that the catalogues translate.
        detail: as the details of the task's main trials; its pictures are static files.
        expected: right answers, in the words in which the task judges them, of all languages.
        question: replaces the task's question, on instructed checks; empty otherwise.
    """

    key: str
    class_name: str
    detail: Mapping[str, Any]
    expected: frozenset[str]
    question: str = ""


@dataclass(frozen=True)
class Feedback:
    """What a participant reads after a practice answer."""

    correct: bool
    explanation: str
    answer: str


@dataclass(frozen=True)
class TrialPage:
    """What the page of a trial shows.

    Attributes:
        question: the one question.
        class_name: class of the pictures, in words; empty where naming it would give the answer away.
        pictures: all pictures; the trial starts when they are there.
        content: what else the task's template needs.
    """

    question: str
    class_name: str
    pictures: tuple[ShownPicture, ...]
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pictures_key(self) -> str:
        """What the pictures' part of the page depends on, besides the language."""
        return " ".join(f"{picture.url} {picture.width} {picture.height} {picture.alt}" for picture in self.pictures)


@dataclass(frozen=True)
class Judgement:
    """What was chosen, in words (empty where nothing is chosen), and whether it is right (None: no right answer)."""

    choice: str = ""
    correct: bool | None = None


@dataclass(frozen=True)
class TaskOptions:
    """Base of the options of a task: fields with defaults, checked in `__post_init__`."""


class Task(ABC):
    """A task type. See the module's docstring."""

    name: ClassVar[str]
    template_name: ClassVar[str]
    """Page of a trial; usually extends `study/trial.html`."""
    instructions_template: ClassVar[str]
    """Part of the instructions page: the worked example, with `example_pictures`."""
    steps_template: ClassVar[str]
    """Part of the instructions page: what to do, in steps."""
    keys_template: ClassVar[str]
    """Part of the trial page: which keys answer."""
    feedback_template: ClassVar[str] = ""
    """Part of the page after a practice answer: the stimulus, as `page` has it; empty for all pictures in a grid."""
    feedback_class: ClassVar[str] = ""
    """Class of that page's layout, as the block `trial_class` of the trial page."""
    form_class: ClassVar[type[TaskForm]]
    same_fields: ClassVar[bool] = False
    """Whether the block `fields` of the trial page is the same for all trials in a language, and so made once."""
    options_class: ClassVar[type[TaskOptions]] = TaskOptions
    detail_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": False}
    practice_items: ClassVar[Mapping[str, PracticeItem]]
    attention_items: ClassVar[Mapping[str, PracticeItem]] = {}
    """Items with a known answer that no practice trial shows, for attention checks."""
    worked_example: ClassVar[str]
    """Key of the practice item that the instructions show."""
    comprehension_questions: ClassVar[tuple[Question, ...]] = ()
    """What is asked between practice and the trials that count; nothing where it is empty."""
    answer_columns: ClassVar[tuple[str, ...]]
    """Columns of `responses_long` that this task fills, besides those that every answer has."""
    needs: ClassVar[str] = "at least one summary"
    """What a study must hold for this task, in words, for messages."""
    fewest_classes: ClassVar[int] = 1
    """How many classes a participant must meet in a block of this task."""
    seconds_per_trial: ClassVar[float]
    """Typical time that a trial takes, for the planned burden; to be corrected after a pilot."""

    # What a researcher chooses, and what can be shown

    def read_options(self, raw: Mapping[str, Any]) -> Any:
        """Return the options of a block as an `options_class`.

        Raises:
            TaskOptionsError: an option is unknown or has a value that is not possible.
        """
        known = {entry.name for entry in fields(self.options_class)}
        unknown = sorted(set(raw) - known)
        if unknown:
            raise TaskOptionsError(
                f"Task {self.name!r} has no option {unknown[0]!r}; it has {', '.join(sorted(known)) or 'none'}."
            )
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
        try:
            return self.options_class(**values)
        except (TypeError, ValueError) as error:
            raise TaskOptionsError(f"Task {self.name!r}: {error}") from error

    @abstractmethod
    def items(self, material: Material, options: Any, *, generator: "np.random.Generator") -> Sequence[PlannedItem]:
        """Return everything that a trial can show: the stimulus rule."""

    def alternatives(self, options: Any) -> int:
        """Return how many positions the target can have; 1 where there is no target."""
        return 1

    def detail(
        self,
        item: PlannedItem,
        material: Material,
        options: Any,
        *,
        position: int,
        classes: frozenset[str],
        generator: "np.random.Generator",
    ) -> dict[str, Any]:
        """Return what a trial shows beyond its stimulus; pictures are filled in later.

        `position` is the target's, from 1 to `alternatives`; `classes` are those that the participant meets in this
        block.
        """
        return {}

    @cached_property
    def _detail_validator(self) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(self.detail_schema)

    def check_detail(self, detail: Mapping[str, Any]) -> None:
        """Check the shape of a trial's detail, pictures included.

        Raises:
            TrialDetailError: it breaks `detail_schema`.
        """
        violation = jsonschema.exceptions.best_match(self._detail_validator.iter_errors(detail))
        if violation is not None:
            place = "/".join(str(step) for step in violation.absolute_path) or "the top level"
            raise TrialDetailError(f"Detail of a {self.name} trial, at {place}: {violation.message[:200]}.")

    # What a participant sees and sends

    @property
    @abstractmethod
    def question(self) -> str:
        """The one question, in the active language."""

    def page(self, trial: Trial) -> TrialPage:
        """Return what the page of a trial shows."""
        item = find_item(self, trial)
        pictures, content = self.content(trial)
        return TrialPage(
            question=(item.question if item else "") or self.question,
            class_name=self.class_name(trial),
            pictures=tuple(pictures),
            content=content,
        )

    def class_name(self, trial: Trial) -> str:
        """Return the class that the page names: English as in the data set, or translated, for items of our own."""
        item = find_item(self, trial)
        if item is not None:
            return _(item.class_name) if item.class_name else ""
        if trial.stimulus is not None:
            return trial.stimulus.condition.class_name
        return str(trial.detail.get("class", ""))

    @abstractmethod
    def content(self, trial: Trial) -> tuple[list[ShownPicture], dict[str, Any]]:
        """Return all pictures of a trial, and what else its template needs."""

    def form(self, trial: Trial, data: Mapping[str, Any] | None = None) -> TaskForm:
        """Return the trial's form, filled with what was sent."""
        return self.form_class(data, detail=trial.detail)

    # Judging and exporting answers

    def judge(self, trial: Trial, submission: Submission) -> Judgement:
        """Return what the answer to a trial says, in words, and whether it is right."""
        item = find_item(self, trial)
        return Judgement(correct=self.is_correct(item, submission) if item is not None else None)

    def export_values(self, trial: Trial, answer: Answer) -> dict[str, Any]:
        """Return the values of this task's own columns of `responses_long`, among `answer_columns`."""
        return {}

    # Items with a known answer

    def practice_item(self, key: str) -> PracticeItem:
        """Return a practice item.

        Raises:
            LookupError: this task has no item of that name.
        """
        try:
            return self.practice_items[key]
        except KeyError:
            known = ", ".join(sorted(self.practice_items))
            raise LookupError(f"Task {self.name!r} has no practice item {key!r}; it has {known}.") from None

    def example_pictures(self) -> list[ShownPicture]:
        """Return the pictures of the worked example, with neutral alternative texts."""
        item = self.practice_item(self.worked_example)
        pictures, _content = self.content(Trial(phase=Phase.PRACTICE, practice_item=item.key, detail=dict(item.detail)))
        return pictures

    @property
    def instructed_item(self) -> PracticeItem | None:
        """An item whose question asks for one certain answer, for attention checks; None where there is none."""
        return None

    @abstractmethod
    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether an answer to an item with a known answer is right."""

    @abstractmethod
    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice answer, in the active language."""

    @abstractmethod
    def simulated_fields(
        self, person: "SimulatedPerson", trial: Trial, *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return the form fields that a simulated person would send. A program's answer, never a finding."""


def find_item(task: Task, trial: Trial) -> PracticeItem | None:
    """Return the item with a known answer that a trial shows; None for main trials.

    Raises:
        LookupError: the task, or its attention check, has no such item.
    """
    if trial.phase == Phase.PRACTICE:
        return task.practice_item(trial.practice_item)
    if trial.phase == Phase.ATTENTION:
        from study.attention import attention_item

        return attention_item(task, trial.practice_item)
    return None
