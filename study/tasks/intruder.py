"""Task `intruder`: five crops of one summary and one of another; which one does not belong?

After word and topic intrusion (Chang et al. 2009, “Reading Tea Leaves”, NIPS 22): a group means something when people
find what was put into it. Chance is one in the number of tiles.

Bands of difficulty, from where the intruder comes from:

* easy: a summary of another class;
* medium: a summary of the same class for another network or method;
* hard: another summary of the same class, network and method.

An intruder never shows what the group shows: pairs whose regions overlap in the same image are left out, and, where
true parts are known, pairs of the same part.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _

from study.allocation import PlannedItem
from study.material import Material, MaterialStimulus, Member, share_regions
from study.models import Answer, AnswerKind, Trial
from study.tasks.base import Feedback, Judgement, PracticeItem, Task, TaskOptions, find_item
from study.tasks.form import ChoiceForm, Submission
from study.tasks.picture import PICTURE_SCHEMA, ShownPicture, numbered, static_record

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SimulatedPerson

BANDS = ("easy", "medium", "hard")
TILES_OF_PRACTICE = 6


@dataclass(frozen=True)
class IntruderOptions(TaskOptions):
    """What a researcher chooses.

    Attributes:
        bands: bands of difficulty, spread evenly over each participant's trials.
        tiles: crops on the page, the intruder included; 4 to 9.
        overlap: intersection over union from which two regions of one image count as the same place; above 0, to 1.
        confidence: whether to ask how sure people are.
    """

    bands: tuple[str, ...] = BANDS
    tiles: int = 6
    overlap: float = 0.2
    confidence: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not possible.

        Raises:
            ValueError: says which option, and what was expected.
        """
        if not self.bands or not set(self.bands) <= set(BANDS):
            raise ValueError(f"bands must be some of {', '.join(BANDS)}; there is {self.bands!r}.")
        if type(self.tiles) is not int or not 4 <= self.tiles <= 9:
            raise ValueError(f"tiles must be a whole number from 4 to 9; there is {self.tiles!r}.")
        if not 0 < self.overlap <= 1:
            raise ValueError(f"overlap must be above 0 and at most 1; there is {self.overlap!r}.")


class IntruderForm(ChoiceForm):
    """One of the tiles."""

    def alternatives(self) -> list[tuple[int, str]]:
        """Return the tiles' numbers."""
        count = len(self.detail.get("tiles", ())) or TILES_OF_PRACTICE
        return [(number, str(number)) for number in range(1, count + 1)]


def band_of(group: MaterialStimulus, other: MaterialStimulus) -> str | None:
    """Return the band of difficulty of an intruder for a group; None where the two have different arms."""
    if other.identifier == group.identifier or other.arm != group.arm:
        return None
    if other.class_name != group.class_name:
        return "easy" if (other.network, other.method) == (group.network, group.method) else None
    return "hard" if (other.network, other.method) == (group.network, group.method) else "medium"


def can_intrude(group: MaterialStimulus, other: MaterialStimulus, *, overlap: float) -> bool:
    """Tell whether an intruder shows something else than the group, as far as is known."""
    if group.part is not None and group.part == other.part and group.class_name == other.class_name:
        return False
    return not share_regions(group, other, overlap=overlap)


def _by_class(
    material: Material, group: MaterialStimulus, band: str, *, overlap: float
) -> list[list[MaterialStimulus]]:
    """Return the possible intruders of a band, by their class."""
    classes: dict[str, list[MaterialStimulus]] = {}
    for other in material.stimuli:
        if band_of(group, other) == band and can_intrude(group, other, overlap=overlap):
            classes.setdefault(other.class_name, []).append(other)
    return list(classes.values())


def _crop_key(member: Member) -> str:
    """Return a key of a region: summaries of two networks may hold the same one, and its crop is the same picture."""
    return f"crop:{member.image}@{','.join(f'{side:.4f}' for side in member.box)}"


def _item(group: MaterialStimulus, intruder: MaterialStimulus, band: str, *, needed: int) -> PlannedItem:
    own = {_crop_key(member) for member in group.members[:needed]}
    foreign = _crop_key(intruder.members[-1])
    both = frozenset({f"summary:{group.identifier}", f"summary:{intruder.identifier}"})
    return PlannedItem(
        identifier=f"{group.identifier}~{band}~{intruder.identifier}",
        network=group.network,
        class_name=group.class_name,
        method=group.method,
        arm=group.arm,
        stratum=band,
        stimulus=group.identifier,
        unique=frozenset({f"summary:{group.identifier}", foreign, *own}),
        exposes=both | {f"image:{image}" for image in group.images | intruder.images},
        forbids=both,
        classes=frozenset({group.class_name, intruder.class_name}),
        family=f"{group.identifier}~{band}",
    )


def tiles_of_birds(
    part: str, other: str, *, target: int, asked: int | None = None, key: str = "", question: str = ""
) -> PracticeItem:
    """Return five crops of one part of drawn birds and one of another part, at the position `target`."""
    names = [f"{part}-crop-{number}" for number in range(1, TILES_OF_PRACTICE)]
    names.insert(target - 1, f"{other}-crop-{TILES_OF_PRACTICE}")
    return PracticeItem(
        key=key or part,
        class_name="bird",
        detail={"tiles": [{"picture": static_record(name, width=240, height=240)} for name in names], "target": target},
        expected=frozenset({str(asked or target)}),
        question=question,
    )


