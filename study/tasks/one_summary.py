"""What tasks have in common that show one stimulus, all its cells at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_noop

from study.allocation import PlannedItem
from study.material import Material
from study.models import Trial
from study.tasks.base import PracticeItem, Task
from study.tasks.picture import PICTURE_SCHEMA, ShownPicture, numbered, static_record

if TYPE_CHECKING:
    import numpy as np


class OneSummaryTask(Task):
    """Shows one stimulus. Practice items bring their own cells in the detail, main trials need none."""

    detail_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "cells": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["picture"],
                    "properties": {"picture": PICTURE_SCHEMA},
                },
            }
        },
    }

    def items(self, material: Material, options: Any, *, generator: "np.random.Generator") -> Sequence[PlannedItem]:
        """Return every stimulus, summaries and controls alike."""
        return [
            PlannedItem(
                identifier=stimulus.identifier,
                network=stimulus.network,
                class_name=stimulus.class_name,
                method=stimulus.method,
                arm=stimulus.arm,
                stimulus=stimulus.identifier,
                unique=frozenset({f"summary:{stimulus.identifier}"}),
                exposes=frozenset({f"summary:{stimulus.identifier}", *(f"image:{image}" for image in stimulus.images)}),
                forbids=frozenset({f"summary:{stimulus.identifier}"}),
            )
            for stimulus in material.stimuli
        ]

    def content(self, trial: Trial) -> tuple[list[ShownPicture], dict[str, Any]]:
        """Return the cells: one picture per member, with alternative texts that give nothing away."""
        if trial.stimulus is not None:
            return numbered(trial.stimulus.pictures["cells"]), {}
        return numbered([cell["picture"] for cell in trial.detail["cells"]]), {}


def drawn_birds(key: str, expected: frozenset[str], *, question: str = "") -> PracticeItem:
    """Return an item that shows six drawn birds, each with one region highlighted."""
    cells = [{"picture": static_record(f"{key}-{number}")} for number in range(1, 7)]
    return PracticeItem(
        key=key, class_name=gettext_noop("bird"), detail={"cells": cells}, expected=expected, question=question
    )
