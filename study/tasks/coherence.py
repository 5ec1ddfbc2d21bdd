"""Task `coherence`: rate how well the highlighted regions show one and the same thing, from 1 to 7."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.models import Answer, AnswerKind, Trial
from study.tasks.base import Feedback, PracticeItem
from study.tasks.form import Submission, TaskForm
from study.tasks.one_summary import OneSummaryTask, drawn_birds

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SimulatedPerson

POINTS = 7
HIGH = frozenset({"5", "6", "7"})
LOW = frozenset({"1", "2", "3"})
CHOOSE_A_NUMBER = gettext_lazy("Please choose a number from 1 to 7.")


class CoherenceForm(TaskForm):
    """A rating from 1 (nothing in common) to 7 (all the same thing)."""

    rating = forms.TypedChoiceField(
        choices=[(point, str(point)) for point in range(1, POINTS + 1)],
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        label=gettext_lazy("How well do the regions fit together?"),
        error_messages={"required": CHOOSE_A_NUMBER, "invalid_choice": CHOOSE_A_NUMBER},
    )

    def submission(self) -> Submission:
        """Return the validated rating."""
        return Submission(kind=AnswerKind.RATING, value=float(self.cleaned_data["rating"]), **self.measured())


class CoherenceTask(OneSummaryTask):
    """Ratings of coherence on a scale whose ends are labelled."""

    name = "coherence"
    template_name = "study/tasks/coherence.html"
    instructions_template = "study/tasks/coherence_example.html"
    steps_template = "study/tasks/coherence_steps.html"
    keys_template = "study/tasks/coherence_keys.html"
    form_class = CoherenceForm
    same_fields = True
    worked_example = "wing"
    practice_items = {
        item.key: item for item in (drawn_birds("wing", HIGH), drawn_birds("beak", HIGH), drawn_birds("mixed", LOW))
    }
    attention_items = {"legs": drawn_birds("legs", HIGH)}
    answer_columns = ("answer_value", "options")
    seconds_per_trial = 8.0

    @property
    def question(self) -> str:
        """The one question."""
        return _("How well do the highlighted regions show one and the same thing?")

    @property
    def instructed_item(self) -> PracticeItem:
        """An item that asks for a 2, whatever the pictures show."""
        return drawn_birds(
            "wing", frozenset({"2"}), question=_("To show that you read this, please choose the number 2 here.")
        )

    def export_values(self, trial: Trial, answer: Answer) -> dict[str, Any]:
        """Return the number of points of the scale."""
        return {"options": POINTS}

    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether the rating is among the expected ones."""
        return submission.value is not None and f"{submission.value:.0f}" in item.expected

    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice rating."""
        if item.expected == HIGH:
            answer = _("5, 6 or 7")
            explanation = _("Every highlighted region shows the same part of a bird, so they fit together well.")
        else:
            answer = _("1, 2 or 3")
            explanation = _("Each highlighted region shows something else, so they hardly fit together.")
        return Feedback(correct=correct, explanation=explanation, answer=answer)

    def simulated_fields(
        self, person: "SimulatedPerson", trial: Trial, *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return a rating that grows with what there is to see."""
        return {"rating": str(person.rating(trial, points=POINTS, generator=generator))}
