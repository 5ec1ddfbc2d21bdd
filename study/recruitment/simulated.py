"""Simulated participants: programs that enter with a signed parameter, so that nobody else can pass for one."""

from collections.abc import Mapping

from django.core import signing
from django.utils.translation import gettext as _

from study.models import Study
from study.recruitment.base import Entry, EntryRefusedError, Recruiter

SALT = "study.recruitment.simulated"
LONGEST_AGE_SECONDS = 24 * 60 * 60


def simulation_pass(study: Study) -> str:
    """Return the value of the entry parameter `simulation`: the study's slug, signed and dated."""
    return signing.dumps(study.slug, salt=SALT)


class Simulated(Recruiter):
    """Recognises `?simulation=<pass>`. A bad pass is refused, never taken for a person."""

    name = "simulated"
    parameters = {"pass": "simulation"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return a simulated entry when the pass is good.

        Raises:
            EntryRefusedError: the pass was signed with another key, for another study, or more than a day ago.
        """
        simulation = query.get(self.parameter(study, "pass"))
        if simulation is None:
            return None
        try:
            slug = signing.loads(simulation, salt=SALT, max_age=LONGEST_AGE_SECONDS)
        except signing.BadSignature:
            slug = None
        if slug != study.slug:
            raise EntryRefusedError(
                _("This link is for simulated participants of another server or study. Nothing was stored.")
            )
        return Entry(source=self.name, simulated=True)
