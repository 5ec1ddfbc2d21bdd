"""Which rows a moved study consists of, and how a row stands in the file.

A row is a JSON object with the model's own field names. What other servers number differently does not travel: primary
keys become places in their table, counted from 1, and accounts become user names. The study itself is understood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Field, ForeignKey, Model, QuerySet

from study.models import (
    Answer,
    AuditEntry,
    Condition,
    Event,
    ExternalIdentity,
    ImportedRun,
    Membership,
    NameCode,
    Participant,
    Prediction,
    QuestionnaireAnswer,
    Slot,
    Stimulus,
    Study,
    StudyVersion,
    Trial,
)

EXACT_INTEGERS_BELOW = 2.0**53


class MoveError(ValueError):
    """A study cannot be moved; the message says what was expected, what was there, and what to do."""


@dataclass(frozen=True)
class MovedTable:
    """One table of the file.

    Attributes:
        name: its name in the file.
        model: what its rows are.
        study_path: query path from a row to the study; for the audit log, to the study's slug.
        left_out: fields that the new server makes itself.
    """

    name: str
    model: type[Model]
    study_path: str
    left_out: frozenset[str] = frozenset()

    @cached_property
    def fields(self) -> tuple["Field[Any, Any]", ...]:
        """The fields that travel, in the model's order."""
        return tuple(
            field
            for field in self.model._meta.concrete_fields
            if not field.primary_key
            and field.name not in self.left_out
            and not (isinstance(field, ForeignKey) and field.remote_field.model is Study)
        )

    @cached_property
    def field_names(self) -> list[str]:
        """Their names."""
        return [field.name for field in self.fields]

    def rows_of(self, study: Study) -> QuerySet[Any]:
        """Return a study's rows, in the order in which they were made."""
        owner = study.slug if self.model is AuditEntry else study.pk
        return self.model._default_manager.filter(**{self.study_path: owner}).order_by("pk")


TABLES = (
    MovedTable("study", Study, "pk"),
    MovedTable("runs", ImportedRun, "study"),
    MovedTable("conditions", Condition, "study"),
    MovedTable("stimuli", Stimulus, "study"),
    MovedTable("predictions", Prediction, "study"),
    MovedTable("versions", StudyVersion, "study"),
    MovedTable("memberships", Membership, "study"),
    MovedTable("participants", Participant, "study"),
    MovedTable("external_identities", ExternalIdentity, "study"),
    MovedTable("slots", Slot, "study"),
    MovedTable("trials", Trial, "participant__study"),
    MovedTable("answers", Answer, "trial__participant__study"),
    MovedTable("questionnaire_answers", QuestionnaireAnswer, "participant__study"),
    MovedTable("events", Event, "participant__study"),
    MovedTable("name_codes", NameCode, "study"),
    MovedTable("audit", AuditEntry, "study", frozenset({"study", "digest"})),
)
"""In the order in which they can be stored: each refers to those before it only."""
LEFT_BEHIND = {
    "Tally": "running totals, counted again from the answers",
    "Pregeneration": "work of the old server's machine; what it made is in the runs and stimuli",
}
"""Models of a study that do not move, and why."""
TABLE_OF_MODEL = {table.model: table.name for table in TABLES}


def is_account(field: "Field[Any, Any]") -> bool:
    """Tell whether a field refers to a researcher's account."""
    return isinstance(field, ForeignKey) and field.remote_field.model._meta.label == settings.AUTH_USER_MODEL


def referred_table(field: "Field[Any, Any]") -> str | None:
    """Return the table of the file that a field refers to; None for plain values."""
    if not isinstance(field, ForeignKey) or is_account(field):
        return None
    model: Any = field.remote_field.model
    return TABLE_OF_MODEL[model]


def as_json(value: Any) -> Any:
    """Return a stored value as it stands in the file: moments in UTC with microseconds, numbers in one notation.

    SQLite and PostgreSQL give the numbers inside JSON back in different notations (1e+16 and 10000000000000000); equal
    numbers must be written equally, or a study would change by being moved.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value) if value == 0 or abs(value) >= EXACT_INTEGERS_BELOW else value
    return value


def from_json(field: "Field[Any, Any]", value: Any) -> Any:
    """Return a value of the file as the model takes it.

    Raises:
        MoveError: it is no possible value of the field; the message does not repeat it, since it may be personal.
    """
    if value is None:
        if not field.null:
            raise MoveError(f"{field.name} is missing")
        return None
    kind = field.get_internal_type()
    if kind == "JSONField":
        _check_json_kind(field, value)
    else:
        value = _scalar(field, kind, value)
    try:
        field.run_validators(value)
    except ValidationError as error:
        raise MoveError(f"{field.name}: {' '.join(error.messages)[:300]}") from error
    if field.choices and value not in {key for key, _words in field.flatchoices}:
        raise MoveError(f"{field.name} is none of {', '.join(str(key) for key, _words in field.flatchoices)}")
    return value


def _check_json_kind(field: "Field[Any, Any]", value: Any) -> None:
    """Compare a JSON value with the field's default: an object where objects are stored, a list where lists are."""
    expected = type(field.get_default()) if field.has_default() else dict
    if type(value) is not expected:
        raise MoveError(f"{field.name} is no JSON {'object' if expected is dict else 'list'}")


def _scalar(field: "Field[Any, Any]", kind: str, value: Any) -> Any:
    if kind in {"CharField", "TextField", "SlugField", "EmailField"}:
        if isinstance(value, str):
            return value
    elif kind == "BooleanField":
        if isinstance(value, bool):
            return value
    elif kind == "FloatField":
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e308 and value == value:
            return float(value)
    elif kind in {"DateTimeField", "DateField"}:
        return _moment(field, kind, value)
    elif kind in {"PositiveIntegerField", "PositiveSmallIntegerField", "BigIntegerField"}:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    else:
        raise TypeError(f"Fields of the kind {kind} have no form in the file yet; add one to study/moving/tables.py.")
    raise MoveError(f"{field.name} is no value of a {kind}")


def _moment(field: "Field[Any, Any]", kind: str, value: Any) -> date | datetime:
    try:
        if kind == "DateField":
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise MoveError(f"{field.name} is no {'day' if kind == 'DateField' else 'moment'} in ISO 8601") from None
    if moment.tzinfo is None:
        raise MoveError(f"{field.name} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MoveError(f"{field.name} lies outside the calendar") from None
