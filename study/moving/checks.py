"""Whether the rows of a moved study make sense together: what pages, plans and exports rely on, and no type can say.

Each check takes the values of one row, as `MovedStudy.rows` yields them, and raises `MoveError`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from study.attention import UnknownCheckError
from study.material import picture_places, with_pictures
from study.models import Phase, Study, Trial
from study.moving.tables import MoveError
from study.planning import PlannedTrial
from study.questionnaires import UnknownQuestionnaireError, get_questionnaire
from study.run_directory import manifest_validator
from study.tasks import TrialDetailError, UnknownTaskError, find_item, get_task

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,32}")
PSEUDONYM = re.compile(r"p-[a-z0-9]{8,18}")
PRACTICE_PICTURE = re.compile(r"study/practice/[a-z0-9-]+\.webp")
PICTURE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sha256", "extension", "width", "height"],
    "properties": {
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "maxLength": 64},
        "extension": {"enum": ["webp", "png", "jpg"]},
        "width": {"type": "integer", "minimum": 1},
        "height": {"type": "integer", "minimum": 1},
    },
}
PICTURES = {
    "type": "object",
    "additionalProperties": False,
    "required": ["grid", "cells", "crops"],
    "properties": {
        "grid": PICTURE,
        "cells": {"type": "array", "items": PICTURE},
        "crops": {"type": "array", "items": PICTURE},
    },
}
PLANNED_TRIALS = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": list(PlannedTrial.__dataclass_fields__),
        "properties": {
            "block": {"type": "integer", "minimum": 1},
            "phase": {"enum": [Phase.MAIN.value, Phase.ATTENTION.value]},
            "task": {"type": "string"},
            "stimulus": {"type": ["string", "null"]},
            "practice_item": {"type": "string", "maxLength": 40},
            "cell": {"type": "string", "maxLength": 900},
            "detail": {"type": "object"},
        },
    },
}
_WORDS = jsonschema.Draft202012Validator({"type": "array", "items": {"type": "string"}})
_PICTURE = jsonschema.Draft202012Validator(PICTURE)
_PICTURES = jsonschema.Draft202012Validator(PICTURES)
_PLANNED_TRIALS = jsonschema.Draft202012Validator(PLANNED_TRIALS)


def check_study(row: Mapping[str, Any]) -> None:
    """The study's own lists and objects."""
    _fits(_WORDS, row["other_languages"], "other_languages")


def check_run(row: Mapping[str, Any]) -> None:
    """A run's manifest, by its contract."""
    _fits(manifest_validator(), row["manifest"], "manifest")
    if row["manifest"]["run"]["digest"] != row["digest"]:
        raise MoveError("digest is not that of the manifest")


