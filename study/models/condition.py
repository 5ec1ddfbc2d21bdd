"""A condition: network × class × method × arm."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.run import ImportedRun
from study.models.study import Study


class Arm(models.TextChoices):
    """The arm of a condition; all but `SUMMARIES` are controls."""

    SUMMARIES = "summaries", _("summaries")
    RANDOM_REGIONS = "random-regions", _("random regions")
    SHUFFLED_CLUSTERS = "shuffled-clusters", _("shuffled clusters")
    WHOLE_IMAGES = "whole-images", _("whole images")


class Condition(models.Model):
    """One cell of the design. `coverage` and `network_accuracy` are the run's figures, fractions from 0 to 1."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="conditions")
    run = models.ForeignKey(ImportedRun, on_delete=models.CASCADE, related_name="conditions")
    network = models.CharField(max_length=200)
    class_name = models.CharField(max_length=200, verbose_name=_("class"))
    method = models.CharField(max_length=200)
    arm = models.CharField(max_length=20, choices=Arm.choices)
    coverage = models.FloatField(null=True, blank=True)
    network_accuracy = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["study", "network", "class_name", "method", "arm"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "network", "class_name", "method", "arm"], name="condition_once_per_study"
            ),
            models.CheckConstraint(condition=models.Q(arm__in=Arm.values), name="condition_arm_known"),
        ]

    def __str__(self) -> str:
        return f"{self.network} · {self.class_name} · {self.method} · {self.arm}"
