"""Models of the study, one noun per file. Only `study.services` writes them."""

from study.models.answer import Answer, AnswerKind
from study.models.audit_entry import AppendOnlyError, AuditEntry
from study.models.condition import Arm, Condition
from study.models.event import BROWSER_EVENT_KINDS, Event, EventKind
from study.models.external_identity import ExternalIdentity
from study.models.membership import Membership, Role
from study.models.name_code import Coder, NameCode
from study.models.participant import Participant, ParticipantState
from study.models.prediction import Prediction
from study.models.pregeneration import Pregeneration, PregenerationState
from study.models.questionnaire_answer import Moment, QuestionnaireAnswer
from study.models.run import ImportedRun
from study.models.slot import Slot, SlotState
from study.models.stimulus import Picture, Stimulus, picture_path
from study.models.study import BlockOrder, Study, StudyState
from study.models.study_version import StudyVersion
from study.models.tally import Tally
from study.models.trial import Phase, Trial

__all__ = [
    "BROWSER_EVENT_KINDS",
    "Answer",
    "AnswerKind",
    "AppendOnlyError",
    "Arm",
    "AuditEntry",
    "BlockOrder",
    "Coder",
    "Condition",
    "Event",
    "EventKind",
    "ExternalIdentity",
    "ImportedRun",
    "Membership",
    "Moment",
    "NameCode",
    "Participant",
    "ParticipantState",
    "Phase",
    "Picture",
    "Prediction",
    "Pregeneration",
    "PregenerationState",
    "QuestionnaireAnswer",
    "Role",
    "Slot",
    "SlotState",
    "Stimulus",
    "Study",
    "StudyState",
    "StudyVersion",
    "Tally",
    "Trial",
    "picture_path",
]
