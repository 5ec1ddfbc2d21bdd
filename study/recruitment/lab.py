"""The laboratory: one signed link per participant, made by `manage.py lab_links`."""

from collections.abc import Mapping

from django.core import signing
from django.utils.translation import gettext as _

from study.models import Study
from study.recruitment.base import Entry, EntryRefusedError, Recruiter

SALT = "study.recruitment.lab"


def lab_pass(study: Study, label: str) -> str:
    """Return the value of the entry parameter `lab` for one participant, who is known by a label such as `A-07`."""
    return signing.Signer(salt=SALT).sign_object([study.slug, label])


class Lab(Recruiter):
    """Recognises `?lab=<pass>`; the same link always leads to the same participant. A bad pass is refused."""

    name = "lab"
    parameters = {"pass": "lab"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return the label that the link was made for.

        Raises:
            EntryRefusedError: the pass was changed, or made for another study or server.
        """
        value = query.get(self.parameter(study, "pass"))
        if value is None:
            return None
        try:
            slug, label = signing.Signer(salt=SALT).unsign_object(value)
        except (signing.BadSignature, ValueError, TypeError):
            slug, label = None, ""
        if slug != study.slug or not label:
            raise EntryRefusedError(_("This link is not complete, or belongs to another study. Please ask for help."))
        return Entry(source=self.name, subject=label, raw_query=raw_query)
