"""An event: something that happened on a participant's pages, other than an answer."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from study.models.participant import Participant


class EventKind(models.TextChoices):
    """What happened. Those of `BROWSER_EVENT_KINDS` come from the browser, the others from the server."""

    CONSENTED = "consented", _("consented")
    CONTINUED = "continued", _("left the instructions")
    COMPREHENSION_PASSED = "comprehension-passed", _("answered the comprehension questions")
    COMPREHENSION_FAILED = "comprehension-failed", _("answered a comprehension question wrongly")
    SCREENED_OUT = "screened-out", _("was screened out")
    COMPLETED = "completed", _("completed")
    FAILED_CHECKS = "failed-checks", _("finished with too many failed attention checks")
    RETURNED = "returned", _("returned the submission")
    TIMED_OUT = "timed-out", _("timed out at the recruiter")
    WITHDRAWN = "withdrawn", _("withdrew")
    REPEATED_ANSWER = "repeated-answer", _("sent an answer again")
    STALE_ANSWER = "stale-answer", _("answered a trial that was not the current one")
    LEASE_LOST = "lease-lost", _("slot went to someone else")
    LEASE_EXPIRED = "lease-expired", _("slot went back to the plan")
    CAME_BACK = "came-back", _("came back after timing out")
    BLUR = "blur", _("left the page")
    FOCUS = "focus", _("came back to the page")
    PASTE = "paste", _("pasted text")
    ENLARGE = "enlarge", _("enlarged a picture")
    PICTURES_LOADED = "pictures-loaded", _("pictures loaded")
    PICTURE_FAILED = "picture-failed", _("a picture did not load")
    PRELOAD_FAILED = "preload-failed", _("pictures of a later trial could not be loaded ahead")
    PICTURE_RETRIED = "picture-retried", _("loaded a picture again")
    SECOND_TAB = "second-tab", _("opened a second tab")


BROWSER_EVENT_KINDS = frozenset(
    {
        EventKind.BLUR,
        EventKind.FOCUS,
        EventKind.PASTE,
        EventKind.ENLARGE,
        EventKind.PICTURES_LOADED,
        EventKind.PICTURE_FAILED,
        EventKind.PICTURE_RETRIED,
        EventKind.PRELOAD_FAILED,
        EventKind.SECOND_TAB,
    }
)


class Event(models.Model):
    """One event; `detail` is a small object with numbers and short words."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    at = models.DateTimeField(default=timezone.now)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "pk"]
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=EventKind.values), name="event_kind_known")]
        indexes = [models.Index(fields=["participant", "at"], name="event_by_participant")]

    def __str__(self) -> str:
        return f"{self.participant} {self.kind}"
