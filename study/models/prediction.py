"""A prediction: what a network answered to one image of a run, with the picture to show."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.run import ImportedRun
from study.models.stimulus import Picture
from study.models.study import Study


class Prediction(models.Model):
    """One network's answer to one image.

    `picture` is `{"sha256", "extension", "width", "height"}` of the whole image, without any mark of a network.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="predictions")
    run = models.ForeignKey(ImportedRun, on_delete=models.CASCADE, related_name="predictions")
    network = models.CharField(max_length=200)
    image = models.CharField(max_length=100, help_text=_("Identifier of the image in its manifest."))
    class_name = models.CharField(max_length=200, verbose_name=_("true class"))
    answer = models.CharField(max_length=200, help_text=_("Class that the network gives the image."))
    probability = models.FloatField(help_text=_("Probability that the network gives its answer, from 0 to 1."))
    correct = models.BooleanField(help_text=_("Whether the network is right."))
    picture = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        ordering = ["study", "network", "image"]
        constraints = [
            models.UniqueConstraint(fields=["study", "network", "image"], name="prediction_once_per_study"),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0.0, probability__lte=1.0), name="prediction_probability_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.network}: {self.image}"

    @property
    def shown_picture(self) -> Picture:
        """The picture of the image."""
        return Picture(**self.picture)
