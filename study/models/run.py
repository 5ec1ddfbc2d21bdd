"""A pregeneration run whose stimuli were imported."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class ImportedRun(models.Model):
    """One run directory, imported into one study. The manifest is kept whole, as provenance of each answer."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="runs")
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of everything that determines the run."))
    manifest = models.JSONField(editable=False)
    synthetic = models.BooleanField(help_text=_("The images are drawn birds."))
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("imported run")
        verbose_name_plural = _("imported runs")
        ordering = ["imported_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["study", "digest"], name="run_once_per_study")]

    def __str__(self) -> str:
        return self.digest[:12]
