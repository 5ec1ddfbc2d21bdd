"""An answer to one question of a questionnaire, before or after the trials."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.participant import Participant


class Moment(models.TextChoices):
    """When a questionnaire is asked."""

    BEFORE = "before", _("before the trials")
    AFTER = "after", _("after the trials")


class QuestionnaireAnswer(models.Model):
    """One row per question, also for one left empty: a questionnaire that has rows is done.

    Written once, deleted only when the participant withdraws.
    """

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="questionnaire_answers")
    questionnaire = models.CharField(max_length=40)
    moment = models.CharField(max_length=10, choices=Moment.choices)
    question = models.CharField(max_length=40, help_text=_("Key of the question."))
    text = models.TextField(blank=True, help_text=_("Words typed or option chosen; empty for numbers."))
    value = models.FloatField(null=True, blank=True, help_text=_("Number chosen."))
    answered_at = models.DateTimeField()

    class Meta:
        verbose_name = _("questionnaire answer")
        verbose_name_plural = _("questionnaire answers")
        ordering = ["participant", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "questionnaire", "moment", "question"], name="question_answered_once"
            ),
            models.CheckConstraint(condition=models.Q(moment__in=Moment.values), name="questionnaire_moment_known"),
            models.CheckConstraint(
                condition=models.Q(text="") | models.Q(value=None), name="question_has_text_or_value"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire}: {self.question}"
