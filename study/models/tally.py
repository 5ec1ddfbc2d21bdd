"""A tally: running totals of a study's answers, so that the monitor need not read all of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class Tally(models.Model):
    """Totals of all answers given up to `counted_until`; `study.tallying` says what `totals` holds.

    `largest_counted` tells later answers from counted ones where the server's clock was set back in between.
    """

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="tally")
    counted_until = models.DateTimeField()
    largest_counted = models.PositiveBigIntegerField(
        default=0, help_text=_("Largest key among the answers that were counted.")
    )
    totals = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")

    def __str__(self) -> str:
        return f"{self.study.slug} until {self.counted_until:%Y-%m-%d %H:%M}"
