"""What every recruiter offers: recognise its entry link, and say how a participant goes back at the end."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from study.models import ParticipantState, Study

LONGEST_IDENTIFIER = 200
FINISHED = frozenset({ParticipantState.COMPLETED, ParticipantState.FAILED_CHECKS})
"""Outcomes of people who have answered everything; both get what finishing earns."""


class EntryRefusedError(ValueError):
    """An entry link is not acceptable. The message is for the participant."""


@dataclass(frozen=True)
class Entry:
    """What an entry link says about the person who opened it.

    `subject` is empty for anonymous links. `preview`: the recruiter shows the page to somebody who has not accepted
    yet, so nothing may be created. `test`: the researcher looks at the study; no slot is taken and nothing counts.
    """

    source: str
    subject: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    raw_query: str = ""
    simulated: bool = False
    preview: bool = False
    test: bool = False


@dataclass(frozen=True)
class WayBack:
    """How a participant goes back to the recruiter: a link, or a form that posts `fields`."""

    url: str
    method: str = "get"
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme and host, for the content security policy of a page with such a form."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Recruiter(ABC):
    """A source of participants. `parameters` maps our words to the link's usual parameter names.

    What differs in a study stands in `Study.recruitment` under the recruiter's name: other parameter names, and
    whatever else the recruiter needs.
    """

    name: ClassVar[str]
    parameters: ClassVar[Mapping[str, str]] = {}
    frame_ancestors: ClassVar[tuple[str, ...]] = ()
    """Sites that may show our pages in a frame to participants of this recruiter; usually none."""

    def settings(self, study: Study) -> Mapping[str, Any]:
        """Return what the study says about this recruiter; empty where it says nothing."""
        own = study.recruitment.get(self.name, {})
        return own if isinstance(own, Mapping) else {}

    def parameter(self, study: Study, word: str) -> str:
        """Return the name of a parameter: the study's own, else the recruiter's usual one."""
        return str(self.settings(study).get(word, self.parameters[word]))

    def identified_entry(
        self, study: Study, query: Mapping[str, str], *, raw_query: str, site: str, further: tuple[str, ...] = ()
    ) -> Entry | None:
        """Return the entry of a link that names its participant, with further identifiers; None when it names nobody.

        Raises:
            EntryRefusedError: the identifier is a placeholder of the site that nobody filled in, or too long.
        """
        subject = query.get(self.parameter(study, "participant"), "").strip()
        if not subject:
            return None
        return Entry(
            source=self.name,
            subject=check_identifier(subject, site=site),
            details=self.details(study, query, *further),
            raw_query=raw_query,
        )

    def details(self, study: Study, query: Mapping[str, str], *words: str) -> dict[str, str]:
        """Return the parameters of these words that the link has, each cut to 200 characters; nothing unprintable."""
        values = {word: query.get(self.parameter(study, word), "") for word in words}
        return {word: value[:LONGEST_IDENTIFIER] for word, value in values.items() if value and value.isprintable()}

    @abstractmethod
    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return what the link says, or None when the link is not this recruiter's.

        Raises:
            EntryRefusedError: the link is this recruiter's, but not acceptable.
        """

    def way_back(
        self, study: Study, outcome: str, *, subject: str = "", details: Mapping[str, str] | None = None
    ) -> WayBack | None:
        """Return how to go back with an outcome, or None when there is no way.

        `subject` and `details` are those of the participant's entry.
        """
        return None

    def problems(self, study: Study) -> list[str]:
        """Return what is wrong with the study's settings for this recruiter; each message says what to change."""
        return []


def check_identifier(subject: str, *, site: str) -> str:
    """Return an identifier from an entry link.

    Raises:
        EntryRefusedError: the placeholder was not filled in, as when a researcher copies the link by hand, or the
            identifier is longer than 200 characters or holds what cannot be printed.
    """
    if "{{" in subject or "%" in subject:
        raise EntryRefusedError(
            _("The link still has a placeholder where your ID from %(site)s should be. Please open it from there.")
            % {"site": site}
        )
    if len(subject) > LONGEST_IDENTIFIER or not subject.isprintable():
        raise EntryRefusedError(
            _("The ID from %(site)s in the link cannot be right. Please open the link from there.") % {"site": site}
        )
    return subject


def is_address_on(url: str, host: str) -> bool:
    """Tell whether a URL is an HTTPS address on a host or on one of its subdomains, without user name or odd port."""
    try:
        parts = urlsplit(url)
        found = (parts.hostname or "").lower()
        port = parts.port
    except ValueError:
        return False
    on_host = found == host or found.endswith(f".{host}")
    return parts.scheme == "https" and on_host and port in {None, 443} and "@" not in parts.netloc
