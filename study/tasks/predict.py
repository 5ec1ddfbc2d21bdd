"""Task `predict`: what did the network answer for a new image? With summaries of the candidate classes, or without.

Utility-K asks how much better people predict a network with its explanations than without (Colin et al. 2022, “What I
Cannot Predict, I Do Not Understand”, NeurIPS 35); the page, one explanation per candidate class, follows the
distinction task of HIVE (Kim et al. 2022, ECCV). The right answer is the network's, right or wrong; trials are spread
evenly over images that the network gets right and wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _

from study.allocation import CONTROL_FREE_ARM, PlanError, PlannedItem
from study.material import Material, MaterialPrediction
from study.models import Answer, AnswerKind, Trial
from study.tasks.base import Feedback, Judgement, PracticeItem, Task, TaskOptions, find_item
from study.tasks.compare import GROUPS_SCHEMA
from study.tasks.form import ChoiceForm, Submission
from study.tasks.picture import PICTURE_SCHEMA, ShownPicture, shown_picture, static_record

if TYPE_CHECKING:
    import numpy as np

    from study.simulated_people import SimulatedPerson

WITH, WITHOUT = "with-explanation", "without-explanation"
LETTERS = "ABCDEFGH"
FEWEST_CLASSES = 2


@dataclass(frozen=True)
class PredictOptions(TaskOptions):
    """What a researcher chooses.

    Attributes:
        options: candidate classes on the page, 2 to 8; fewer where a participant meets fewer classes in this block.
        groups: summaries shown per candidate class, those with the largest mean drop; 1 to 4.
        variants: with-explanation, without-explanation, or both, each shown equally often.
        wrong_share: fraction of the images on which the network is wrong, from 0 to 1, as far as there are any.
        confidence: whether to ask how sure people are.
    """

    options: int = 4
    groups: int = 2
    variants: tuple[str, ...] = (WITH, WITHOUT)
    wrong_share: float = 0.5
    confidence: bool = True

    def __post_init__(self) -> None:
        """Refuse what is not possible.

        Raises:
            ValueError: says which option, and what was expected.
        """
        for name, low, high in (("options", FEWEST_CLASSES, len(LETTERS)), ("groups", 1, 4)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}; there is {value!r}.")
        if not self.variants or not set(self.variants) <= {WITH, WITHOUT}:
            raise ValueError(f"variants must be some of {WITH}, {WITHOUT}; there is {self.variants!r}.")
        if not 0 <= self.wrong_share <= 1:
            raise ValueError(f"wrong_share must be a number from 0 to 1; there is {self.wrong_share!r}.")


class PredictForm(ChoiceForm):
    """One of the candidate classes."""

    def alternatives(self) -> list[tuple[int, str]]:
        """Return the candidate classes."""
        return [(number, option["class"]) for number, option in enumerate(self.detail.get("options", ()), start=1)]


def birds_to_predict(
    key: str, *, answer: str, options: Sequence[str], question: str = "", asked: int = 0
) -> PracticeItem:
    """Return a drawn bird and the groups of each candidate species."""
    position = options.index(answer) + 1
    return PracticeItem(
        key=key,
        class_name="",
        detail={
            "variant": WITH,
            "image": {"picture": static_record(f"{answer}-bird")},
            "options": [
                {"class": name, "groups": [{"picture": static_record(f"{name}-sheet", width=486, height=326)}]}
                for name in options
            ],
            "target": position,
        },
        expected=frozenset({str(asked or position)}),
        question=question,
    )


class PredictTask(Task):
    """What did the network answer?"""

    name = "predict"
    template_name = "study/tasks/predict.html"
    instructions_template = "study/tasks/predict_example.html"
    steps_template = "study/tasks/predict_steps.html"
    keys_template = "study/tasks/predict_keys.html"
    feedback_template = "study/tasks/predict_feedback.html"
    feedback_class = "trial-predict"
    form_class = PredictForm
    options_class = PredictOptions
    worked_example = "toucan"
    needs = "predictions of new images (manage.py pregenerate --held-out N) whose classes have summaries"
    fewest_classes = FEWEST_CLASSES
    seconds_per_trial = 20.0
    answer_columns = (
        "answer_value",
        "chosen",
        "correct",
        "confidence",
        "variant",
        "options",
        "chance",
        "target_position",
        "chosen_position",
        "image",
        "true_class",
        "network_answer",
    )
    detail_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["variant", "image", "options", "target"],
        "properties": {
            "variant": {"enum": [WITH, WITHOUT]},
            "network": {"type": "string"},
            "method": {"type": "string"},
            "arm": {"type": "string"},
            "class": {"type": "string"},
            "answer": {"type": "string"},
            "network_correct": {"type": "boolean"},
            "image": {
                "type": "object",
                "additionalProperties": False,
                "required": ["picture"],
                "properties": {
                    "image": {"type": "string"},
                    "network": {"type": "string"},
                    "picture": PICTURE_SCHEMA,
                },
            },
            "options": {
                "type": "array",
                "minItems": FEWEST_CLASSES,
                "maxItems": len(LETTERS),
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["class"],
                    "properties": {"class": {"type": "string"}, "groups": GROUPS_SCHEMA},
                },
            },
            "target": {"type": "integer", "minimum": 1, "maximum": len(LETTERS)},
            "confidence": {"type": "boolean"},
        },
    }
    practice_items: ClassVar[dict[str, PracticeItem]] = {
        "toucan": birds_to_predict("toucan", answer="toucan", options=("flamingo", "toucan", "peacock")),
        "flamingo": birds_to_predict("flamingo", answer="flamingo", options=("peacock", "toucan", "flamingo")),
    }
    attention_items: ClassVar[dict[str, PracticeItem]] = {
        "peacock": birds_to_predict("peacock", answer="peacock", options=("peacock", "flamingo", "toucan"))
    }

    # Stimulus rule

    def items(self, material: Material, options: Any, *, generator: "np.random.Generator") -> Sequence[PlannedItem]:
        """Return every new image with every variant, for each method and arm that can explain its candidates.

        An image is new when no stimulus of the study shows a region of it. Candidates need summaries, so an image
        whose class, or whose answer, has none cannot be shown.
        """
        items: list[PlannedItem] = []
        alone: dict[str, tuple[str, str]] = {}
        explained = sorted(_explained_classes(material).items(), key=lambda entry: entry[0][2] != CONTROL_FREE_ARM)
        for (network, method, arm), classes in explained:
            usable = [
                prediction
                for prediction in material.predictions
                if prediction.network == network
                and {prediction.class_name, prediction.answer} <= classes
                and prediction.image not in material.member_images
            ]
            for prediction in balance_correctness(usable, wrong_share=options.wrong_share, generator=generator):
                # Without an explanation all methods and arms look the same: the first of them stands for all.
                first = alone.setdefault(network, (method, arm)) == (method, arm)
                variants = [name for name in options.variants if name == WITH or first]
                items += [_item(prediction, variant, method=method, arm=arm) for variant in variants]
        return items

    def alternatives(self, options: Any) -> int:
        """Return the number of candidate classes."""
        return int(options.options)

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
        """Return the candidates with their groups: the network's answer at its position, the true class among them."""
        image, _network, variant, *_rest = item.identifier.split("~")
        prediction = next(
            entry for entry in material.predictions if entry.image == image and entry.network == item.network
        )
        explained = _explained_classes(material)[item.network, item.method, item.arm]
        others = sorted((explained & classes) - {prediction.answer, prediction.class_name})
        distractors = [name for name in (prediction.class_name,) if name != prediction.answer]
        distractors += [str(name) for name in generator.permutation(others)]
        distractors = [str(name) for name in generator.permutation(distractors[: options.options - 1])]
        if not distractors:
            raise PlanError(
                f"Image {image!r} has no candidate class beside {prediction.answer!r}; task predict needs at least "
                f"{FEWEST_CLASSES} classes with summaries for each participant."
            )
        place = (position - 1) % (len(distractors) + 1)
        candidates = [*distractors[:place], prediction.answer, *distractors[place:]]
        return {
            "variant": variant,
            "network": item.network,
            "method": item.method,
            "arm": item.arm,
            "class": prediction.class_name,
            "answer": prediction.answer,
            "network_correct": prediction.correct,
            "image": {"image": image, "network": item.network, "picture": None},
            "options": [_candidate(name, item, material, variant, groups=options.groups) for name in candidates],
            "target": place + 1,
            "confidence": options.confidence,
        }

    # Page

    @property
    def question(self) -> str:
        """The one question."""
        return _("What did the network answer for this picture?")

    def class_name(self, trial: Trial) -> str:
        """Return nothing: the class is what is asked for."""
        return ""

    def content(self, trial: Trial) -> tuple[list[ShownPicture], dict[str, Any]]:
        """Return the new image, and the candidates with their groups."""
        image = shown_picture(trial.detail["image"]["picture"], _("The new picture"))
        candidates = []
        for number, option in enumerate(trial.detail["options"], start=1):
            pictures = [
                shown_picture(group["picture"], _("Group of %(class)s") % {"class": option["class"]})
                for group in option.get("groups", ())
            ]
            candidates.append(
                {"value": number, "letter": LETTERS[number - 1], "name": option["class"], "pictures": pictures}
            )
        pictures = [image, *(picture for candidate in candidates for picture in candidate["pictures"])]
        return pictures, {"image": image, "candidates": candidates, "explained": len(pictures) > 1}

    # Answers

    def judge(self, trial: Trial, submission: Submission) -> Judgement:
        """Return the chosen class; it is right where it is the network's answer."""
        item = find_item(self, trial)
        chosen = trial.detail["options"][int(submission.value or 0) - 1]["class"]
        right = self.is_correct(item, submission) if item is not None else submission.value == trial.detail["target"]
        return Judgement(choice=chosen, correct=right)

    def export_values(self, trial: Trial, answer: Answer) -> dict[str, Any]:
        """Return the cell, the image, and what was chosen among what."""
        detail = trial.detail
        options = len(detail["options"])
        return {
            "class": detail.get("class"),
            "network": detail.get("network"),
            "method": detail.get("method"),
            "arm": detail.get("arm"),
            "variant": detail["variant"],
            "options": options,
            "chance": 1 / options,
            "target_position": detail["target"],
            "chosen_position": None if answer.value is None else int(answer.value),
            "image": detail["image"].get("image"),
            "true_class": detail.get("class"),
            "network_answer": detail.get("answer"),
            "chosen": answer.choice,
        }

    # Items with a known answer

    @property
    def instructed_item(self) -> PracticeItem:
        """An item that asks for the last candidate, whatever the picture shows."""
        return birds_to_predict(
            "toucan",
            answer="toucan",
            options=("flamingo", "toucan", "peacock"),
            asked=3,
            question=_("To show that you read this, please choose the last answer here."),
        )

    def is_correct(self, item: PracticeItem, submission: Submission) -> bool:
        """Tell whether the expected candidate was chosen."""
        return submission.kind == AnswerKind.CHOICE and f"{submission.value:.0f}" in item.expected

    def feedback(self, item: PracticeItem, *, correct: bool) -> Feedback:
        """Return what the participant reads after a practice answer."""
        answer = item.detail["options"][item.detail["target"] - 1]["class"]
        return Feedback(
            correct=correct,
            explanation=_(
                "The picture shows what stands out in the groups of %(answer)s. Networks make mistakes too: when the "
                "groups of another class fit better, choose that one."
            )
            % {"answer": answer},
            answer=str(answer),
        )

    def simulated_fields(
        self, person: "SimulatedPerson", trial: Trial, *, generator: "np.random.Generator"
    ) -> dict[str, str]:
        """Return the network's answer more often with an explanation, and less often where the network is wrong."""
        ease = (1.0 if trial.detail["variant"] == WITH else 0.8) * (
            1.0 if trial.detail.get("network_correct", True) else 0.6
        )
        choice, certainty = person.choose(
            trial, target=trial.detail["target"], options=len(trial.detail["options"]), ease=ease, generator=generator
        )
        return {"choice": str(choice)} | person.confidence_fields(trial, certainty, generator=generator)


