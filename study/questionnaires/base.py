"""What every questionnaire offers: a title, a form, and simulated answers. Every question may be left empty."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django import forms

if TYPE_CHECKING:
    import numpy as np

LONGEST_TEXT = 2000


class UnknownQuestionnaireError(LookupError):
    """No registered questionnaire has this name."""


@dataclass(frozen=True)
class Given:
    """The answer to one question: words or a number, or neither where it was left empty."""

    question: str
    text: str = ""
    value: float | None = None


class QuestionnaireForm(forms.Form):
    """A form whose fields are the questions, by key. Numbers are stored as numbers, all else as words."""

    def given(self) -> list[Given]:
        """Return one entry per question, in the order of the form."""
        entries = []
        for key in self.fields:
            value = self.cleaned_data.get(key)
            if isinstance(value, bool) or value is None or value == "":
                entries.append(Given(key))
            elif isinstance(value, int | float):
                entries.append(Given(key, value=float(value)))
            else:
                entries.append(Given(key, text=str(value)[:LONGEST_TEXT]))
        return entries


class Questionnaire(ABC):
    """A questionnaire. Subclasses hold no state; one instance serves all participants."""

    name: ClassVar[str]
    template_name: ClassVar[str] = "study/questionnaires/questionnaire.html"
    form_class: ClassVar[type[QuestionnaireForm]]

    @property
    @abstractmethod
    def title(self) -> str:
        """The heading, in the active language."""

    @property
    def introduction(self) -> str:
        """A sentence under the heading, in the active language; empty where there is none."""
        return ""

    def form(self, data: Mapping[str, str] | None = None) -> QuestionnaireForm:
        """Return the form, filled with what was sent."""
        return self.form_class(data)

    @abstractmethod
    def simulated_fields(self, *, generator: "np.random.Generator") -> dict[str, str]:
        """Return the form fields that a simulated person would send. A program's answer, never a finding."""
