"""A slot: one participant's place in the plan."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class SlotState(models.TextChoices):
    """Whether a slot may be claimed. A claimed slot whose lease has expired may be claimed again."""

    FREE = "free", _("free")
    CLAIMED = "claimed", _("claimed")
    COMPLETED = "completed", _("completed")


class Slot(models.Model):
    """An ordered list of planned trials for one participant. At most one participant holds a slot.

    `trials` holds objects as :meth:`study.planning.PlannedTrial.as_json` writes them: block, phase, task, the
    stimulus's identifier, the cell and the detail of what is shown.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveIntegerField(help_text=_("From 1; low numbers are claimed first."))
    trials = models.JSONField(default=list, help_text=_("What each trial shows, in order; practice not included."))
    state = models.CharField(max_length=10, choices=SlotState.choices, default=SlotState.FREE)
    holder = models.OneToOneField(
        "study.Participant", on_delete=models.SET_NULL, null=True, blank=True, related_name="slot"
    )
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="slot_number_once_per_study"),
            models.CheckConstraint(
                condition=models.Q(state=SlotState.FREE, holder=None, lease_expires_at=None)
                | models.Q(state=SlotState.CLAIMED, lease_expires_at__isnull=False)
                | models.Q(state=SlotState.COMPLETED, lease_expires_at=None),
                name="slot_state_consistent",
            ),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="slot_number_from_one"),
        ]
        indexes = [
            models.Index(fields=["study", "state", "number"], name="slot_claim_order"),
            models.Index(
                fields=["lease_expires_at"], condition=models.Q(state=SlotState.CLAIMED), name="slot_running_leases"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study.slug} #{self.number}"

    @property
    def stimuli(self) -> list[str]:
        """Identifiers of the stimuli that main trials are about, in their order."""
        return [trial["stimulus"] for trial in self.trials if trial["stimulus"]]

    @property
    def cells(self) -> list[str]:
        """Cells of the main trials, in their order; one cell may occur several times."""
        return [trial["cell"] for trial in self.trials if trial["cell"]]