def balance_correctness(
    predictions: Sequence[MaterialPrediction], *, wrong_share: float, generator: "np.random.Generator"
) -> list[MaterialPrediction]:
    """Return as many predictions as possible of which `wrong_share` are wrong; all where only one kind exists."""
    wrong = [prediction for prediction in predictions if not prediction.correct]
    right = [prediction for prediction in predictions if prediction.correct]
    if not wrong or not right:
        return list(predictions)
    shares = ((right, 1 - wrong_share), (wrong, wrong_share))
    total = min(len(group) / share for group, share in shares if share > 0)
    counts = [max(1, int(total * share + 1e-9)) if share > 0 else 0 for _group, share in shares]
    chosen = [
        group[int(index)]
        for group, count in zip((right, wrong), counts, strict=True)
        for index in generator.permutation(len(group))[:count]
    ]
    return sorted(chosen, key=lambda prediction: prediction.image)


def _explained_classes(material: Material) -> dict[tuple[str, str, str], frozenset[str]]:
    """Return, for each network, method and arm, the classes that have summaries."""
    classes: dict[tuple[str, str, str], set[str]] = {}
    for network, class_name, method, arm in material.sets:
        classes.setdefault((network, method, arm), set()).add(class_name)
    return {key: frozenset(names) for key, names in classes.items()}


def _item(prediction: MaterialPrediction, variant: str, *, method: str, arm: str) -> PlannedItem:
    return PlannedItem(
        identifier=f"{prediction.image}~{prediction.network}~{variant}~{method}~{arm}",
        network=prediction.network,
        class_name=prediction.class_name,
        method=method,
        arm=arm,
        stratum=f"{variant}, {'right' if prediction.correct else 'wrong'}",
        unique=frozenset({f"image:{prediction.image}"}),
        exposes=frozenset({f"image:{prediction.image}"}),
        forbids=frozenset({f"image:{prediction.image}"}),
        classes=frozenset({prediction.class_name, prediction.answer}),
    )


def _candidate(class_name: str, item: PlannedItem, material: Material, variant: str, *, groups: int) -> dict[str, Any]:
    if variant == WITHOUT:
        return {"class": class_name}
    shown = material.sets[item.network, class_name, item.method, item.arm][:groups]
    return {
        "class": class_name,
        "groups": [{"summary": stimulus.identifier, "picture": None} for stimulus in shown],
    }
