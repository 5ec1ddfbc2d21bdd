"""What most admin pages share: data is looked at here and changed through services only."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

SIMULATED_BADGE = {True: "warning", False: "success"}


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Shows rows to those who may view them; nobody adds, changes or deletes here."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows come from services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows change through services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows go with their study, or through a withdrawal; Django asks here for the study's cascade as well."""
        deletes_study = request.resolver_match is not None and request.resolver_match.url_name in STUDY_DELETION_PAGES
        return deletes_study and bool(super().has_delete_permission(request, obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no deletion of selected rows."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


STUDY_DELETION_PAGES = frozenset({"study_study_delete", "study_study_changelist"})
