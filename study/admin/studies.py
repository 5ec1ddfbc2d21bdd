"""Studies in the admin: how far they are, their links, and what can be done with them."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, JSONField, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from study.access import Capability, may
from study.admin.reading import ReadOnlyAdmin, StudyRowsAdmin, key_of_row, may_somewhere, only_related
from study.exports import Counts, ExportError, check_pictures, export_files, zip_chunks
from study.json_field import CarefulJSONField
from study.models import Condition, ImportedRun, ParticipantState, Slot, Study, StudyState
from study.services.audit import record
from study.services.studies import StudyError, close_study, delete_study, launch_study, pause_study, save_study

DESIGN_FIELDS = (
    "slug",
    "preset",
    "blocks",
    "block_order",
    "questionnaires",
    "language",
    "participants_planned",
    "quota_per_cell",
    "seed",
)
STATE_COLOURS = {
    StudyState.DRAFT: "info",
    StudyState.RUNNING: "success",
    StudyState.PAUSED: "warning",
    StudyState.CLOSED: "danger",
}


@admin.register(Study)
class StudyAdmin(StudyRowsAdmin):
    """Studies as rows; the researchers' pages are where they are made, designed and watched."""

    capability = Capability.SEE_DESIGN
    study_path = "pk"
    list_display = (
        "title",
        "state_badge",
        "completes",
        "simulated_count",
        "research_link",
        "participant_link",
        "export_link",
    )
    list_filter = ("state",)
    search_fields = ("title", "slug")
    readonly_fields = (
        "state",
        "version",
        "created_at",
        "launched_at",
        "research_link",
        "participant_link",
        "export_link",
    )
    fieldsets = (
        (None, {"fields": ("title", "slug", "state", "research_link", "participant_link", "export_link")}),
        (_("Texts"), {"fields": ("language", "minutes", "contact", "texts")}),
        (
            _("Design"),
            {
                "fields": (
                    ("preset", "version", "block_order"),
                    "blocks",
                    "questionnaires",
                    ("participants_planned", "quota_per_cell"),
                    ("lease_minutes", "seed"),
                )
            },
        ),
        (_("Recruitment"), {"fields": ("completion_codes", "recruitment")}),
        (_("History"), {"fields": (("created_at", "launched_at"),)}),
    )
    actions = ("launch_selected", "pause_selected", "close_selected")
    actions_detail = ("export_from_study",)
    formfield_overrides = {JSONField: {"form_class": CarefulJSONField}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        """Count completes along with the studies."""
        completed = Q(participants__state=ParticipantState.COMPLETED)
        studies: QuerySet[Study] = super().get_queryset(request)
        return studies.annotate(
            completes_count=Count("participants", filter=completed),
            simulated_count_=Count("participants", filter=Q(participants__simulated=True)),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Studies come from a preset, on the researchers' pages or by `manage.py create_study`."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        """Let those change a study whose role says so."""
        return self._may(request, Capability.CHANGE_DESIGN, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        """Let those delete a study whose role says so."""
        return self._may(request, Capability.DELETE, obj)

    def has_launch_permission(self, request: HttpRequest) -> bool:
        """Offer launching, pausing and closing to those who may do it in some study; each study is asked again."""
        return self._may(request, Capability.LAUNCH, None)

    def _may(self, request: HttpRequest, capability: Capability, study: Study | str | None) -> bool:
        if study is None or request.user.is_superuser:
            return may_somewhere(request, capability)
        if not isinstance(study, Study):  # unfold asks with a primary key
            study = get_object_or_404(Study, pk=key_of_row(study, Study))
        return may(request.user, capability, study)

    def delete_model(self, request: HttpRequest, obj: Study) -> None:
        """Delete a study with all of it, and say so in the audit log."""
        delete_study(obj, actor=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Study]) -> None:
        """Delete the chosen studies that this person may delete."""
        for study in queryset:
            if not may(request.user, Capability.DELETE, study):
                raise PermissionDenied
            delete_study(study, actor=request.user.get_username())

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> tuple[str, ...]:
        """Freeze the design once the plan is drawn: the plan and the answers rest on it."""
        fields = tuple(super().get_readonly_fields(request, obj))
        frozen = obj is not None and (obj.state != StudyState.DRAFT or obj.slots.exists())
        return fields + DESIGN_FIELDS if frozen else fields

    def save_model(self, request: HttpRequest, obj: Study, form: Any, change: bool) -> None:
        """Store the researcher's changes."""
        save_study(obj, actor=request.user.get_username(), reason=str(_("changed in the admin")))

    def get_urls(self) -> list[URLPattern]:
        """Add the download of the export."""
        download = path(
            "<path:object_id>/export/", self.admin_site.admin_view(self.download), name="study_study_export"
        )
        return [download, *super().get_urls()]

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)  # type: ignore[untyped-decorator]
    def state_badge(self, study: Study) -> tuple[str, str]:
        """Show the state as a badge."""
        return study.state, study.get_state_display()

    @admin.display(description=_("completes"), ordering="completes_count")
    def completes(self, study: Any) -> str:
        """Show completed participants against the plan."""
        return f"{study.completes_count} / {study.participants_planned}"

    @display(description=_("simulated"), ordering="simulated_count_", label={"simulated": "warning"})  # type: ignore[untyped-decorator]
    def simulated_count(self, study: Any) -> tuple[str, str] | None:
        """Show how many participants are programs; nothing where all are people."""
        count = study.simulated_count_
        return ("simulated", _("%(count)d simulated") % {"count": count}) if count else None

    @admin.display(description=_("pages"))
    def research_link(self, study: Study) -> str:
        """Link to the study's pages."""
        return format_html('<a href="{}">{}</a>', reverse("research:design", args=[study.slug]), _("open"))

    @admin.display(description=_("participant link"))
    def participant_link(self, study: Study) -> str:
        """Link to what participants open."""
        return format_html('<a href="{0}" target="_blank" rel="noopener">{0}</a>', study.get_absolute_url())

    @admin.display(description=_("export"))
    def export_link(self, study: Study) -> str:
        """Link to the download."""
        return format_html('<a href="{}">{}</a>', reverse("admin:study_study_export", args=[study.pk]), _("download"))

    def download(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Send the whole export as one ZIP file."""
        study = self.get_object(request, object_id)  # None also where the path holds no number
        if study is None:
            raise Http404
        if not may(request.user, Capability.EXPORT, study):
            raise PermissionDenied
        try:
            response = zipped_export(study)
            record("export study", actor=request.user.get_username(), study=study.slug, target="zip, full")
            return response
        except ExportError as error:
            return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")

    @action(description=_("Download export"), url_path="export-study", permissions=["view"])  # type: ignore[untyped-decorator]
    def export_from_study(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Send the export from the study's own page."""
        return self.download(request, object_id)

    @admin.action(description=_("Launch"), permissions=["launch"])
    def launch_selected(self, request: HttpRequest, studies: QuerySet[Study]) -> None:
        """Let participants in."""
        self._change_each(request, studies, launch_study)

    @admin.action(description=_("Pause"), permissions=["launch"])
    def pause_selected(self, request: HttpRequest, studies: QuerySet[Study]) -> None:
        """Let nobody new in for a while."""
        self._change_each(request, studies, pause_study)

    @admin.action(description=_("Close for good"), permissions=["launch"])
    def close_selected(self, request: HttpRequest, studies: QuerySet[Study]) -> None:
        """End the studies."""
        self._change_each(request, studies, close_study)

    def _change_each(self, request: HttpRequest, studies: QuerySet[Study], change: Any) -> None:
        for study in studies:
            if not may(request.user, Capability.LAUNCH, study):
                raise PermissionDenied
            try:
                changed = change(study, actor=request.user.get_username())
            except StudyError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{changed.title}: {changed.get_state_display()}", messages.SUCCESS)


def zipped_export(study: Study) -> StreamingHttpResponse:
    """Return the export as a ZIP file that is sent while it is written.

    Raises:
        ExportError: the picture of a stimulus is missing.
    """
    check_pictures(study)
    files = export_files(study, counts=Counts())
    response = StreamingHttpResponse(zip_chunks(files, folder=study.slug), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}.zip"'
    return response


@admin.register(Condition)
class ConditionAdmin(ReadOnlyAdmin):
    """The cells of the design, with how many stimuli and answers each has."""

    capability = Capability.SEE_DESIGN
    across_studies = frozenset({"network", "class_name"})
    list_display = ("network", "class_name", "method", "arm", "stimuli_count", "answers_count", "coverage", "study")
    list_filter = (only_related("study"), "arm", "network", "class_name")
    list_select_related = ("study",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Condition]:
        """Count stimuli and answers along with the conditions."""
        conditions: QuerySet[Condition] = super().get_queryset(request)
        return conditions.annotate(
            stimuli_number=Count("stimuli", distinct=True),
            answers_number=Count("stimuli__trials__answer", distinct=True),
        )

    @admin.display(description=_("stimuli"), ordering="stimuli_number")
    def stimuli_count(self, condition: Any) -> int:
        """Show the number of stimuli."""
        return int(condition.stimuli_number)

    @admin.display(description=_("answers"), ordering="answers_number")
    def answers_count(self, condition: Any) -> int:
        """Show the number of answers."""
        return int(condition.answers_number)


@admin.register(ImportedRun)
class ImportedRunAdmin(ReadOnlyAdmin):
    """Which runs the stimuli come from."""

    capability = Capability.SEE_STIMULI
    list_display = ("digest", "study", "synthetic", "imported_at")
    list_filter = (only_related("study"), "synthetic")
    fields = ("study", "digest", "synthetic", "imported_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportedRun]:
        """Leave the manifests where they are: they can be large."""
        runs: QuerySet[ImportedRun] = super().get_queryset(request)
        return runs.defer("manifest").select_related("study")


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    """The plan: who has which place."""

    capability = Capability.SEE_PARTICIPANTS
    list_display = ("study", "number", "state", "holder", "lease_expires_at", "trials")
    list_filter = (only_related("study"), "state")
    list_select_related = ("study", "holder")

    @admin.display(description=_("trials"))
    def trials(self, slot: Slot) -> int:
        """Show the number of trials."""
        return len(slot.trials)
