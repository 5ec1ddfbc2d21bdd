"""The form that every task's form extends, and what it yields: a submission."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from study.models import AnswerKind

LARGEST_NUMBER = 1e15
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
CONFIDENCE_LABELS = (
    (1, gettext_lazy("Guessing")),
    (2, gettext_lazy("Unsure")),
    (3, gettext_lazy("Fairly sure")),
    (4, gettext_lazy("Sure")),
    (5, gettext_lazy("Certain")),
)


@dataclass(frozen=True)
class Submission:
    """A validated answer, not yet stored. Times in milliseconds; `reaction_time_ms` is None without JavaScript."""

    kind: AnswerKind
    text: str = ""
    value: float | None = None
    confidence: int | None = None
    reaction_time_ms: float | None = None
    input_details: Mapping[str, Any] = field(default_factory=dict)


def confidence_field() -> forms.TypedChoiceField:
    """Return the question how sure somebody is, from 1 (guessing) to 5 (certain)."""
    return forms.TypedChoiceField(
        choices=CONFIDENCE_LABELS,
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        label=gettext_lazy("How sure are you?"),
        error_messages={
            "required": gettext_lazy("Please say how sure you are."),
            "invalid_choice": gettext_lazy("Please choose one of the five options."),
        },
    )


class TaskForm(forms.Form):
    """The fields that every task's form has. What the browser measures is never a reason to refuse an answer."""

    reaction_time_ms = forms.CharField(required=False, widget=forms.HiddenInput)
    client = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, detail: Mapping[str, Any] | None = None) -> None:
        """Keep what the trial shows: it decides which choices there are."""
        super().__init__(data)
        self.detail = detail or {}

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
        except (ValueError, RecursionError):  # no JSON, or thousands of brackets
            return {}
        if not isinstance(report, dict):
            return {}
        return {key: report[key] for key in CLIENT_REPORT_KEYS if is_short_scalar(report.get(key))}

    def submission(self) -> Submission:
        """Return the validated answer. Each task's form says how."""
        raise NotImplementedError

    def measured(self) -> dict[str, Any]:
        """Return what the browser measured, as fields of a `Submission`."""
        return {
            "reaction_time_ms": self.cleaned_data["reaction_time_ms"],
            "input_details": self.cleaned_data["client"],
        }


class ChoiceForm(TaskForm):
    """One choice among numbered alternatives, from 1; confidence where the trial asks for it."""

    choice = forms.TypedChoiceField(
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Please choose one of the options."),
            "invalid_choice": gettext_lazy("Please choose one of the options."),
        },
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, detail: Mapping[str, Any] | None = None) -> None:
        """Take the number of alternatives and the wish for confidence from the trial's detail."""
        super().__init__(data, detail=detail)
        self.fields["choice"].choices = self.alternatives()  # type: ignore[attr-defined]
        if self.detail.get("confidence"):
            self.fields["confidence"] = confidence_field()

    def alternatives(self) -> list[tuple[int, str]]:
        """Return the alternatives, each a number and its words."""
        raise NotImplementedError

    def submission(self) -> Submission:
        """Return the validated choice."""
        return Submission(
            kind=AnswerKind.CHOICE,
            value=float(self.cleaned_data["choice"]),
            confidence=self.cleaned_data.get("confidence"),
            **self.measured(),
        )


def is_short_scalar(value: object, *, longest: int = 40) -> bool:
    """Tell whether a value from a browser's report is worth keeping: a number, a truth value, a short word.

    Everything that is kept can be stored as JSON on every database: no NUL, no lone surrogate, nothing infinite.
    """
    if isinstance(value, str):
        return 0 < len(value) <= longest and value.isprintable()
    return isinstance(value, bool | int | float) and -LARGEST_NUMBER <= value <= LARGEST_NUMBER
