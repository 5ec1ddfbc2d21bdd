"""Models of the study, one noun per file. Only `study.services` writes them."""

from study.models.answer import Answer, AnswerKind
from study.models.condition import Arm, Condition
from study.models.event import BROWSER_EVENT_KINDS, Event, EventKind
from study.models.external_identity import ExternalIdentity
from study.models.participant import Participant, ParticipantState
from study.models.run import ImportedRun
from study.models.slot import Slot, SlotState
from study.models.stimulus import Picture, Stimulus, picture_path
from study.models.study import Study, StudyState
from study.models.trial import Phase, Trial

__all__ = [
    "BROWSER_EVENT_KINDS",
    "Answer",
    "AnswerKind",
    "Arm",
    "Condition",
    "Event",
    "EventKind",
    "ExternalIdentity",
    "ImportedRun",
    "Participant",
    "ParticipantState",
    "Phase",
    "Picture",
    "Slot",
    "SlotState",
    "Stimulus",
    "Study",
    "StudyState",
    "Trial",
    "picture_path",
]
