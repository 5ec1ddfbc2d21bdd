"""What Prolific knows of its submissions: from the CSV that researchers download, or from its API.

Columns, statuses and addresses as in Prolific's documentation (docs.prolific.com/api-reference/submissions, 2026).
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ANSWER_WITHIN_SECONDS = 30.0
PAGE_SIZE = 200
MOST_PAGES = 500


class ProlificError(RuntimeError):
    """Prolific's file or API does not give what we need; the message says what to do."""


class SubmissionStatus(StrEnum):
    """Statuses of Prolific that concern us."""

    RETURNED = "RETURNED"
    TIMED_OUT = "TIMED-OUT"
    OTHER = "other"


@dataclass(frozen=True)
class Submission:
    """One participant's submission: the identifier of the entry link, and the status."""

    participant: str
    status: SubmissionStatus


def read_csv(path: Path) -> list[Submission]:
    """Read a CSV of Prolific; other columns than `Participant id` and `Status` are left alone.

    Raises:
        ProlificError: the file cannot be read or lacks one of the two columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = {(name or "").strip().casefold(): name for name in reader.fieldnames or []}
            participant, status = columns.get("participant id"), columns.get("status")
            if participant is None or status is None:
                found = ", ".join(reader.fieldnames or []) or "nothing"
                raise ProlificError(f"{path} has the columns {found}; expected Participant id and Status.")
            return [
                Submission(row[participant].strip(), _status(row[status]))
                for row in reader
                if (row[participant] or "").strip()
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProlificError(f"Cannot read {path}: {error}. Download the file from Prolific again.") from error


def _status(text: str | None) -> SubmissionStatus:
    plain = (text or "").strip().upper().replace("_", "-").replace(" ", "-")
    return SubmissionStatus(plain) if plain in set(SubmissionStatus) else SubmissionStatus.OTHER


class ProlificClient:
    """A small client of Prolific's API; reads only."""

    def __init__(self, token: str, *, base_url: str) -> None:
        self._client = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Token {token}"}, timeout=ANSWER_WITHIN_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def submissions(self, study: str) -> list[Submission]:
        """Return all submissions of one of Prolific's studies.

        Raises:
            ProlificError: no answer, a refusal, or an answer in another form.
        """
        found: list[Submission] = []
        for page in range(1, MOST_PAGES + 1):
            answer = self._get("/api/v1/submissions/", {"study": study, "page": page, "page_size": PAGE_SIZE})
            try:
                found += [Submission(item["participant_id"], _status(item["status"])) for item in answer["results"]]
                following = answer.get("_links", {}).get("next", {}).get("href")
            except (KeyError, TypeError, AttributeError) as error:
                raise ProlificError(f"Prolific's API answered in an unknown form ({error!r}); use the CSV.") from error
            if not following:
                break
        return found

    def _get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        try:
            response = self._client.get(path, params=query)
            response.raise_for_status()
            answer: dict[str, Any] = response.json()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise ProlificError(f"Prolific's API answered {status}; check the token and the study's ID.") from error
        except (httpx.HTTPError, ValueError) as error:
            raise ProlificError(f"Prolific's API cannot be reached ({error}); try again, or use the CSV.") from error
        return answer
