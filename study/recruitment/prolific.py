"""Prolific: participants bring an identifier in the link and go back with a completion code.

Parameters and completion page as in Prolific's help for researchers (researcher-help.prolific.com, 2026).
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from study.models import Study
from study.recruitment.base import Entry, Recruiter, WayBack

COMPLETION_PAGE = "https://app.prolific.com/submissions/complete"


class Prolific(Recruiter):
    """Recognises `?PROLIFIC_PID=…&STUDY_ID=…&SESSION_ID=…`; the names can be changed per study."""

    name = "prolific"
    parameters = {"participant": "PROLIFIC_PID", "study": "STUDY_ID", "session": "SESSION_ID"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return the identifiers of a link with Prolific's participant parameter.

        Raises:
            EntryRefusedError: the identifier is a placeholder, or too long.
        """
        return self.identified_entry(study, query, raw_query=raw_query, site="Prolific", further=("study", "session"))

    def way_back(
        self, study: Study, outcome: str, *, subject: str = "", details: Mapping[str, str] | None = None
    ) -> WayBack | None:
        """Return Prolific's completion page with the code of the outcome, or None when the study has no such code."""
        code = study.completion_code(outcome)
        return WayBack(f"{COMPLETION_PAGE}?{urlencode({'cc': code})}") if code else None
