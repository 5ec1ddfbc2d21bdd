"""What a recruiter's link told about a participant, apart from the answers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.participant import Participant
from study.models.study import Study


class ExternalIdentity(models.Model):
    """Identifiers from the entry link. Never exported with answers; deleted when the participant withdraws."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="external_identities")
    participant = models.OneToOneField(Participant, on_delete=models.CASCADE, related_name="external_identity")
    recruiter = models.CharField(max_length=20)
    subject = models.CharField(max_length=200, help_text=_("The recruiter's identifier of the person."))
    details = models.JSONField(default=dict, blank=True, help_text=_("Further identifiers, such as the session."))
    raw_query = models.TextField(blank=True, help_text=_("The entry link's query, as it came."))

    class Meta:
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        constraints = [
            models.UniqueConstraint(
                fields=["study", "recruiter", "subject"],
                condition=~models.Q(subject=""),
                name="external_identity_once_per_study",
            )
        ]

    def __str__(self) -> str:
        return f"{self.recruiter}: {self.subject}"
