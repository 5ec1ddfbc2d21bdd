"""Amazon Mechanical Turk: our pages stand in a frame of the worker's page and end with a form that Amazon takes.

Parameters, preview and the address of the last form as in the ExternalQuestion article of Amazon's developer guide.
"""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from study.models import ParticipantState, Study
from study.recruitment.base import FINISHED, Entry, EntryRefusedError, Recruiter, WayBack, check_identifier

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
SUBMIT_HOSTS = ("https://www.mturk.com", "https://workersandbox.mturk.com")
FRAME_HOSTS = ("https://worker.mturk.com", "https://www.mturk.com", "https://workersandbox.mturk.com")
SUBMIT_PATH = "/mturk/externalSubmit"


class MechanicalTurk(Recruiter):
    """Recognises `?assignmentId=…&hitId=…&workerId=…&turkSubmitTo=…`. A preview creates nothing."""

    name = "mturk"
    parameters = {"assignment": "assignmentId", "hit": "hitId", "worker": "workerId", "submit_to": "turkSubmitTo"}
    frame_ancestors = FRAME_HOSTS

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return the identifiers of a worker's link, or a preview.

        Raises:
            EntryRefusedError: the worker is missing, or the form should go to a site that is not Amazon's.
        """
        assignment = query.get(self.parameter(study, "assignment"), "").strip()
        hit = query.get(self.parameter(study, "hit"), "").strip()
        if assignment == PREVIEW:
            return Entry(source=self.name, raw_query=raw_query, preview=True)
        if not assignment or not hit:
            return None
        worker = query.get(self.parameter(study, "worker"), "").strip()
        submit_to = query.get(self.parameter(study, "submit_to"), "").strip().rstrip("/")
        if not worker or submit_to not in SUBMIT_HOSTS:
            raise EntryRefusedError(
                _("This link does not come from Mechanical Turk as it should. Please open the HIT there once more.")
            )
        return Entry(
            source=self.name,
            subject=check_identifier(worker, site="Mechanical Turk"),
            details=self.details(study, query, "assignment", "hit") | {"submit_to": submit_to},
            raw_query=raw_query,
        )

    def way_back(
        self, study: Study, outcome: str, *, subject: str = "", details: Mapping[str, str] | None = None
    ) -> WayBack | None:
        """Return the form that hands the HIT in. Amazon wants at least one field besides the assignment.

        None for people who came too late or withdrew, who return the HIT, and when the assignment is not known.
        """
        details = details or {}
        if outcome not in {*FINISHED, ParticipantState.SCREENED_OUT} or details.get("submit_to") not in SUBMIT_HOSTS:
            return None
        fields = {
            "assignmentId": details.get("assignment", ""),
            "outcome": outcome,
            "code": study.completion_code(outcome),
        }
        return WayBack(f"{details['submit_to']}{SUBMIT_PATH}", method="post", fields=fields)
