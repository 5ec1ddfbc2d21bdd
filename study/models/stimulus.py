"""A stimulus: one summary, or one control that looks like a summary."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from study.models.condition import Condition
from study.models.run import ImportedRun
from study.models.study import Study


@dataclass(frozen=True)
class Picture:
    """One picture of a stimulus, stored under the SHA-256 of its content; width and height in pixels."""

    sha256: str
    extension: str
    width: int
    height: int

    @property
    def path(self) -> Path:
        """Where the picture lies on this machine."""
        return picture_path(self.sha256, self.extension)

    @property
    def url(self) -> str:
        """Where browsers find the picture; the content behind this URL never changes."""
        return reverse("study:stimulus", args=[self.sha256, self.extension])


def picture_path(sha256: str, extension: str) -> Path:
    """Return where the picture with this content hash is stored."""
    return Path(settings.MEDIA_ROOT) / "stimuli" / sha256[:2] / f"{sha256}.{extension}"


class Stimulus(models.Model):
    """What one trial shows.

    `members` and `quality` are as in the manifest. `pictures` maps `grid` to one, and `cells` and `crops` to one
    picture per member: `{"sha256", "extension", "width", "height"}`.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="stimuli")
    run = models.ForeignKey(ImportedRun, on_delete=models.CASCADE, related_name="stimuli")
    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, related_name="stimuli")
    identifier = models.CharField(max_length=100, help_text=_("Identifier of the summary in its manifest."))
    members = models.JSONField(default=list)
    quality = models.JSONField(default=dict)
    pictures = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("stimulus")
        verbose_name_plural = _("stimuli")
        ordering = ["study", "identifier"]
        constraints = [
            models.UniqueConstraint(fields=["study", "identifier"], name="stimulus_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def grid(self) -> Picture:
        """All cells in one picture."""
        return Picture(**self.pictures["grid"])

    @property
    def cells(self) -> list[Picture]:
        """One picture per member: the whole image, greyed except for the region."""
        return [Picture(**picture) for picture in self.pictures["cells"]]

    @property
    def crops(self) -> list[Picture]:
        """One picture per member: the region alone."""
        return [Picture(**picture) for picture in self.pictures["crops"]]
