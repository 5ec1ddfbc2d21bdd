"""The one table of the bare site."""

from django.db import models


class Row(models.Model):
    """What was posted."""

    objects: "models.Manager[Row]" = models.Manager()

    text = models.CharField(max_length=60)
    choice = models.PositiveSmallIntegerField()

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return self.text
