"""Rows of every table of the contract, read from the database participant by participant.

Memory does not grow with the number of answers: answers are fetched for some hundred participants at a time, and only
the stimuli of a study, which are few, are held. People who tried the study out (`Participant.test_at`) are nowhere.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from study.contract import long_table_contract
from study.exports.cells import ROWS_AT_ONCE, Row, json_text
from study.exports.privacy import Profile, PublicRows, external_id, plain_name
from study.models import (
    Answer,
    AnswerKind,
    Event,
    Participant,
    ParticipantState,
    Phase,
    QuestionnaireAnswer,
    Stimulus,
    Study,
    Trial,
)
from study.tasks import find_item, get_task

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
PARTICIPANTS_AT_ONCE = 200


@dataclass(frozen=True)
class StimulusFacts:
    """What rows tell of a stimulus; cheap enough to hold for all stimuli of a study."""

    identifier: str
    class_name: str
    network: str
    method: str
    arm: str
    run_digest: str


class StudyRows:
    """The rows of one study's export, for one profile.

    Whoever consents after this object was made is in no table, so that all tables tell of the same people while the
    study goes on.
    """

    def __init__(self, study: Study, *, profile: Profile = Profile.FULL) -> None:
        self.study = study
        self.profile = profile
        self.version = long_table_contract().schema_version
        self._last = self._people().aggregate(last=Max("pk"))["last"] or 0

    def tables(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """Return, for each table of the contract, what yields its rows."""
        sources = {
            "responses_long": self.responses,
            "participants": self.participants,
            "stimuli": self.stimuli,
            "events": self.events,
            "questionnaires": self.questionnaires,
            "name_codes": self.name_codes,
        }
        return {name: partial(self._published_table, name, rows) for name, rows in sources.items()}

    def _published_table(self, table: str, rows: Callable[[], Iterator[Row]]) -> Iterator[Row]:
        return self.published(table, rows())

    def published(self, table: str, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows as the profile shows them.

        Raises:
            ExportError: the profile is public and there are fewer than five participants.
        """
        if self.profile == Profile.FULL:
            return rows
        turn = self._public_rows
        return (turned for row in rows if (turned := turn(table, row)) is not None)

    def responses(self, *, lossless: bool = False) -> Iterator[Row]:
        """Yield one row per answer, by participant in order of consent, then by position.

        `lossless` adds what the browser reported with the answer, and which practice item it was.
        """
        start = {"schema_version": self.version, "study": self.study.slug}
        for people in self._batches(self._people()):
            answers = (
                Answer.objects.filter(trial__participant__in=people)
                .select_related("trial")
                .order_by("trial__participant_id", "trial__position")
            )
            for answer in answers:
                trial = answer.trial
                participant = people[trial.participant_id]
                stimulus = self._stimuli[trial.stimulus_id] if trial.stimulus_id else None
                row = start | {
                    "study_version": participant.study_version,
                    "participant": participant.pseudonym,
                    "simulated": participant.simulated,
                    "participant_state": participant.state,
                    "trial_position": trial.position,
                    "phase": trial.phase,
                    "task": trial.task,
                    "summary": stimulus.identifier if stimulus else None,
                    "class": stimulus.class_name if stimulus else _class_of_item(trial),
                    "network": stimulus.network if stimulus else None,
                    "method": stimulus.method if stimulus else None,
                    "arm": stimulus.arm if stimulus else None,
                    **_NO_TASK_COLUMNS,
                    **get_task(trial.task).export_values(trial, answer),
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
                    "run_digest": stimulus.run_digest if stimulus else None,
                }
                if lossless:
                    row |= {
                        "practice_item": trial.practice_item or None,
                        "detail": trial.detail,
                        "input_details": answer.input_details,
                    }
                yield row

    def participants(self) -> Iterator[Row]:
        """Yield one row per participant, in order of consent; those who withdrew or came too late included."""
        checks = Q(trials__phase=Phase.ATTENTION)
        counted = self._people().annotate(
            answered=Count("trials__answer"),
            checked=Count("trials__answer", filter=checks),
            failed=Count("trials__answer", filter=checks & Q(trials__answer__correct=False)),
        )
        for people in self._batches(counted.select_related("external_identity")):
            for participant in people.values():
                state = ParticipantState(participant.state)
                yield {
                    "schema_version": self.version,
                    "study": self.study.slug,
                    "study_version": participant.study_version,
                    "participant": participant.pseudonym,
                    "simulated": participant.simulated,
                    "source": participant.source,
                    "external_id": self._external_id(participant),
                    "state": participant.state,
                    "slot": participant.slot_number,
                    "language": participant.language,
                    "consented_at": participant.consented_at,
                    "started_at": participant.active_at,
                    "completed_at": participant.completed_at,
                    "ended_at": None if state in GOING_ON else getattr(participant, f"{state}_at"),
                    "trials_planned": participant.trials_planned,
                    "trials_answered": participant.answered,
                    "comprehension_attempts": participant.comprehension_attempts if self.study.comprehension else None,
                    "attention_checks": participant.checked,
                    "attention_failed": participant.failed,
                    "came_back_late": participant.timed_out_at is not None and state != ParticipantState.TIMED_OUT,
                }

    def stimuli(self) -> Iterator[Row]:
        """Yield one row per stimulus, shown or not, by identifier."""
        stimuli = Stimulus.objects.filter(study=self.study).select_related("condition", "run").defer("run__manifest")
        for stimulus in stimuli.order_by("identifier").iterator(chunk_size=ROWS_AT_ONCE):
            condition, quality = stimulus.condition, stimulus.quality
            yield {
                "schema_version": self.version,
                "study": self.study.slug,
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

    def events(self) -> Iterator[Row]:
        """Yield one row per event, by participant in order of consent, then by time."""
        for people in self._batches(self._people().only("pseudonym")):
            sequences: Counter[int] = Counter()
            for event in Event.objects.filter(participant__in=people).order_by("participant_id", "at", "pk"):
                sequences[event.participant_id] += 1
                yield {
                    "schema_version": self.version,
                    "study": self.study.slug,
                    "participant": people[event.participant_id].pseudonym,
                    "sequence": sequences[event.participant_id],
                    "kind": event.kind,
                    "at": event.at,
                    "detail": json_text(event.detail) if event.detail else None,
                }

    def questionnaires(self) -> Iterator[Row]:
        """Yield one row per question of a questionnaire, answered or left empty, by participant in order of consent."""
        for people in self._batches(self._people().only("pseudonym")):
            answers = QuestionnaireAnswer.objects.filter(participant__in=people)
            for answer in answers.order_by("participant_id", "pk"):
                yield {
                    "schema_version": self.version,
                    "study": self.study.slug,
                    "participant": people[answer.participant_id].pseudonym,
                    "questionnaire": answer.questionnaire,
                    "moment": answer.moment,
                    "question": answer.question,
                    "answer_text": answer.text or None,
                    "answer_value": answer.value,
                    "answered_at": answer.answered_at,
                }

    def name_codes(self) -> Iterator[Row]:
        """Yield one row per code that a coder gave to a name, by class and name; the consensus after the coders."""
        codes = self.study.name_codes.order_by("class_name", "name", "coder")
        for code in codes.iterator(chunk_size=ROWS_AT_ONCE):
            yield {
                "schema_version": self.version,
                "study": self.study.slug,
                "class": code.class_name,
                "name": code.name,
                "coder": code.coder,
                "code": code.code or None,
                "coded_at": code.coded_at,
            }

    def _people(self) -> QuerySet[Participant]:
        return Participant.objects.filter(study=self.study, test_at=None)

    def _batches(self, people: QuerySet[Participant]) -> Iterator[dict[int, Any]]:
        """Yield the participants by primary key, some hundred at a time, in order of consent."""
        after = 0
        while True:
            batch = people.filter(pk__gt=after, pk__lte=self._last).order_by("pk")[:PARTICIPANTS_AT_ONCE]
            found = {participant.pk: participant for participant in batch}
            if not found:
                return
            yield found
            after = max(found)

    def _external_id(self, participant: Participant) -> str | None:
        identity = getattr(participant, "external_identity", None)
        return external_id(self.study.slug, identity.recruiter, identity.subject) if identity else None

    @cached_property
    def _stimuli(self) -> dict[int, StimulusFacts]:
        columns = ("pk", "identifier", "condition__class_name", "condition__network", "condition__method")
        found = self.study.stimuli.values_list(*columns, "condition__arm", "run__digest")
        return {key: StimulusFacts(*facts) for key, *facts in found}

    @cached_property
    def _public_rows(self) -> PublicRows:
        """Count what people share: their link and language, their names, their answers to questionnaires."""
        names: dict[str, int] = Counter()
        texts = Answer.objects.filter(
            trial__participant__study=self.study, trial__participant__test_at=None, kind=AnswerKind.NAMED
        ).values_list("text")
        for text, people in texts.annotate(people=Count("trial__participant", distinct=True)).order_by():
            names[plain_name(text)] += people
        answers = Counter(
            (row["questionnaire"], row["moment"], row["question"], row["answer_text"], row["answer_value"])
            for row in self.questionnaires()
        )
        people = self._people().filter(pk__lte=self._last).values("source", "language")
        return PublicRows(self.study.slug, people=people, names=names, answers=answers)


_NO_TASK_COLUMNS = dict.fromkeys(TASK_COLUMNS)


def _class_of_item(trial: Trial) -> str | None:
    """Return the class of an item with a known answer; what other trials without a stimulus show, their task says."""
    item = find_item(get_task(trial.task), trial)
    return item.class_name or None if item is not None else None


def picture_name(stimulus: Stimulus) -> str:
    """Return the path of a stimulus's picture in the export directory."""
    return f"pictures/{stimulus.identifier}.{stimulus.grid.extension}"
