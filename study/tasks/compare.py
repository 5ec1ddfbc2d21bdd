"""Task `compare`: two sets of summaries of one class side by side; which one explains the class better?

The sides are balanced and carry no label: nobody learns which network or method is where. There is no right answer;
comparisons of summaries with a control arm show whether people look at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _

from study.allocation import CONTROL_FREE_ARM, PlannedItem
from study.material import Material, MaterialStimulus
from study.models import Answer, AnswerKind, Trial
from study.tasks.base import Feedback, Judgement, PracticeItem, Task, TaskOptions, find_item
from study.tasks.form import ChoiceForm, Submission
from study.tasks.picture import PICTURE_SCHEMA, ShownPicture, shown_picture, static_record

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SimulatedPerson

LEFT, RIGHT, TIE = 1, 2, 3
WORDS = {LEFT: "left", RIGHT: "right", TIE: "tie"}
FACTORS = ("network", "method")
SetKey = tuple[str, str, str, str]

GROUPS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["picture"],
        "properties": {"summary": {"type": "string"}, "picture": PICTURE_SCHEMA},
    },
}
SIDE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groups"],
    "properties": {
        "network": {"type": "string"},
        "method": {"type": "string"},
        "arm": {"type": "string"},
        "groups": GROUPS_SCHEMA,
    },
}


@dataclass(frozen=True)
class CompareOptions(TaskOptions):
    """What a researcher chooses.

    Attributes:
        factors: what the two sides differ in: network, method, or either of them; never both at once.
        ties: whether “no difference” may be chosen.
        groups: summaries shown on a side at most, those with the largest mean drop; 1 to 12.
    """

    factors: tuple[str, ...] = ("network",)
    ties: bool = True
    groups: int = 4

    def __post_init__(self) -> None:
        """Refuse what is not possible.

        Raises:
            ValueError: says which option, and what was expected.
        """
        if not self.factors or not set(self.factors) <= set(FACTORS):
            raise ValueError(f"factors must be some of {', '.join(FACTORS)}; there is {self.factors!r}.")
        if type(self.groups) is not int or not 1 <= self.groups <= 12:
            raise ValueError(f"groups must be a whole number from 1 to 12; there is {self.groups!r}.")


class CompareForm(ChoiceForm):
    """Side A, side B, or no difference."""

    def alternatives(self) -> list[tuple[int, str]]:
        """Return the sides, and “no difference” where ties are allowed."""
        sides = [(LEFT, _("A")), (RIGHT, _("B"))]
        return [*sides, (TIE, _("No difference"))] if self.detail.get("ties", True) else sides


def birds_side_by_side(
    key: str, *, left: str, right: str, expected: int, question: str = "", second: str = "wing"
) -> PracticeItem:
    """Return two sides of two groups of drawn birds each; the side `mixed` shows no part twice."""

    def side(name: str) -> dict[str, Any]:
        names = ("mixed", "mixed-again") if name == "mixed" else (name, second)
        return {"groups": [{"picture": static_record(f"{name}-sheet", width=486, height=326)} for name in names]}

    return PracticeItem(
        key=key,
        class_name="bird",
        detail={"left": side(left), "right": side(right), "ties": True},
        expected=frozenset({str(expected)}),
        question=question,
    )


class CompareTask(Task):
    """Which side explains the class better?"""

    name = "compare"
    template_name = "study/tasks/compare.html"
    instructions_template = "study/tasks/compare_example.html"
    steps_template = "study/tasks/compare_steps.html"
    keys_template = "study/tasks/compare_keys.html"
    feedback_template = "study/tasks/compare_feedback.html"
    feedback_class = "trial-sides"
    form_class = CompareForm
    options_class = CompareOptions
    worked_example = "parts"
    needs = "two networks or methods with summaries of one class"
    seconds_per_trial = 20.0
    answer_columns = (
        "answer_value",
        "chosen",
        "options",
        "left_network",
        "left_method",
        "left_arm",
        "right_network",
        "right_method",
        "right_arm",
    )
    detail_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["left", "right", "ties"],
        "properties": {
            "class": {"type": "string"},
            "ties": {"type": "boolean"},
            "left": SIDE_SCHEMA,
            "right": SIDE_SCHEMA,
        },
    }

    # Stimulus rule

    def items(self, material: Material, options: Any, *, generator: "np.random.Generator") -> Sequence[PlannedItem]:
        """Return every pair of sets of a class that differ in one factor, and every set beside its own controls."""
        pairs = [
            (first, second)
            for first, second in combinations(material.sets, 2)
            if _differing(first, second) in {*options.factors, "arm"}
        ]
        return [_item(first, second, material, groups=options.groups) for first, second in pairs]

    def alternatives(self, options: Any) -> int:
        """Return the number of sides: the first set of a pair goes to one of them."""
        return 2

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
        """Return the two sides; `position` is the side of the first set of the pair."""
        sets = {_words(key): group for key, group in material.sets.items()}
        first, second = (_side(sets[words][: options.groups]) for words in item.identifier.split("~"))
        left, right = (first, second) if position == LEFT else (second, first)
        return {"class": item.class_name, "ties": options.ties, "left": left, "right": right}

    # Page

    @property
    def question(self) -> str:
        """The one question."""
        return _("Which side tells you better what makes up this class?")

    def content(self, trial: Trial) -> tuple[list[ShownPicture], dict[str, Any]]:
        """Return both sides with their groups, and the words of the choices."""
        sides: list[dict[str, Any]] = []
        for value, letter, side in ((LEFT, _("A"), "left"), (RIGHT, _("B"), "right")):
            groups = trial.detail[side]["groups"]
            pictures = [
                shown_picture(
                    group["picture"], _("Side %(letter)s, group %(number)d") % {"letter": letter, "number": number}
                )
                for number, group in enumerate(groups, start=1)
            ]
            sides.append({"value": value, "letter": letter, "pictures": pictures})
        return [picture for side in sides for picture in side["pictures"]], {
            "sides": sides,
            "tie": TIE if trial.detail["ties"] else None,
        }

    # Answers

    def judge(self, trial: Trial, submission: Submission) -> Judgement:
        """Return the chosen side; only items with a known answer have a right one."""
        item = find_item(self, trial)
        choice = WORDS[int(submission.value or 0)]
        return Judgement(choice=choice, correct=self.is_correct(item, submission) if item is not None else None)

    def export_values(self, trial: Trial, answer: Answer) -> dict[str, Any]:
        """Return what was on which side."""
        sides = {
            f"{side}_{factor}": trial.detail[side].get(factor)
            for side in ("left", "right")
            for factor in ("network", "method", "arm")
        }
        options = 3 if trial.detail["ties"] else 2
        return sides | {"class": self.class_name(trial), "chosen": answer.choice, "options": options}

    # Items with a known answer

    practice_items: ClassVar[dict[str, PracticeItem]] = {
        "parts": birds_side_by_side("parts", left="beak", right="mixed", expected=LEFT)
    }
    attention_items: ClassVar[dict[str, PracticeItem]] = {
        "legs": birds_side_by_side("legs", left="mixed", right="legs", expected=RIGHT, second="beak")
    }

    @property
    def instructed_item(self) -> PracticeItem:
        """An item that asks for side B, whatever the pictures show."""
        return birds_side_by_side(
            "parts",
            left="beak",
            right="mixed",
            expected=RIGHT,
            question=_("To show that you read this, choose B here."),
        )

    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether the expected side was chosen."""
        return submission.kind == AnswerKind.CHOICE and f"{submission.value:.0f}" in item.expected

    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice answer."""
        letter = _("A") if str(LEFT) in item.expected else _("B")
        return Feedback(
            correct=correct,
            explanation=_(
                "On side %(letter)s every group shows one part of a bird. On the other side they show this and that. "
                "In the study there is no right or wrong: your impression counts."
            )
            % {"letter": letter},
            answer=letter,
        )

    def simulated_fields(
        self, person: "SimulatedPerson", trial: Trial, *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return the side with the larger made-up appeal, as this person sees it."""
        return {"choice": str(person.prefer(trial, generator=generator))}


