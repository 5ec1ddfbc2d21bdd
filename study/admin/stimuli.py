"""Stimuli in the admin, with thumbnails."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from study.access import Capability
from study.admin.reading import ReadOnlyAdmin, only_related
from study.models import Stimulus


@admin.register(Stimulus)
class StimulusAdmin(ReadOnlyAdmin):
    """What trials show, with the numbers behind it."""

    capability = Capability.SEE_STIMULI
    across_studies = frozenset({"condition__network", "condition__class_name"})
    list_display = ("thumbnail", "identifier", "condition", "members_count", "median_ssim", "answers_count", "study")
    list_display_links = ("thumbnail", "identifier")
    list_filter = (only_related("study"), "condition__arm", "condition__network", "condition__class_name")
    list_select_related = ("condition", "study")
    search_fields = ("identifier",)
    fields = ("study", "condition", "identifier", "run", "quality", "large_picture", "member_pictures")
    readonly_fields = ("large_picture", "member_pictures")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stimulus]:
        """Count answers along with the stimuli."""
        stimuli: QuerySet[Stimulus] = super().get_queryset(request)
        return stimuli.annotate(answers_number=Count("trials__answer")).defer("run__manifest")

    @admin.display(description=_("picture"))
    def thumbnail(self, stimulus: Stimulus) -> str:
        """Show all cells in a small picture."""
        return format_html('<img class="h-12 max-w-none" src="{}" alt="" loading="lazy">', stimulus.grid.url)

    @admin.display(description=_("regions"))
    def members_count(self, stimulus: Stimulus) -> int:
        """Show the number of regions."""
        return len(stimulus.members)

    @admin.display(description=_("median SSIM"))
    def median_ssim(self, stimulus: Stimulus) -> float | None:
        """Show how alike the regions are."""
        value = stimulus.quality.get("median_ssim")
        return None if value is None else round(value, 3)

    @admin.display(description=_("answers"), ordering="answers_number")
    def answers_count(self, stimulus: Any) -> int:
        """Show the number of answers."""
        return int(stimulus.answers_number)

    @admin.display(description=_("all regions"))
    def large_picture(self, stimulus: Stimulus) -> str:
        """Show all cells."""
        return format_html('<img src="{}" alt="" width="640">', stimulus.grid.url)

    @admin.display(description=_("each region"))
    def member_pictures(self, stimulus: Stimulus) -> str:
        """Show each cell with its drop and its likeness to the first."""
        pictures = format_html_join(
            "",
            '<img class="w-40" src="{}" alt="" loading="lazy" title="{}, drop {}, similarity {}">',
            (
                (cell.url, member["image"], member["drop"], member["similarity"])
                for cell, member in zip(stimulus.cells, stimulus.members, strict=True)
            ),
        )
        return format_html('<div class="flex flex-wrap gap-2">{}</div>', pictures)
