"""SONA: participant pools of universities; credit is granted when the participant's browser opens an address.

Parameters and address as in Sona's guide for researchers, “External Study Credit Granting” (sona-systems.com).
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from study.models import Study
from study.recruitment.base import FINISHED, Entry, Recruiter, WayBack, is_address_on

CREDIT_PAGE = "webstudy_credit.aspx"
SITE = "sona-systems.com"


class Sona(Recruiter):
    """Recognises `?id=%SURVEY_CODE%`, in studies that name their SONA site only: `id` is a common parameter.

    The study's settings: `site` (such as `https://example.sona-systems.com`), `experiment_id`, `credit_token`.
    """

    name = "sona"
    parameters = {"participant": "id"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return the survey code of the link.

        Raises:
            EntryRefusedError: the code is a placeholder, or too long.
        """
        if "site" not in self.settings(study):
            return None
        return self.identified_entry(study, query, raw_query=raw_query, site="SONA")

    def way_back(
        self, study: Study, outcome: str, *, subject: str = "", details: Mapping[str, str] | None = None
    ) -> WayBack | None:
        """Return the address that grants credit, for everybody who finished; None for other outcomes."""
        settings = self.settings(study)
        if outcome not in FINISHED or not subject or self.problems(study):
            return None
        query = {
            "experiment_id": settings["experiment_id"],
            "credit_token": settings["credit_token"],
            "survey_code": subject,
        }
        return WayBack(f"{str(settings['site']).rstrip('/')}/{CREDIT_PAGE}?{urlencode(query)}")

    def problems(self, study: Study) -> list[str]:
        """Return what is missing or wrong in the study's settings for SONA."""
        settings = self.settings(study)
        if not settings:
            return []
        missing = [key for key in ("site", "experiment_id", "credit_token") if not settings.get(key)]
        if missing:
            return [_("SONA: set %(keys)s in Recruitment.") % {"keys": ", ".join(missing)}]
        if not is_address_on(str(settings["site"]), SITE):
            return [_("SONA: site must be an https address on sona-systems.com.")]
        return []
