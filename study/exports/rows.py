"""Exports: the three tables of `contracts/long_table.json`, their codebook, and the provenance beside them.

Rows are streamed from the database, so memory does not grow with the number of answers. Participants appear under
their pseudonym only. Every file is written aside and put in place when it is whole.
"""

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from django.db.models import Count, Q

from study.contract import Table, long_table_contract
from study.models import Answer, Event, Participant, ParticipantState, Phase, Stimulus, Study
from study.tasks import get_task

Row = dict[str, Any]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
ROWS_AT_ONCE = 1000
TASK_COLUMNS = (
    "variant",
    "options",
    "chance",
    "difficulty",
    "target_position",
    "chosen_position",
    "other_summary",
    "left_network",
    "left_method",
    "left_arm",
    "right_network",
    "right_method",
    "right_arm",
    "image",
    "true_class",
    "network_answer",
    "chosen",
)
"""Columns that only some task types fill."""
GOING_ON = frozenset({ParticipantState.CONSENTED, ParticipantState.ACTIVE})


class ExportError(RuntimeError):
    """The rows do not follow the contract, or a picture is missing; the message says where."""


@dataclass(frozen=True)
class ExportReport:
    """How many rows each table has, and how many pictures were copied."""

    rows: dict[str, int]
    pictures: int


def export_study(study: Study, directory: Path, *, on_row: Callable[[str], None] = lambda table: None) -> ExportReport:
    """Write all files of a study's export; `on_row` is called with the table's name for each row.

    Raises:
        ExportError: a row does not follow the contract, or a picture of a stimulus is missing.
    """
    contract = long_table_contract()
    directory.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    for name, rows in table_rows(study).items():
        counts[name] = write_csv(directory / f"{name}.csv", contract.tables[name], rows(), on_row=on_row)
    write_json_lines(directory / "responses_long.jsonl", response_rows(study, lossless=True))
    write_codebook(study, directory)
    for run in study.runs.all():
        write_json(directory / "manifests" / f"{run.digest}.json", run.manifest)
    return ExportReport(rows=counts, pictures=copy_pictures(study, directory))


def table_rows(study: Study) -> dict[str, Callable[[], Iterator[Row]]]:
    """Return, for each table of the contract, what yields its rows."""
    return {
        "responses_long": lambda: response_rows(study),
        "participants": lambda: participant_rows(study),
        "stimuli": lambda: stimulus_rows(study),
        "events": lambda: event_rows(study),
        "questionnaires": lambda: iter(()),  # no questionnaire and no adjudication exists yet
        "name_codes": lambda: iter(()),
    }


def response_rows(study: Study, *, lossless: bool = False) -> Iterator[Row]:
    """Yield one row per answer, by participant in order of consent, then by position.

    `lossless` adds what the browser reported with the answer.
    """
    version = long_table_contract().schema_version
    answers = (
        Answer.objects.filter(trial__participant__study=study)
        .select_related("trial__participant", "trial__stimulus__condition", "trial__stimulus__run")
        .defer("trial__stimulus__run__manifest", "trial__stimulus__members", "trial__stimulus__pictures")
        .order_by("trial__participant_id", "trial__position")
    )
    for answer in answers.iterator(chunk_size=ROWS_AT_ONCE):
        trial, stimulus = answer.trial, answer.trial.stimulus
        participant = trial.participant
        condition = stimulus.condition if stimulus else None
        if condition is not None:
            class_name = condition.class_name
        else:
            class_name = get_task(trial.task).practice_item(trial.practice_item).class_name
        row = {
            "schema_version": version,
            "study": study.slug,
            "study_version": participant.study_version,
            "participant": participant.pseudonym,
            "simulated": participant.simulated,
            "participant_state": participant.state,
            "trial_position": trial.position,
            "phase": trial.phase,
            "task": trial.task,
            "summary": stimulus.identifier if stimulus else None,
            "class": class_name,
            "network": condition.network if condition else None,
            "method": condition.method if condition else None,
            "arm": condition.arm if condition else None,
            **dict.fromkeys(TASK_COLUMNS),
            "answer_kind": answer.kind,
            "answer_text": answer.text or None,
            "answer_value": answer.value,
            "correct": answer.correct,
            "confidence": answer.confidence,
            "reaction_time_ms": answer.reaction_time_ms,
            "server_time_ms": answer.server_time_ms,
            "reloads": trial.reloads,
            "language": participant.language,
            "served_at": trial.served_at,
            "answered_at": answer.answered_at,
            "run_digest": stimulus.run.digest if stimulus else None,
        }
        if lossless:
            row |= {"practice_item": trial.practice_item or None, "input_details": answer.input_details}
        yield row