def check_stimulus(row: Mapping[str, Any], summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """A stimulus against its run; `summaries` are those of the run's manifest by identifier."""
    summary = summaries.get(row["identifier"])
    if summary is None or any(row[name] != summary[name] for name in ("members", "quality")):
        raise MoveError("the stimulus is not as its run's manifest says")
    pictures = row["pictures"]
    _fits(_PICTURES, pictures, "pictures")
    files = summary["files"]
    expected = [files["grid"], *(cell["file"] for cell in files["cells"]), *(crop["file"] for crop in files["crops"])]
    shown = [pictures["grid"], *pictures["cells"], *pictures["crops"]]
    if [file.rpartition("/")[2] for file in expected] != [f"{one['sha256']}.{one['extension']}" for one in shown]:
        raise MoveError("the pictures are not those of its run's manifest")


def check_picture(record: Any) -> None:
    """A picture's record."""
    _fits(_PICTURE, record, "picture")


@dataclass
class Material:
    """What the trials of a study can show: crops of each stimulus, predicted images, pictures by name."""

    crops: dict[str, int] = field(default_factory=dict)
    images: set[tuple[str, str]] = field(default_factory=set)
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add_picture(self, record: Mapping[str, Any]) -> None:
        """Note a picture and its size in pixels; raises `MoveError` where it has another size already."""
        name, size = picture_name(record), (record["width"], record["height"])
        if self.pictures.setdefault(name, size) != size:
            raise MoveError(f"picture {name} has two sizes")

    def find(self, place: Mapping[str, Any]) -> dict[str, Any]:
        """Stand in for the finder of pictures when a place is taken; raises `LookupError` where it would."""
        if "image" in place:
            found = (place["network"], place["image"]) in self.images
        else:
            found = 0 <= place.get("member", 0) < self.crops[place["summary"]]
        if not found:
            raise LookupError("a planned trial shows a picture that the study does not have")
        return {"sha256": "", "extension": "", "width": 1, "height": 1}


def picture_name(record: Mapping[str, Any]) -> str:
    """Return a picture's name, `<sha256>.<extension>`."""
    return f"{record['sha256']}.{record['extension']}"


def check_slot(row: Mapping[str, Any], *, study: Study, material: Material) -> None:
    """A slot's planned trials: shape, blocks, tasks, stimuli, and that a trial can be laid out from each."""
    _fits(_PLANNED_TRIALS, row["trials"], "trials")
    blocks = len(study.task_blocks)
    for planned in row["trials"]:
        if planned["block"] > blocks:
            raise MoveError(f"a planned trial belongs to block {planned['block']} of {blocks}")
        if planned["stimulus"] is not None and planned["stimulus"] not in material.crops:
            raise MoveError(f"stimulus {planned['stimulus'][:100]!r} of a planned trial is not in the study")
        detail = planned["detail"]
        try:
            if planned["phase"] == Phase.MAIN:
                detail = with_pictures(detail, material.find)
        except (LookupError, TypeError) as error:
            raise MoveError("a planned trial shows a picture that the study does not have") from error
        _check_task(planned["task"], planned["phase"], planned["practice_item"], detail)


def check_participant(row: Mapping[str, Any]) -> None:
    """A participant's token, nonce and pseudonym, and the list of instructions read."""
    if not (TOKEN.fullmatch(row["token"]) and TOKEN.fullmatch(row["consent_nonce"])):
        raise MoveError("token or consent_nonce is not one that this platform makes")
    if not PSEUDONYM.fullmatch(row["pseudonym"]):
        raise MoveError("pseudonym is not one that this platform makes")
    _fits(_WORDS, row["instructions_read"], "instructions_read")


def check_trial(row: Mapping[str, Any], *, material: Material) -> None:
    """A trial's nonce, task, item and detail, and that it shows pictures of the study or of our practice only."""
    if not TOKEN.fullmatch(row["nonce"]):
        raise MoveError("nonce is not one that this platform makes")
    _check_task(row["task"], row["phase"], row["practice_item"], row["detail"])
    for place in picture_places(row["detail"]):
        record = place["picture"]
        if "static" in record:
            known = isinstance(record["static"], str) and bool(PRACTICE_PICTURE.fullmatch(record["static"]))
        else:
            known = record.keys() == PICTURE["properties"].keys() and picture_name(record) in material.pictures
        if not known:
            raise MoveError("the trial shows a picture that the study does not have")


def check_questionnaire_answer(row: Mapping[str, Any]) -> None:
    """That the questionnaire is known here."""
    try:
        get_questionnaire(row["questionnaire"])
    except UnknownQuestionnaireError as error:
        raise MoveError(str(error).removesuffix(".")) from error


def _check_task(name: str, phase: str, item: str, detail: Mapping[str, Any]) -> None:
    try:
        task = get_task(name)
        find_item(task, Trial(phase=phase, task=name, practice_item=item))
        task.check_detail(detail)
    except (UnknownTaskError, UnknownCheckError, TrialDetailError, LookupError) as error:
        raise MoveError(str(error).removesuffix(".")) from error


def _fits(validator: jsonschema.Draft202012Validator, value: Any, name: str) -> None:
    violation = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if violation is not None:
        place = "/".join(str(step) for step in violation.absolute_path) or "the top level"
        raise MoveError(f"{name} breaks its schema at {place}: {violation.message[:200]}")
