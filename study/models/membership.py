"""A membership: which role somebody with an account has in one study."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class Role(models.TextChoices):
    """What somebody is in a study; participants have no account and no role. `study.access` says what each may do."""

    ADMINISTRATOR = "administrator", _("administrator")
    RESEARCHER = "researcher", _("researcher")
    ANALYST = "analyst", _("analyst")
    CODER = "coder", _("coder")


class Membership(models.Model):
    """One person's role in one study. `coder_seat` is 1 or 2 for the two people who code names blind to each other."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="study_memberships")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    coder_seat = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["study", "role", "user"]
        constraints = [
            models.UniqueConstraint(fields=["study", "user"], name="membership_once_per_study"),
            models.UniqueConstraint(fields=["study", "coder_seat"], name="coder_seat_once_per_study"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
            models.CheckConstraint(
                condition=models.Q(coder_seat=None) | models.Q(coder_seat__in=[1, 2]), name="coder_seat_one_or_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"
