"""The researcher's look at a study: every page as participants see it; no slot is taken and nothing counts."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.core import signing
from django.utils.translation import gettext as _

from study.models import Study
from study.recruitment.base import Entry, EntryRefusedError, Recruiter

SALT = "study.recruitment.preview"
LONGEST_AGE_SECONDS = 24 * 60 * 60


def preview_path(study: Study) -> str:
    """Return the path of a link, good for a day, by which a study can be tried out, launched or not."""
    return f"{study.get_absolute_url()}?{urlencode({'preview': signing.dumps(study.slug, salt=SALT)})}"


class Preview(Recruiter):
    """Recognises `?preview=<pass>`. A bad pass is refused, never taken for a participant."""

    name = "preview"
    parameters = {"pass": "preview"}

    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return a test entry when the pass is good.

        Raises:
            EntryRefusedError: the pass was made for another study or server, or more than a day ago.
        """
        value = query.get(self.parameter(study, "pass"))
        if value is None:
            return None
        try:
            slug = signing.loads(value, salt=SALT, max_age=LONGEST_AGE_SECONDS)
        except signing.BadSignature:
            slug = None
        if slug != study.slug:
            raise EntryRefusedError(_("This preview link is no longer valid. Please make a new one."))
        return Entry(source=self.name, test=True)
