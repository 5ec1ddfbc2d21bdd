"""`responses_wide.csv`: one row per participant, a few columns for each position, as SPSS and spreadsheets like it.

The columns depend on the longest session of the study, so no contract fixes them; the codebook of the export does.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db.models import Max

from study.exports.cells import Row
from study.models import Phase, Study, Trial

WIDE_TABLE = "responses_wide"
PERSON_COLUMNS = (
    ("participant", "string", "Pseudonym of the participant."),
    ("simulated", "boolean", "True when a program answered, not a person."),
    ("participant_state", "string", "State of the participant at the time of export."),
    ("study_version", "integer", "Version of the study's design that the participant saw."),
    ("language", "string", "Language of the pages."),
)
TRIAL_COLUMNS = (
    ("task", "string", "Task type of trial {number}."),
    ("summary", "string", "Identifier of the summary shown in trial {number}."),
    ("arm", "string", "Arm of the summary shown in trial {number}."),
    ("answer", "string", "Answer to trial {number}: words, what was chosen, the number chosen, or the kind of answer."),
    ("correct", "boolean", "Whether the answer to trial {number} was right, where there is a right answer."),
    ("confidence", "integer", "Confidence in the answer to trial {number}, 1 to 5."),
    ("reaction_time_ms", "number", "Reaction time of trial {number} in milliseconds."),
)


def wide_columns(study: Study) -> tuple[str, ...]:
    """Return the names of the columns: those of the person, then those of each position that is no practice."""
    trials = Trial.objects.filter(participant__study=study, participant__test_at=None, answer__isnull=False)
    last = trials.exclude(phase=Phase.PRACTICE).aggregate(last=Max("position"))["last"] or 0
    width = max(2, len(str(last)))
    numbers = [f"t{number:0{width}d}" for number in range(1, last + 1)]
    return tuple(name for name, *_ in PERSON_COLUMNS) + tuple(
        f"{number}_{name}" for number in numbers for name, *_ in TRIAL_COLUMNS
    )


def wide_descriptions(columns: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and meaning of each column."""
    people = {name: (kind, text) for name, kind, text in PERSON_COLUMNS}
    trials = {name: (kind, text) for name, kind, text in TRIAL_COLUMNS}
    for column in columns:
        if column in people:
            yield column, *people[column]
        else:
            number, name = column.split("_", 1)
            kind, text = trials[name]
            yield column, kind, text.format(number=int(number[1:]))


def wide_rows(columns: tuple[str, ...], responses: Iterable[Row]) -> Iterator[list[Any]]:
    """Yield one row per participant with an answer; positions without one, and those of practice, stay empty."""
    places = {column: place for place, column in enumerate(columns)}
    width = len(columns[len(PERSON_COLUMNS)].split("_", 1)[0]) - 1 if len(columns) > len(PERSON_COLUMNS) else 0
    for _, rows in groupby(responses, key=lambda row: row["participant"]):
        cells: list[Any] = [None] * len(columns)
        for row in rows:
            for name, *_ in PERSON_COLUMNS:
                cells[places[name]] = row[name]
            if row["phase"] == Phase.PRACTICE:
                continue
            number = f"t{row['trial_position']:0{width}d}"
            for name, *_ in TRIAL_COLUMNS:
                place = places.get(f"{number}_{name}")  # a trial answered since the columns were counted has none
                if place is not None:
                    cells[place] = wide_answer(row) if name == "answer" else row[name]
        yield cells


def wide_answer(row: Row) -> Any:
    """Return the one value that says what was answered."""
    for name in ("answer_text", "chosen", "answer_value"):
        if row[name] is not None:
            return row[name]
    return row["answer_kind"]
