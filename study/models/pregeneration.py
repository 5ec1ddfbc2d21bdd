"""A pregeneration: one run of the summaries' machinery, asked for in the browser and done by a worker."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from study.models.run import ImportedRun
from study.models.study import Study

LOST_AFTER = timedelta(minutes=5)
"""A worker says more often than this that it lives."""


class PregenerationState(models.TextChoices):
    """Where a pregeneration stands."""

    QUEUED = "queued", _("waiting for a worker")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Pregeneration(models.Model):
    """What was asked for, and how far it is.

    `options` are those of `manage.py pregenerate`. `stages` is a list of `{"name", "total", "done", "finished"}` in
    the order in which they began. Finished stages stay in the run directory, so a retry goes on where it stopped.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="pregenerations")
    state = models.CharField(max_length=10, choices=PregenerationState.choices, default=PregenerationState.QUEUED)
    options = models.JSONField()
    directory = models.CharField(max_length=200, help_text=_("Run directory, below the runs of this server."))
    stages = models.JSONField(default=list, blank=True)
    log = models.TextField(blank=True)
    error = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    attempt = models.PositiveIntegerField(default=1)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(ImportedRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("pregeneration")
        verbose_name_plural = _("pregenerations")
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=PregenerationState.values), name="pregeneration_state_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.study.slug} {self.directory}"

    @property
    def is_lost(self) -> bool:
        """Whether the worker has not been heard of for five minutes, so that the run may be taken over."""
        heard = self.heartbeat_at or self.started_at
        running = self.state == PregenerationState.RUNNING
        return running and heard is not None and heard < timezone.now() - LOST_AFTER

    @property
    def is_over(self) -> bool:
        """Whether no worker will touch it again by itself."""
        return self.state not in {PregenerationState.QUEUED, PregenerationState.RUNNING}
