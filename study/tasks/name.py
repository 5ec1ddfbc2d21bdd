"""The task of the paper: name what the highlighted regions have in common, or say that there is nothing."""

import unicodedata
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.comprehension import NAMING_QUESTIONS
from study.models import AnswerKind, Trial
from study.tasks.base import Feedback, PracticeItem
from study.tasks.form import Submission, TaskForm, confidence_field
from study.tasks.one_summary import OneSummaryTask, drawn_birds

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SimulatedPerson

LONGEST_NAME = 60
NOTHING = frozenset[str]()
"""Expected names where “No common part” is right."""


class NameForm(TaskForm):
    """Free text or “No common part”, then confidence."""

    text = forms.CharField(
        required=False,
        max_length=LONGEST_NAME,
        label=gettext_lazy("The common part"),
        error_messages={"max_length": gettext_lazy("Please use at most 60 characters; one or two words are enough.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "true", "maxlength": LONGEST_NAME}
        ),
    )
    no_common_part = forms.BooleanField(required=False, label=gettext_lazy("No common part"))
    confidence = confidence_field()

    def clean_text(self) -> str:
        """Return the words in Unicode's composed form; the field has stripped the ends already."""
        return unicodedata.normalize("NFC", self.cleaned_data["text"])

    def clean(self) -> dict[str, Any]:
        """Accept exactly one of words and “No common part”."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "text" in self.errors:
            return cleaned
        if cleaned.get("no_common_part") and cleaned.get("text"):
            self.add_error("text", _("You typed words and chose “No common part”. Please keep only one of the two."))
        elif not cleaned.get("no_common_part") and not cleaned.get("text"):
            self.add_error("text", _("Please type one or two words, or choose “No common part”."))
        return cleaned

    def submission(self) -> Submission:
        """Return the validated answer."""
        data = self.cleaned_data
        return Submission(
            kind=AnswerKind.NO_COMMON_PART if data["no_common_part"] else AnswerKind.NAMED,
            text=data["text"],
            confidence=data["confidence"],
            **self.measured(),
        )


class NameTask(OneSummaryTask):
    """Task `name` (arXiv 1801.09103, user study)."""

    name = "name"
    template_name = "study/tasks/name.html"
    instructions_template = "study/tasks/name_example.html"
    steps_template = "study/tasks/name_steps.html"
    keys_template = "study/tasks/name_keys.html"
    form_class = NameForm
    same_fields = True
    worked_example = "wing"
    practice_items = {
        item.key: item
        for item in (
            drawn_birds("wing", frozenset({"wing", "wings", "ala", "ali"})),
            drawn_birds("beak", frozenset({"beak", "beaks", "bill", "bills", "becco", "becchi"})),
            drawn_birds("mixed", NOTHING),
        )
    }
    attention_items = {
        "legs": drawn_birds(
            "legs", frozenset({"leg", "legs", "foot", "feet", "claw", "claws", "zampa", "zampe", "piedi"})
        ),
    }
    comprehension_questions = NAMING_QUESTIONS
    answer_columns = ("answer_kind", "answer_text", "confidence")
    seconds_per_trial = 15.0

    @property
    def question(self) -> str:
        """The question of the paper's study, as reconstructed in the preset."""
        return _("What do the highlighted regions have in common?")

    @property
    def instructed_item(self) -> PracticeItem:
        """An item that asks for “No common part”, whatever the pictures show."""
        return drawn_birds(
            "wing", NOTHING, question=_("To show that you read this, please choose “No common part” here.")
        )

    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether the words contain an expected one, or “No common part” was chosen where it is right."""
        if not item.expected:
            return submission.kind == AnswerKind.NO_COMMON_PART
        words = "".join(letter if letter.isalpha() else " " for letter in submission.text.casefold()).split()
        return submission.kind == AnswerKind.NAMED and bool(item.expected.intersection(words))

    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice answer."""
        if item.key == "beak":
            answer = _("beak")
            explanation = _("Every highlighted region shows the bird's beak. “Bill” would be just as good.")
        elif item.key == "wing":
            answer = _("wing")
            explanation = _("Every highlighted region shows a wing.")
        else:
            answer = _("No common part")
            explanation = _(
                "Each highlighted region shows something else, so there is nothing to name. "
                "When you see no common part, say so: it is a full answer."
            )
        return Feedback(correct=correct, explanation=explanation, answer=answer)

    def simulated_fields(
        self, person: "SimulatedPerson", trial: Trial, *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return the form fields that a simulated person would send: a name in their words, or none."""
        name, confidence = person.name(trial, generator=generator)
        fields = {"text": name or "", "confidence": str(confidence)}
        if name is None:
            fields["no_common_part"] = "1"
        return fields
