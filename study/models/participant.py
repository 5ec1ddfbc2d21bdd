"""A participant: someone who consented, known by a random token only."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from study.addresses import participant_address
from study.models.study import Study

PSEUDONYM_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes: people read pseudonyms aloud


def new_token() -> str:
    """Return 128 random bits, safe in a URL."""
    return secrets.token_urlsafe(16)


def new_pseudonym() -> str:
    """Return a random name for exports; it has no relation to the token."""
    return "p-" + "".join(secrets.choice(PSEUDONYM_ALPHABET) for _ in range(12))


class ParticipantState(models.TextChoices):
    """Where a participant stands. Each state has a time stamp; an earlier state's time stamp stays.

    A participant who timed out and came back is active again and keeps `timed_out_at`. A test participant, who looks
    at a study for the researcher, stays `TEST` from consent to debrief and counts nowhere.
    """

    CONSENTED = "consented", _("consented")
    ACTIVE = "active", _("active")
    COMPLETED = "completed", _("completed")
    SCREENED_OUT = "screened_out", _("screened out")
    FAILED_CHECKS = "failed_checks", _("failed checks")
    RETURNED = "returned", _("returned")
    TIMED_OUT = "timed_out", _("timed out")
    WITHDRAWN = "withdrawn", _("withdrawn")
    OVER_QUOTA = "over_quota", _("over quota")
    TEST = "test", _("test")


class Participant(models.Model):
    """One person's, or one program's, way through a study. Holds no name, no address, no IP."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="participants")
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    pseudonym = models.CharField(max_length=20, unique=True, default=new_pseudonym, editable=False)
    consent_nonce = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    state = models.CharField(max_length=20, choices=ParticipantState.choices, default=ParticipantState.CONSENTED)
    source = models.CharField(max_length=20, default="open", help_text=_("Recruiter that sent the participant."))
    simulated = models.BooleanField(default=False, help_text=_("A program, not a person."))
    language = models.CharField(max_length=10)
    study_version = models.PositiveIntegerField(default=1)
    slot_number = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Slot whose stimuli the participant sees, held or lost.")
    )
    trials_planned = models.PositiveSmallIntegerField(default=0)
    instructions_read = models.JSONField(
        default=list, blank=True, help_text=_("Task types whose instructions the participant has left.")
    )
    comprehension_attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often the comprehension questions were sent.")
    )
    comprehension_passed_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField()
    active_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    screened_out_at = models.DateTimeField(null=True, blank=True)
    failed_checks_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    timed_out_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    over_quota_at = models.DateTimeField(null=True, blank=True)
    test_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        ordering = ["-consented_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ParticipantState.values), name="participant_state_known"),
            *(
                models.CheckConstraint(
                    condition=~Q(state=state) | Q(**{f"{state}_at__isnull": False}),
                    name=f"participant_{state}_at",
                )
                for state in (
                    "active",
                    "completed",
                    "screened_out",
                    "failed_checks",
                    "returned",
                    "timed_out",
                    "withdrawn",
                    "over_quota",
                    "test",
                )
            ),
        ]
        indexes = [models.Index(fields=["study", "state"], name="participant_by_state")]

    def __str__(self) -> str:
        return self.pseudonym

    def get_absolute_url(self) -> str:
        """Return the path of the participant's own page; whoever has it is the participant."""
        return participant_address("participant", token=self.token)

    @property
    def is_test(self) -> bool:
        """Whether this is a look at the study by its researcher, excluded everywhere."""
        return self.state == ParticipantState.TEST

    @property
    def takes_answers(self) -> bool:
        """Whether the participant has left the instructions and not reached an end."""
        if self.is_test:
            return self.active_at is not None and self.completed_at is None
        return self.state == ParticipantState.ACTIVE
