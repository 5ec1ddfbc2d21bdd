"""Comprehension questions: whether the task was understood, asked once between practice and the trials that count.

A task type brings its own questions in `comprehension_questions`; one without any is not asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TRIES = 2


@dataclass(frozen=True)
class Question:
    """One question with its options by key, the key of the right one, and why it is right."""

    key: str
    text: str | Promise
    options: Mapping[str, str | Promise]
    right: str
    explanation: str | Promise

    def __post_init__(self) -> None:
        if self.right not in self.options:
            raise ValueError(
                f"Question {self.key!r}: the right option is {self.right!r}, expected one of {sorted(self.options)}."
            )


class ComprehensionForm(forms.Form):
    """One group of radio buttons per question, in their order."""

    def __init__(self, questions: Sequence[Question], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.questions = tuple(questions)
        for question in self.questions:
            self.fields[question.key] = forms.ChoiceField(
                choices=list(question.options.items()),
                label=str(question.text),
                widget=forms.RadioSelect,
                error_messages={"required": _("Please choose one of the answers.")},
            )

    def wrong_answers(self) -> list[Question]:
        """Return the questions that were answered wrongly; only of a valid form."""
        return [question for question in self.questions if self.cleaned_data[question.key] != question.right]


HIGHLIGHTED_PART = Question(
    key="what",
    text=_("What are you asked to name?"),
    options={
        "picture": _("What each whole picture shows"),
        "part": _("What the highlighted regions have in common"),
        "colour": _("The colour of the frame"),
    },
    right="part",
    explanation=_("Only the highlighted regions matter. You are told what the whole pictures show."),
)
NOTHING_IN_COMMON = Question(
    key="nothing",
    text=_("What do you do when the regions have nothing in common?"),
    options={
        "guess": _("Type any word"),
        "none": _("Choose “No common part”"),
        "leave": _("Close the page"),
    },
    right="none",
    explanation=_("“No common part” is a full answer. Some groups really have none."),
)
NAMING_QUESTIONS = (HIGHLIGHTED_PART, NOTHING_IN_COMMON)
