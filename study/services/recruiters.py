"""Acting on what a recruiter says about its submissions."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from study.models import Participant, ParticipantState, Study
from study.recruitment.prolific_submissions import Submission, SubmissionStatus
from study.services.completion import mark_returned, mark_timed_out


@dataclass
class SyncReport:
    """What a sync changed and found, in people; `finished_but_returned` holds pseudonyms, for a person to decide."""

    returned: int = 0
    timed_out: int = 0
    unchanged: int = 0
    unknown: int = 0
    finished_but_returned: list[str] = field(default_factory=list)

    def as_counts(self) -> dict[str, int]:
        """Return the numbers by name."""
        return {
            "returned": self.returned,
            "timed_out": self.timed_out,
            "finished_but_returned": len(self.finished_but_returned),
            "unchanged": self.unchanged,
            "unknown": self.unknown,
        }


def sync_submissions(study: Study, submissions: Iterable[Submission]) -> SyncReport:
    """Mark who returned or timed out at Prolific; the same list again changes nothing.

    Each participant is changed in a transaction of their own, so a long list holds nobody up.
    """
    people = {
        participant.external_identity.subject: participant
        for participant in Participant.objects.filter(
            study=study, external_identity__recruiter="prolific"
        ).select_related("external_identity")
    }
    report = SyncReport()
    for submission in submissions:
        participant = people.get(submission.participant)
        if participant is None:
            report.unknown += 1
        elif submission.status == SubmissionStatus.RETURNED and mark_returned(participant):
            _count_returned(report, participant)
        elif submission.status == SubmissionStatus.TIMED_OUT and mark_timed_out(participant):
            report.timed_out += 1
        else:
            report.unchanged += 1
    return report


def _count_returned(report: SyncReport, participant: Participant) -> None:
    participant.refresh_from_db(fields=["state"])
    if participant.state == ParticipantState.RETURNED:
        report.returned += 1
    else:
        report.finished_but_returned.append(participant.pseudonym)
