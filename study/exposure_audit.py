"""The exposure audit of a study: every slot of its plan, and every trial that participants were given. Reads only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from study.exposure import Leak, ShownStimulus, exposure_of, find_leaks
from study.models import Phase, Prediction, Slot, Stimulus, Study, Trial
from study.tasks import find_item, get_task

SLOTS_AT_ONCE = 200


@dataclass(frozen=True)
class FoundLeak:
    """A leak, and who meets it: `slot 12`, or a participant's pseudonym."""

    where: str
    leak: Leak

    def __str__(self) -> str:
        return f"{self.where}, trials {self.leak.first} and {self.leak.second}: {self.leak.kind} ({self.leak.what})"


@dataclass(frozen=True)
class ExposureAudit:
    """How much was looked at, and every leak."""

    slots: int
    participants: int
    trials: int
    leaks: tuple[FoundLeak, ...]


def audit_exposure(study: Study) -> ExposureAudit:
    """Look at every slot and every participant of a study.

    Raises:
        KeyError: the plan points to a stimulus or an image that the study does not have.
    """
    stimuli, images = _facts(study)
    slots = participants = trials = 0
    leaks: list[FoundLeak] = []
    for where, sequence in _planned(study):
        slots += 1
        trials += len(sequence)
        leaks += _leaks(where, sequence, stimuli, images)
    for where, sequence in _given(study):
        participants += 1
        trials += len(sequence)
        leaks += _leaks(where, sequence, stimuli, images)
    return ExposureAudit(slots, participants, trials, tuple(leaks))


def audit_plan(study: Study) -> list[FoundLeak]:
    """Return the leaks of the plan alone.

    Raises:
        KeyError: as `audit_exposure`.
    """
    stimuli, images = _facts(study)
    return [found for where, sequence in _planned(study) for found in _leaks(where, sequence, stimuli, images)]


def _leaks(
    where: str,
    sequence: list[dict[str, Any]],
    stimuli: Mapping[str, ShownStimulus],
    images: Mapping[str, str],
) -> list[FoundLeak]:
    exposures = [
        exposure_of(trial, stimuli, images, position=position, expected=trial["expected"])
        for position, trial in enumerate(sequence, start=1)
    ]
    return [FoundLeak(where, leak) for leak in find_leaks(exposures)]


def _facts(study: Study) -> tuple[dict[str, ShownStimulus], dict[str, str]]:
    stimuli = {
        identifier: ShownStimulus(
            images=frozenset(member["image"] for member in members),
            pictures=frozenset(picture["sha256"] for kind in ("cells", "crops") for picture in pictures[kind]),
            crops=tuple(picture["sha256"] for picture in pictures["crops"]),
        )
        for identifier, members, pictures in Stimulus.objects.filter(study=study).values_list(
            "identifier", "members", "pictures"
        )
    }
    images = {
        image: picture["sha256"]
        for image, picture in Prediction.objects.filter(study=study).values_list("image", "picture")
    }
    return stimuli, images


def _planned(study: Study) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the trials of each slot, each block's practice before it."""
    blocks = study.task_blocks
    practice = {
        number: [_record(Trial(phase=Phase.PRACTICE, task=block.task, practice_item=key)) for key in block.practice]
        for number, block in enumerate(blocks, start=1)
    }
    expected: dict[tuple[str, str], frozenset[str]] = {}
    for slot in Slot.objects.filter(study=study).order_by("number").iterator(chunk_size=SLOTS_AT_ONCE):
        sequence: list[dict[str, Any]] = []
        for number, planned in groupby(slot.trials, key=lambda trial: trial["block"]):
            sequence += practice[number]
            for trial in planned:
                key = (trial["task"], trial["practice_item"])
                if trial["phase"] == Phase.ATTENTION and key not in expected:
                    expected[key] = _expected(
                        Trial(phase=Phase.ATTENTION, task=trial["task"], practice_item=trial["practice_item"])
                    )
                sequence.append({**trial, "expected": expected.get(key, frozenset())})
        yield f"slot {slot.number}", sequence


def _given(study: Study) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the trials of each participant as they were laid out."""
    trials = (
        Trial.objects.filter(participant__study=study)
        .select_related("participant", "stimulus")
        .defer("stimulus__members", "stimulus__pictures", "stimulus__quality")
        .order_by("participant_id", "position")
    )
    for _key, group in groupby(trials.iterator(chunk_size=2000), key=lambda trial: trial.participant_id):
        sequence = list(group)
        yield sequence[0].participant.pseudonym, [_record(trial) for trial in sequence]


def _record(trial: Trial) -> dict[str, Any]:
    detail = trial.detail
    if trial.phase != Phase.MAIN:
        item = find_item(get_task(trial.task), trial)
        detail = dict(item.detail) if item is not None else detail
    return {
        "phase": trial.phase,
        "task": trial.task,
        "stimulus": trial.stimulus.identifier if trial.stimulus_id and trial.stimulus else None,
        "detail": detail,
        "expected": _expected(trial),
    }


def _expected(trial: Trial) -> frozenset[str]:
    """Return the right answers of an item; one whose question asks for a certain answer is answered by its question."""
    item = find_item(get_task(trial.task), trial)
    if item is None:
        return frozenset()
    return frozenset({item.question}) if item.question else item.expected
