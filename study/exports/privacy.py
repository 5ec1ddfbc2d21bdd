"""Who may read an export: the full profile keeps pseudonymous rows as they are, the public one hides rare people.

External identifiers never leave the server as they are: an export holds a keyed hash, HMAC-SHA256 (RFC 2104) under a
key that only this server has and that differs between studies, so that rows of two studies cannot be joined.
"""

import hashlib
import hmac
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings

from study.exports.cells import ExportError, Row

SMALLEST_CELL = 5
"""k of the public profile: a combination of quasi-identifiers that fewer people share is not shown."""
TIME_GRAIN_MS = 100
OTHER = "other"
QUASI_IDENTIFIERS = ("source", "language")
FREE_TEXT_QUESTIONNAIRES = frozenset({"comments"})
LEFT_OUT_IN_PUBLIC = frozenset({"events", "name_codes"})
"""Events follow one person second by second; coders read names as typed."""


class Profile(StrEnum):
    """For whom an export is."""

    FULL = "full"
    """The team: pseudonyms, times in milliseconds, words as typed."""
    PUBLIC = "public"
    """Anybody: no cell under five people, days instead of moments, rare words under a hash."""


def external_id(study_slug: str, recruiter: str, subject: str) -> str | None:
    """Return the keyed hash of a recruiter's identifier as 64 hexadecimal digits; None for anonymous links."""
    if not subject:
        return None
    return keyed_hash(study_slug, "external-id", f"{recruiter}:{subject}")


def keyed_hash(study_slug: str, purpose: str, text: str) -> str:
    """Return the HMAC-SHA256 of a text under the server's key for this study and purpose."""
    key = hmac.digest(settings.EXTERNAL_ID_KEY.encode(), f"{purpose}:{study_slug}".encode(), "sha256")
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def plain_name(text: str) -> str:
    """Return a name in the form in which names are counted: NFKC, case-folded, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class PublicRows:
    """Turns rows into what anybody may see.

    `common` holds the combinations of `QUASI_IDENTIFIERS` and the names that at least five participants share;
    everything rarer is replaced: values by `other`, words by a keyed hash that keeps equal names equal.
    """

    def __init__(
        self, study_slug: str, *, people: Iterable[Mapping[str, Any]], names: Mapping[str, int], answers: Counter[Any]
    ) -> None:
        combinations = Counter(_combination(person) for person in people)
        total = sum(combinations.values())
        if total < SMALLEST_CELL:
            raise ExportError(
                f"The public profile needs at least {SMALLEST_CELL} participants; study {study_slug!r} has {total}. "
                "Wait for more, or export with the full profile for the team only."
            )
        self._slug = study_slug
        self._common = {key for key, count in combinations.items() if count >= SMALLEST_CELL}
        self._common_names = {name for name, count in names.items() if count >= SMALLEST_CELL}
        self._common_answers = {key for key, count in answers.items() if count >= SMALLEST_CELL}
        self._turn: dict[str, Callable[[Row], Row | None]] = {
            "responses_long": self._response,
            "participants": self._participant,
            "questionnaires": self._questionnaire,
        }

    def __call__(self, table: str, row: Row) -> Row | None:
        """Return the row as it may be published, or None where it may not."""
        if table in LEFT_OUT_IN_PUBLIC:
            return None
        turn = self._turn.get(table)
        return turn(row) if turn else row

    def _participant(self, row: Row) -> Row | None:
        rare = {} if _combination(row) in self._common else dict.fromkeys(QUASI_IDENTIFIERS, OTHER)
        return coarse(row | rare | {"external_id": None, "slot": None})

    def _response(self, row: Row) -> Row | None:
        row = coarse(row)
        if "input_details" in row:
            row["input_details"] = {}
        row["language"] = OTHER if (row["language"],) not in {key[1:] for key in self._common} else row["language"]
        if row["answer_text"] is not None:
            name = plain_name(row["answer_text"])
            row["answer_text"] = name if name in self._common_names else self._rare(name)
        return row

    def _questionnaire(self, row: Row) -> Row | None:
        if row["questionnaire"] in FREE_TEXT_QUESTIONNAIRES:
            return None
        key = (row["questionnaire"], row["moment"], row["question"], row["answer_text"], row["answer_value"])
        if key not in self._common_answers:
            row = row | {"answer_text": None, "answer_value": None}
        return coarse(row)

    def _rare(self, name: str) -> str:
        return f"rare-{keyed_hash(self._slug, 'rare-name', name)[:12]}"


def coarse(row: Row) -> Row:
    """Return the row with moments cut to the day (UTC) and durations rounded to a tenth of a second."""
    return {name: _coarse(name, value) for name, value in row.items()}


def _coarse(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(hour=0, minute=0, second=0, microsecond=0)
    if name.endswith("_ms") and value is not None:
        return float(round(value / TIME_GRAIN_MS) * TIME_GRAIN_MS)
    return value


def _combination(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in QUASI_IDENTIFIERS)
