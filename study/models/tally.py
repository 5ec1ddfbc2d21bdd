"""A tally: running totals of a study's answers, so that the monitor need not read all of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class Tally(models.Model):
    """Totals of all answers given up to `counted_until`; `study.research.tallying` says what `totals` holds."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="tally")
    counted_until = models.DateTimeField()
    totals = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")

    def __str__(self) -> str:
        return f"{self.study.slug} until {self.counted_until:%Y-%m-%d %H:%M}"
