"""Prolific: participants bring an identifier in the link and go back with a completion code."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from study.models import Study
from study.recruitment.base import Entry, EntryRefusedError, Recruiter

COMPLETION_PAGE = "https://app.prolific.com/submissions/complete"
LONGEST_IDENTIFIER = 200


class Prolific(Recruiter):
    """Recognises `?PROLIFIC_PID=…&STUDY_ID=…&SESSION_ID=…`; the names can be changed per study."""

    name = "prolific"
    parameters = {"participant": "PROLIFIC_PID", "study": "STUDY_ID", "session": "SESSION_ID"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return the identifiers of a link with Prolific's participant parameter.

        Raises:
            EntryRefusedError: the placeholder was not filled in, as when a researcher copies the link by hand, or
                the identifier is longer than 200 characters.
        """
        subject = query.get(self.parameter(study, "participant"), "").strip()
        if not subject:
            return None
        if "{{" in subject or "%" in subject:
            raise EntryRefusedError(
                _("The link still has a placeholder where your Prolific ID should be. Please open it from Prolific.")
            )
        if len(subject) > LONGEST_IDENTIFIER:
            raise EntryRefusedError(_("The Prolific ID in the link is too long. Please open the link from Prolific."))
        details = {
            word: value[:LONGEST_IDENTIFIER]
            for word in ("study", "session")
            if (value := query.get(self.parameter(study, word), ""))
        }
        return Entry(source=self.name, subject=subject, details=details, raw_query=raw_query)

    def completion_url(self, study: Study, outcome: str) -> str | None:
        """Return Prolific's completion page with the code of the outcome, or None when the study has no such code."""
        code = study.completion_code(outcome)
        return f"{COMPLETION_PAGE}?{urlencode({'cc': code})}" if code else None
