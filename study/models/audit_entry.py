"""An audit entry: who changed what, and when. Written once, never changed, never deleted."""

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(RuntimeError):
    """Audit entries are not changed or deleted."""


class AppendOnlyQuerySet(models.QuerySet["AuditEntry"]):
    """Rows that can be added and read."""

    def update(self, **_: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("Audit entries are never changed; add another entry that corrects this one.")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("Audit entries are never deleted, not even with their study.")


class AuditEntry(models.Model):
    """One change of state. Names are kept as text, so that an entry outlives its study and its author.

    `digest` chains the entries: SHA-256 of the entry before it and of this entry's content. A row changed or removed
    behind our back breaks the chain, which `manage.py verify_audit` finds.
    """

    at = models.DateTimeField()
    actor = models.CharField(max_length=150, help_text=_("User name, or command for the command line."))
    study = models.CharField(max_length=60, blank=True, db_index=True, help_text=_("Slug of the study."))
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200, blank=True, help_text=_("What was changed, where it is not the study."))
    changes = models.JSONField(default=dict, blank=True, help_text=_("Before and after, by field."))
    digest = models.CharField(max_length=64, unique=True, editable=False)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.study}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new entry.

        Raises:
            AppendOnlyError: the entry is stored already.
        """
        if self.pk is not None:
            raise AppendOnlyError("Audit entries are never changed; add another entry that corrects this one.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("Audit entries are never deleted, not even with their study.")
