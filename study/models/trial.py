"""A trial: one stimulus and one task shown to one participant."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.participant import Participant, new_token
from study.models.stimulus import Stimulus


class Phase(models.TextChoices):
    """Part of the study that a trial belongs to."""

    PRACTICE = "practice", _("practice")
    MAIN = "main", _("main")
    ATTENTION = "attention", _("attention check")


class Trial(models.Model):
    """One trial. Its nonce is good for one answer; a repeat changes nothing."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="trials")
    position = models.PositiveSmallIntegerField(help_text=_("From 1; practice comes first."))
    phase = models.CharField(max_length=10, choices=Phase.choices)
    task = models.CharField(max_length=40)
    block = models.PositiveSmallIntegerField(default=1, help_text=_("Block of the design, from 1."))
    stimulus = models.ForeignKey(Stimulus, on_delete=models.RESTRICT, null=True, blank=True, related_name="trials")
    practice_item = models.CharField(
        max_length=40, blank=True, help_text=_("Key of the item with a known answer, on practice and checks.")
    )
    cell = models.CharField(
        max_length=900, blank=True, help_text=_("Task, network, class, method and arm, on main trials.")
    )
    detail = models.JSONField(
        default=dict, blank=True, help_text=_("What was shown beyond the stimulus: positions, sides, options, image.")
    )
    nonce = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    served_at = models.DateTimeField(null=True, blank=True, help_text=_("When the page was first sent."))
    serves = models.PositiveIntegerField(default=0, help_text=_("How often the page was sent."))
    feedback_read_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the participant went on from the feedback, on practice trials.")
    )

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        ordering = ["participant", "position"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "position"], name="trial_position_once"),
            models.UniqueConstraint(
                fields=["participant", "block", "stimulus"],
                condition=models.Q(phase=Phase.MAIN, stimulus__isnull=False),
                name="trial_stimulus_once",
            ),
            models.CheckConstraint(condition=models.Q(phase__in=Phase.values), name="trial_phase_known"),
            models.CheckConstraint(condition=models.Q(position__gte=1, block__gte=1), name="trial_position_from_one"),
            models.CheckConstraint(
                condition=models.Q(phase=Phase.PRACTICE, stimulus=None) & ~models.Q(practice_item="")
                | models.Q(phase=Phase.MAIN, practice_item="")
                | models.Q(phase=Phase.ATTENTION),
                name="trial_shows_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(served_at=None, serves=0) | models.Q(served_at__isnull=False, serves__gte=1),
                name="trial_serves_counted",
            ),
        ]
        indexes = [models.Index(fields=["cell", "phase"], name="trial_by_cell")]

    def __str__(self) -> str:
        return f"{self.participant} trial {self.position}"

    @property
    def is_practice(self) -> bool:
        """Whether this trial teaches the task and counts for nothing."""
        return self.phase == Phase.PRACTICE

    @property
    def reloads(self) -> int:
        """How often the page was sent again before the answer."""
        return max(0, self.serves - 1)
