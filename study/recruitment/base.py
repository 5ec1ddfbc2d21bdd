"""What every recruiter offers: recognise its entry link, and say where to go at the end."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from study.models import Study


class EntryRefusedError(ValueError):
    """An entry link is not acceptable. The message is for the participant."""


@dataclass(frozen=True)
class Entry:
    """What an entry link says about the person who opened it; `subject` is empty for anonymous links."""

    source: str
    subject: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    raw_query: str = ""
    simulated: bool = False


class Recruiter(ABC):
    """A source of participants. `parameters` maps our words to the link's usual parameter names."""

    name: ClassVar[str]
    parameters: ClassVar[Mapping[str, str]] = {}

    def parameter(self, study: Study, word: str) -> str:
        """Return the name of a parameter: the study's own, else the recruiter's usual one."""
        own: Mapping[str, str] = study.recruitment.get(self.name, {})
        return own.get(word, self.parameters[word])

    @abstractmethod
    def recognise(self, study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry | None:
        """Return what the link says, or None when the link is not this recruiter's.

        Raises:
            EntryRefusedError: the link is this recruiter's, but not acceptable.
        """

    def completion_url(self, study: Study, outcome: str) -> str | None:
        """Return where to send a participant at the end, or None when there is nowhere to go."""
        return None
