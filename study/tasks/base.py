"""What every task type offers: a stimulus rule, a form, scoring, export columns, practice items, a simulated answer."""

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.templatetags.static import static
from django.utils.translation import gettext as _

from study.comprehension import Question
from study.models import AnswerKind, Stimulus
from study.picture_renditions import SMALL_FROM, Rendition, small_width

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SeenStimulus, SimulatedPerson

STIMULUS_URL = re.compile(r"(.*/[0-9a-f]{64})\.webp")
LONGEST_REACTION_MS = 24 * 60 * 60 * 1000.0
LARGEST_CLIENT_REPORT = 4096
CLIENT_REPORT_KEYS = (
    "input_type",
    "viewport_width",
    "viewport_height",
    "device_pixel_ratio",
    "blur_ms",
    "blur_count",
    "paste_count",
    "key_count",
    "pictures_loaded_ms",
    "enlarged_count",
)


class UnknownTaskError(LookupError):
    """No registered task type has this name."""


@dataclass(frozen=True)
class ShownPicture:
    """A picture on a page; width and height in pixels, so that nothing jumps while it loads.

    Pictures of stimuli come in a small form too, and as JPEG for browsers without WebP; pictures among the static files
    do not.
    """

    url: str
    width: int
    height: int
    alt: str

    @property
    def fallback_url(self) -> str:
        """The address for browsers without WebP; that of the picture itself where there is no other."""
        return f"{self._stem}{Rendition.JPEG}" if self._stem else self.url

    @property
    def source_set(self) -> str:
        """The WebP forms with their widths, for `srcset`; empty where there is but one."""
        if not self._stem or self.width < SMALL_FROM:
            return ""
        return f"{self._stem}{Rendition.SMALL} {small_width(self.width)}w, {self.url} {self.width}w"

    def as_preload(self) -> dict[str, str]:
        """Return what a browser needs to load the same form ahead that the page will show."""
        return {"src": self.url, "srcset": self.source_set}

    @property
    def _stem(self) -> str:
        found = STIMULUS_URL.fullmatch(self.url)
        return found[1] if found else ""


@dataclass(frozen=True)
class PracticeItem:
    """A trial with a known answer.

    `static_names` are paths of 480 × 480 pictures among the static files. `accepted` holds the accepted words in
    lower case; it is empty where the right answer is “No common part”.
    """

    key: str
    class_name: str
    static_names: tuple[str, ...]
    accepted: frozenset[str]

    @property
    def pictures(self) -> list[ShownPicture]:
        """The item's pictures, with neutral alternative texts."""
        return [
            ShownPicture(url=static(name), width=480, height=480, alt=_("Picture %(number)d") % {"number": number})
            for number, name in enumerate(self.static_names, start=1)
        ]


@dataclass(frozen=True)
class Feedback:
    """What a participant reads after a practice answer."""

    correct: bool
    explanation: str
    answer: str


@dataclass(frozen=True)
class Submission:
    """A validated answer, not yet stored. Times in milliseconds; `reaction_time_ms` is None without JavaScript."""

    kind: AnswerKind
    text: str = ""
    value: float | None = None
    confidence: int | None = None
    reaction_time_ms: float | None = None
    input_details: Mapping[str, Any] = field(default_factory=dict)


class TaskForm(forms.Form):
    """The fields that every task's form has. What the browser measures is never a reason to refuse an answer."""

    reaction_time_ms = forms.CharField(required=False, widget=forms.HiddenInput)
    client = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_reaction_time_ms(self) -> float | None:
        """Return a plausible number of milliseconds, or None: a missing time is better than a lost answer."""
        try:
            value = float(self.cleaned_data["reaction_time_ms"])
        except ValueError:
            return None
        return value if math.isfinite(value) and 0 <= value <= LONGEST_REACTION_MS else None

    def clean_client(self) -> dict[str, Any]:
        """Return the known keys of the browser's report; anything unreadable becomes an empty report."""
        raw = self.cleaned_data["client"]
        if len(raw) > LARGEST_CLIENT_REPORT:
            return {}
        try:
            report = json.loads(raw)
        except ValueError:
            return {}
        if not isinstance(report, dict):
            return {}
        return {key: report[key] for key in CLIENT_REPORT_KEYS if is_short_scalar(report.get(key))}

    def submission(self) -> Submission:
        """Return the validated answer. Each task's form says how."""
        raise NotImplementedError


def is_short_scalar(value: object) -> bool:
    """Tell whether a value from a browser's report is worth keeping: a finite number, a truth value or a short word."""
    if isinstance(value, str):
        return 0 < len(value) <= 40
    return isinstance(value, bool | int | float) and math.isfinite(value)


class Task(ABC):
    """A task type. Subclasses hold no state; one instance serves all trials."""

    name: ClassVar[str]
    template_name: ClassVar[str]
    form_class: ClassVar[type[TaskForm]]
    practice_items: ClassVar[Mapping[str, PracticeItem]]
    worked_example: ClassVar[str]
    """Key of the practice item that the instructions show."""
    comprehension_questions: ClassVar[tuple[Question, ...]] = ()
    """What is asked between practice and the trials that count; nothing where it is empty."""
    answer_columns: ClassVar[tuple[str, ...]]
    """Columns of `responses_long` that this task fills, besides those that every answer has."""

    @property
    @abstractmethod
    def question(self) -> str:
        """The one question, in the active language."""

    def pictures(self, stimulus: Stimulus) -> list[ShownPicture]:
        """Return the pictures that a trial shows: one per member, with alternative texts that give nothing away."""
        return [
            ShownPicture(picture.url, picture.width, picture.height, _("Picture %(number)d") % {"number": number})
            for number, picture in enumerate(stimulus.cells, start=1)
        ]

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

    @abstractmethod
    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether a practice answer is right."""

    @abstractmethod
    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice answer, in the active language."""

    @abstractmethod
    def simulated_fields(
        self, person: "SimulatedPerson", seen: "SeenStimulus", *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return the form fields that a simulated person would send. A program's answer, never a finding."""