class IntruderTask(Task):
    """Which picture does not belong?"""

    name = "intruder"
    template_name = "study/tasks/intruder.html"
    instructions_template = "study/tasks/intruder_example.html"
    steps_template = "study/tasks/intruder_steps.html"
    keys_template = "study/tasks/intruder_keys.html"
    feedback_template = "study/tasks/intruder_feedback.html"
    form_class = IntruderForm
    options_class = IntruderOptions
    worked_example = "wing"
    needs = "summaries with at least five regions, and two of them that differ in class, network or cluster"
    seconds_per_trial = 10.0
    answer_columns = (
        "answer_value",
        "chosen",
        "correct",
        "options",
        "chance",
        "difficulty",
        "target_position",
        "chosen_position",
        "other_summary",
    )
    detail_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["tiles", "target"],
        "properties": {
            "tiles": {
                "type": "array",
                "minItems": 4,
                "maxItems": 9,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["picture"],
                    "properties": {
                        "summary": {"type": "string"},
                        "member": {"type": "integer", "minimum": 0},
                        "picture": PICTURE_SCHEMA,
                    },
                },
            },
            "target": {"type": "integer", "minimum": 1, "maximum": 9},
            "intruder": {"type": "string"},
            "band": {"enum": list(BANDS)},
            "confidence": {"type": "boolean"},
        },
    }
    practice_items: ClassVar[dict[str, PracticeItem]] = {
        item.key: item for item in (tiles_of_birds("wing", "legs", target=4), tiles_of_birds("beak", "wing", target=2))
    }
    attention_items: ClassVar[dict[str, PracticeItem]] = {"legs": tiles_of_birds("legs", "beak", target=6)}

    # Stimulus rule

    def items(self, material: Material, options: Any, *, generator: "np.random.Generator") -> Sequence[PlannedItem]:
        """Return one item per group, band and class of the intruder; intruders are used about equally often.

        Which classes a participant meets together is not known yet, so easy intruders of every class are offered; the
        items of one group and band count as one.
        """
        needed = options.tiles - 1
        groups = [stimulus for stimulus in material.stimuli if len(stimulus.members) >= needed]
        used: Counter[str] = Counter()
        items = []
        for index in generator.permutation(len(groups)):
            group = groups[int(index)]
            for band in options.bands:
                for others in _by_class(material, group, band, overlap=options.overlap):
                    least = min(used[other.identifier] for other in others)
                    rarest = [other for other in others if used[other.identifier] == least]
                    intruder = rarest[int(generator.integers(len(rarest)))]
                    used[intruder.identifier] += 1
                    items.append(_item(group, intruder, band, needed=needed))
        return items

    def alternatives(self, options: Any) -> int:
        """Return the number of tiles."""
        return int(options.tiles)

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
        """Return the tiles: the group's in a random order, the intruder at its position."""
        group, band, intruder = item.identifier.rsplit("~", 2)
        members = [int(member) for member in generator.permutation(options.tiles - 1)]
        tiles: list[dict[str, Any]] = [{"summary": group, "member": member, "picture": None} for member in members]
        last = len(material.by_identifier[intruder].members) - 1
        tiles.insert(position - 1, {"summary": intruder, "member": last, "picture": None})
        return {
            "tiles": tiles,
            "target": position,
            "intruder": intruder,
            "band": band,
            "confidence": options.confidence,
        }

    # Page

    @property
    def question(self) -> str:
        """The one question."""
        return _("Which picture does not belong to the others?")

    def class_name(self, trial: Trial) -> str:
        """Return nothing: the intruder may come from another class."""
        return ""

    def content(self, trial: Trial) -> tuple[list[ShownPicture], dict[str, Any]]:
        """Return the tiles."""
        pictures = numbered([tile["picture"] for tile in trial.detail["tiles"]])
        return pictures, {"tiles": list(enumerate(pictures, start=1)), "target": trial.detail["target"]}

    # Answers

    def judge(self, trial: Trial, submission: Submission) -> Judgement:
        """Tell whether the chosen tile is the intruder."""
        item = find_item(self, trial)
        right = self.is_correct(item, submission) if item is not None else submission.value == trial.detail["target"]
        return Judgement(choice="intruder" if right else "member", correct=right)

    def export_values(self, trial: Trial, answer: Answer) -> dict[str, Any]:
        """Return positions, chance and difficulty."""
        tiles = len(trial.detail["tiles"])
        return {
            "chosen": answer.choice,
            "options": tiles,
            "chance": 1 / tiles,
            "difficulty": trial.detail.get("band"),
            "target_position": trial.detail["target"],
            "chosen_position": None if answer.value is None else int(answer.value),
            "other_summary": trial.detail.get("intruder"),
        }

    # Items with a known answer

    @property
    def instructed_item(self) -> PracticeItem:
        """An item that asks for the third picture, whatever the pictures show."""
        return tiles_of_birds(
            "wing", "beak", target=5, asked=3, question=_("To show that you read this, please choose picture 3 here.")
        )

    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether the expected tile was chosen."""
        return submission.kind == AnswerKind.CHOICE and f"{submission.value:.0f}" in item.expected

    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice answer."""
        part = {"wing": _("a wing"), "beak": _("a beak"), "legs": _("legs")}[item.key.partition("-")[0]]
        return Feedback(
            correct=correct,
            explanation=_("All other pictures show %(part)s, this one something else.") % {"part": part},
            answer=_("Picture %(number)d") % {"number": item.detail["target"]},
        )

    def simulated_fields(
        self, person: "SimulatedPerson", trial: Trial, *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return the intruder as often as the person sees what the group shows, and less often where it is hard."""
        ease = {"easy": 1.0, "medium": 0.85, "hard": 0.7}.get(trial.detail.get("band", "easy"), 1.0)
        choice, certainty = person.choose(
            trial, target=trial.detail["target"], options=len(trial.detail["tiles"]), ease=ease, generator=generator
        )
        return {"choice": str(choice)} | person.confidence_fields(trial, certainty, generator=generator)
