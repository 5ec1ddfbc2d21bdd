"""The open link: anyone who has it may take part."""

from collections.abc import Mapping

from study.models import Study
from study.recruitment.base import Entry, Recruiter


class OpenLink(Recruiter):
    """Takes every link and asks for nothing, so it comes last in `STUDY_RECRUITERS`."""

    name = "open"

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry:
        """Return an anonymous entry; the query is kept as it came."""
        return Entry(source=self.name, raw_query=raw_query)
