"""How long a participant needs: the planned burden, in minutes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.design import Block, PlacedQuestionnaire

SECONDS_OF_CONSENT = 60.0
SECONDS_OF_INSTRUCTIONS = 45.0
SECONDS_OF_DEBRIEF = 30.0
SECONDS_OF_QUESTIONNAIRE = 60.0
PRACTICE_FACTOR = 2.0
"""A practice trial takes this many times a trial: it is the first of its kind, and its explanation is read."""


@dataclass(frozen=True)
class Burden:
    """Planned minutes of one participant, in all and per block."""

    minutes: float
    blocks: tuple[float, ...]


def planned_burden(
    blocks: Sequence[Block],
    questionnaires: Sequence[PlacedQuestionnaire],
    *,
    seconds_per_trial: Mapping[str, float],
) -> Burden:
    """Return the planned burden of a design.

    Consent and debrief, instructions per block, practice, trials, attention checks and questionnaires count, each with
    a typical time; a pilot corrects them.

    Raises:
        KeyError: `seconds_per_trial` lacks a task of the design.
    """
    minutes = tuple(
        (
            SECONDS_OF_INSTRUCTIONS
            + seconds_per_trial[block.task]
            * (block.trials + len(block.attention) + PRACTICE_FACTOR * len(block.practice))
        )
        / 60.0
        for block in blocks
    )
    around = SECONDS_OF_CONSENT + SECONDS_OF_DEBRIEF + SECONDS_OF_QUESTIONNAIRE * len(questionnaires)
    return Burden(minutes=around / 60.0 + sum(minutes), blocks=minutes)
