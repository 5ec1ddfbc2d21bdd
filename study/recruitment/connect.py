"""CloudResearch Connect: identifiers in the link; at the end an address that the researcher copies from Connect.

As in Connect's help for researchers, “Project Completion” (connect-researcher-help.cloudresearch.com).
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from study.models import Study
from study.recruitment.base import Entry, Recruiter, WayBack, is_address_on

SITE = "connect.cloudresearch.com"


class Connect(Recruiter):
    """Recognises `?participantId=…&assignmentId=…&projectId=…`.

    The study's setting `redirects` maps outcomes to Connect's redirect addresses; without one the code is shown.
    """

    name = "connect"
    parameters = {"participant": "participantId", "assignment": "assignmentId", "project": "projectId"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return the identifiers of the link.

        Raises:
            EntryRefusedError: the identifier is a placeholder, or too long.
        """
        further = ("assignment", "project")
        return self.identified_entry(study, query, raw_query=raw_query, site="CloudResearch Connect", further=further)

    def way_back(
        self, study: Study, outcome: str, *, subject: str = "", details: Mapping[str, str] | None = None
    ) -> WayBack | None:
        """Return the redirect address of the outcome, or None when the study has none that is Connect's."""
        url = self._redirects(study).get(outcome, "")
        return WayBack(url) if is_address_on(url, SITE) else None

    def problems(self, study: Study) -> list[str]:
        """Return which redirects do not lead to Connect."""
        return [
            _("Connect: the redirect for %(outcome)s must be an https address on %(site)s.")
            % {"outcome": outcome, "site": SITE}
            for outcome, url in self._redirects(study).items()
            if not is_address_on(url, SITE)
        ]

    def _redirects(self, study: Study) -> dict[str, str]:
        redirects: Any = self.settings(study).get("redirects", {})
        return {str(outcome): str(url) for outcome, url in redirects.items()} if isinstance(redirects, Mapping) else {}