def participant_rows(study: Study) -> Iterator[Row]:
    """Yield one row per participant, in order of consent; those who withdrew or came too late included."""
    version = long_table_contract().schema_version
    checks = Q(trials__phase=Phase.ATTENTION)
    participants = (
        Participant.objects.filter(study=study)
        .annotate(
            answered=Count("trials__answer"),
            checked=Count("trials__answer", filter=checks),
            failed=Count("trials__answer", filter=checks & Q(trials__answer__correct=False)),
        )
        .order_by("pk")
    )
    for participant in participants.iterator(chunk_size=ROWS_AT_ONCE):
        state = ParticipantState(participant.state)
        yield {
            "schema_version": version,
            "study": study.slug,
            "study_version": participant.study_version,
            "participant": participant.pseudonym,
            "simulated": participant.simulated,
            "source": participant.source,
            "external_id": None,
            "state": participant.state,
            "slot": participant.slot_number,
            "language": participant.language,
            "consented_at": participant.consented_at,
            "started_at": participant.active_at,
            "completed_at": participant.completed_at,
            "ended_at": None if state in GOING_ON else getattr(participant, f"{state}_at"),
            "trials_planned": participant.trials_planned,
            "trials_answered": participant.answered,
            "comprehension_attempts": None,
            "attention_checks": participant.checked,
            "attention_failed": participant.failed,
            "came_back_late": participant.timed_out_at is not None and state != ParticipantState.TIMED_OUT,
        }


def event_rows(study: Study) -> Iterator[Row]:
    """Yield one row per event, by participant in order of consent, then by time."""
    version = long_table_contract().schema_version
    events = Event.objects.filter(participant__study=study).select_related("participant")
    participant, sequence = None, 0
    for event in events.order_by("participant_id", "at", "pk").iterator(chunk_size=ROWS_AT_ONCE):
        sequence = sequence + 1 if event.participant_id == participant else 1
        participant = event.participant_id
        yield {
            "schema_version": version,
            "study": study.slug,
            "participant": event.participant.pseudonym,
            "sequence": sequence,
            "kind": event.kind,
            "at": event.at,
            "detail": json.dumps(event.detail, ensure_ascii=False) if event.detail else None,
        }


def stimulus_rows(study: Study) -> Iterator[Row]:
    """Yield one row per stimulus, shown or not, by identifier."""
    version = long_table_contract().schema_version
    stimuli = Stimulus.objects.filter(study=study).select_related("condition", "run").defer("run__manifest")
    for stimulus in stimuli.order_by("identifier").iterator(chunk_size=ROWS_AT_ONCE):
        condition, quality = stimulus.condition, stimulus.quality
        yield {
            "schema_version": version,
            "study": study.slug,
            "summary": stimulus.identifier,
            "class": condition.class_name,
            "network": condition.network,
            "method": condition.method,
            "arm": condition.arm,
            "members": len(stimulus.members),
            "median_ssim": quality.get("median_ssim"),
            "mean_drop": quality.get("mean_drop"),
            "true_part": quality.get("part"),
            "purity": quality.get("purity"),
            "coverage": condition.coverage,
            "network_accuracy": condition.network_accuracy,
            "run_digest": stimulus.run.digest,
            "picture": picture_name(stimulus),
        }