def _differing(first: SetKey, second: SetKey) -> str | None:
    """Return the one factor in which two sets of a class differ, such as `network`; None otherwise.

    Sets that differ in their arm count when one of them is no control.
    """
    if first[1] != second[1]:
        return None
    names = ("network", "class", "method", "arm")
    differing = [name for name, one, other in zip(names, first, second, strict=True) if one != other]
    if len(differing) != 1:
        return None
    controls = sum(key[3] != CONTROL_FREE_ARM for key in (first, second))
    expected = 1 if differing == ["arm"] else 0
    return differing[0] if controls == expected else None


def _words(key: SetKey) -> str:
    return "|".join(key)


def _item(first: SetKey, second: SetKey, material: Material, *, groups: int) -> PlannedItem:
    shown = [*material.sets[first][:groups], *material.sets[second][:groups]]
    summaries = frozenset(f"summary:{stimulus.identifier}" for stimulus in shown)
    control = next((key[3] for key in (first, second) if key[3] != CONTROL_FREE_ARM), CONTROL_FREE_ARM)
    # The pair stands for its cell, in alphabetical order; which of the two is on the left is the detail's affair.
    network, method = (" + ".join(sorted({first[factor], second[factor]})) for factor in (0, 2))
    identifier = f"{_words(first)}~{_words(second)}"
    return PlannedItem(
        identifier=identifier,
        network=network,
        class_name=first[1],
        method=method,
        arm=control,
        unique=frozenset({f"pair:{identifier}"}),
        exposes=summaries | {f"image:{image}" for stimulus in shown for image in stimulus.images},
        forbids=summaries,
    )


def _side(group: Sequence[MaterialStimulus]) -> dict[str, Any]:
    return {
        "network": group[0].network,
        "method": group[0].method,
        "arm": group[0].arm,
        "groups": [{"summary": stimulus.identifier, "picture": None} for stimulus in group],
    }
