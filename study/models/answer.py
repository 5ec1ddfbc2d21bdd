"""An answer: what a participant committed for a trial."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from study.models.trial import Trial


class AnswerKind(models.TextChoices):
    """How a participant answered."""

    NAMED = "named", _("named")
    NO_COMMON_PART = "no-common-part", _("no common part")
    CHOICE = "choice", _("choice")
    RATING = "rating", _("rating")


class Answer(models.Model):
    """One row per answered trial, written once and never changed; deleted only when the participant withdraws."""

    trial = models.OneToOneField(Trial, on_delete=models.CASCADE, related_name="answer")
    kind = models.CharField(max_length=20, choices=AnswerKind.choices)
    text = models.CharField(max_length=60, blank=True, help_text=_("Words as typed."))
    choice = models.CharField(max_length=200, blank=True, help_text=_("What was chosen, in words, for choices."))
    value = models.FloatField(null=True, blank=True, help_text=_("Number chosen, for choices and ratings."))
    correct = models.BooleanField(null=True, blank=True, help_text=_("Known where the task has a right answer."))
    confidence = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("1 guessing to 5 certain."))
    reaction_time_ms = models.FloatField(
        null=True, blank=True, help_text=_("From the first painted frame with all pictures; empty without JavaScript.")
    )
    server_time_ms = models.FloatField(help_text=_("From first serving the trial to receiving the answer."))
    input_details = models.JSONField(default=dict, blank=True, help_text=_("Input type, viewport, blur, paste."))
    answered_at = models.DateTimeField()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["-answered_at", "-pk"]
        indexes = [models.Index(fields=["answered_at"], name="answer_by_time")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AnswerKind.values), name="answer_kind_known"),
            models.CheckConstraint(
                condition=(Q(kind=AnswerKind.NAMED) & ~Q(text="")) | (~Q(kind=AnswerKind.NAMED) & Q(text="")),
                name="answer_text_iff_named",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[AnswerKind.CHOICE, AnswerKind.RATING], value__isnull=False)
                | Q(kind__in=[AnswerKind.NAMED, AnswerKind.NO_COMMON_PART], value=None),
                name="answer_value_iff_chosen",
            ),
            models.CheckConstraint(
                condition=(Q(kind=AnswerKind.CHOICE) & ~Q(choice="")) | (~Q(kind=AnswerKind.CHOICE) & Q(choice="")),
                name="answer_choice_iff_chosen",
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=1, confidence__lte=5), name="answer_confidence_range"
            ),
            models.CheckConstraint(condition=Q(server_time_ms__gte=0), name="answer_server_time_not_negative"),
            models.CheckConstraint(
                condition=Q(reaction_time_ms=None) | Q(reaction_time_ms__gte=0),
                name="answer_reaction_time_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.text or self.choice or self.get_kind_display()