def picture_name(stimulus: Stimulus) -> str:
    """Return the path of a stimulus's picture in the export directory."""
    return f"pictures/{stimulus.identifier}.{stimulus.grid.extension}"


def cell(value: Any) -> str:
    """Return a value as it stands in a CSV file.

    Missing values are empty, times are UTC with milliseconds, and text that a spreadsheet would take for a formula
    gets an apostrophe in front; numbers never do.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def timestamp(moment: datetime) -> str:
    """Return a moment as UTC in ISO 8601 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that appears under its name only when it is whole and on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def write_csv(
    path: Path, table: Table, rows: Iterable[Mapping[str, Any]], *, on_row: Callable[[str], None] = lambda table: None
) -> int:
    """Write a table in the contract's column order and return its number of rows.

    Raises:
        ExportError: a row has other columns than the contract (their order does not matter), or lacks a required value.
    """
    names = table.column_names
    required = [column.name for column in table.columns if column.required]
    number = 0
    with whole_file(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for number, row in enumerate(rows, start=1):
            if row.keys() != set(names):
                differing = sorted(row.keys() ^ set(names))
                raise ExportError(f"{table.name}: a row differs from the contract in {differing}.")
            missing = [name for name in required if row[name] is None]
            if missing:
                raise ExportError(f"{table.name}, row {number}: {', '.join(missing)} is missing, but required.")
            writer.writerow([cell(row[name]) for name in names])
            on_row(table.name)
    return number


def write_json_lines(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as they are, one JSON object per line."""
    with whole_file(path) as stream:
        for row in rows:
            plain = {name: timestamp(value) if isinstance(value, datetime) else value for name, value in row.items()}
            stream.write(json.dumps(plain, ensure_ascii=False) + "\n")


def write_json(path: Path, content: Any) -> None:
    """Write one JSON document."""
    with whole_file(path) as stream:
        json.dump(content, stream, ensure_ascii=False, indent=2)
        stream.write("\n")


def write_codebook(study: Study, directory: Path) -> None:
    """Write the codebook as CSV and JSON, and the Psych-DS description of the data set."""
    contract = long_table_contract()
    write_json(directory / "codebook.json", contract.source)
    header = ("table", "column", "type", "required", "allowed", "description")
    with whole_file(directory / "codebook.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for table in contract.tables.values():
            for column in table.columns:
                allowed = " | ".join(column.allowed)
                texts = (table.name, column.name, column.type, column.required, allowed, column.description)
                writer.writerow([cell(text) for text in texts])
    variables = {column.name: column.description for table in contract.tables.values() for column in table.columns}
    simulated = study.participants.filter(simulated=True).exists()
    description = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "schemaVersion": "Psych-DS 0.4.0",
        "name": study.title,
        "description": (
            f"Answers to the study {study.slug!r}, version {study.version}, preset {study.preset!r}. "
            "In CSV files, text that begins with = + - @, a tab or a carriage return has an apostrophe in front; "
            "responses_long.jsonl has it as typed."
            + (" Rows with simulated = true were answered by programs and are no finding." if simulated else "")
        ),
        "version": contract.schema_version,
        "dateModified": timestamp(datetime.now(tz=UTC)),
        "variableMeasured": [
            {"@type": "PropertyValue", "name": name, "description": text} for name, text in variables.items()
        ],
    }
    write_json(directory / "dataset_description.json", description)


def copy_pictures(study: Study, directory: Path) -> int:
    """Copy the picture of each stimulus under its identifier and return how many there are.

    Raises:
        ExportError: a picture is not where it should be.
    """
    number = 0
    for stimulus in Stimulus.objects.filter(study=study).only("identifier", "pictures").iterator(chunk_size=200):
        target, source = directory / picture_name(stimulus), stimulus.grid.path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}")
        try:
            shutil.copyfile(source, draft)
        except FileNotFoundError as error:
            raise ExportError(
                f"The picture of {stimulus.identifier} is missing at {source}; import its run again."
            ) from error
        draft.replace(target)
        number += 1
    return number
