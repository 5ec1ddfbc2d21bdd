"""What was found: one fact, how bad it is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. A problem stops a study or loses data; a warning may."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, what was `found`, and the `mend` where something is to be done."""

    what: str
    level: Level
    found: str
    mend: str = ""
