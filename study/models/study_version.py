"""A study version: the whole design as it was when people saw it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class StudyVersion(models.Model):
    """One frozen design. Participants, and through them their answers, carry its number.

    `sha256` is that of the design as canonical JSON: sorted keys, no spaces, UTF-8.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    design = models.JSONField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    frozen_at = models.DateTimeField()
    author = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text=_("Why the design was changed."))

    class Meta:
        verbose_name = _("study version")
        verbose_name_plural = _("study versions")
        ordering = ["study", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="study_version_once")]

    def __str__(self) -> str:
        return f"{self.study.slug} {self.number}"
