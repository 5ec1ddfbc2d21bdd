"""What admin pages share: rows of the studies that somebody may see; they are changed through services only."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from study.access import GRANTS, Capability, studies_with
from study.models import Membership, Role, Study

STUDY_DELETION_PAGES = frozenset({"study_study_delete", "study_study_changelist"})


def refuse_shortcut(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
    """Answer the admin's redirect to any row's own page with 404.

    Django's own would send every account to every participant's link, token and all, whatever the role and the study.
    """
    raise Http404("The admin leads to no page of a row.")


def key_of_row(row: object, model: type[Model]) -> object:
    """Return the primary key of a row, or of what unfold has in its place: the piece of the path where a key stands.

    Raises:
        Http404: the piece of the path can be no key.
    """
    if isinstance(row, Model):
        return row.pk
    try:
        return model._meta.pk.to_python(row)
    except ValidationError:
        raise Http404(f"There is no {model._meta.verbose_name} with this key.") from None


class StudyRowsAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows that belong to studies: `study_path` leads to the study, and `capability` is what seeing them takes.

    Django's own permissions of models play no part here: roles in studies decide (`study.access`).
    """

    view_on_site = False  # it asks for no role, and a participant's page is the participant's alone
    capability: ClassVar[Capability]
    study_path: ClassVar[str] = "study"
    across_studies: ClassVar[frozenset[str]] = frozenset()
    """Filters whose choices would show values of other studies; only superusers get them."""

    def studies(self, request: HttpRequest) -> QuerySet[Study]:
        """Return the studies whose rows this person may see."""
        return studies_with(request.user, self.capability)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Hold only rows of those studies."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(**{f"{self.study_path}__in": self.studies(request)})

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        """Offer no filter that tells of other studies."""
        filters = super().get_list_filter(request)
        return [one for one in filters if request.user.is_superuser or one not in self.across_studies]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show this kind of row to those who may see it in some study."""
        return may_somewhere(request, self.capability)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those look who may see this row's study."""
        if obj is None or request.user.is_superuser:
            return may_somewhere(request, self.capability)
        return bool(self.get_queryset(request).filter(pk=key_of_row(obj, self.model)).exists())


class ReadOnlyAdmin(StudyRowsAdmin):
    """Shows rows; nobody adds, changes or deletes here."""

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
        return deletes_study and may_somewhere(request, Capability.DELETE)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no deletion of selected rows."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


def only_related(field: str) -> tuple[str, type[admin.FieldListFilter]]:
    """Return a filter that offers only what the rows shown lead to, so that it tells of no other study."""
    return field, admin.RelatedOnlyFieldListFilter


def may_somewhere(request: HttpRequest, capability: Capability) -> bool:
    """Tell whether somebody may do something in some study. Asks the database once per request: menus ask often."""
    if request.user.is_superuser and request.user.is_active:
        return True
    roles: set[Role] | None = getattr(request, "_study_roles", None)
    if roles is None:
        own = (
            Membership.objects.filter(user_id=request.user.pk) if request.user.is_active else Membership.objects.none()
        )
        roles = {Role(role) for role in own.values_list("role", flat=True)}
        request._study_roles = roles  # type: ignore[attr-defined]
    return any(capability in GRANTS[role] for role in roles)
