"""The audit log and the background runs in the admin: to read, never to change."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from study.access import Capability
from study.admin.reading import ReadOnlyAdmin, only_related
from study.models import AuditEntry, Pregeneration, StudyVersion


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what."""

    capability = Capability.SEE_HISTORY
    list_display = ("at", "actor", "study", "action", "target")
    list_filter = ("action",)
    search_fields = ("actor", "study", "target")
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Hold only entries of the studies whose history this person may see; entries name studies by slug."""
        entries = AuditEntry.objects.order_by("-pk")
        if request.user.is_superuser:
            return entries
        return entries.filter(study__in=self.studies(request).values_list("slug", flat=True))


@admin.register(StudyVersion)
class StudyVersionAdmin(ReadOnlyAdmin):
    """Frozen designs."""

    capability = Capability.SEE_HISTORY
    list_display = ("study", "number", "frozen_at", "author", "sha256")
    list_filter = (only_related("study"),)
    list_select_related = ("study",)


@admin.register(Pregeneration)
class PregenerationAdmin(ReadOnlyAdmin):
    """Runs asked for in the browser."""

    capability = Capability.SEE_STIMULI
    list_display = ("study", "directory", "state", "attempt", "requested_at", "finished_at")
    list_filter = (only_related("study"), "state")
    list_select_related = ("study",)
