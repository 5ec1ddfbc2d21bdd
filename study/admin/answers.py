"""Answers in the admin: to read and search, never to change."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from study.access import Capability
from study.admin.reading import ReadOnlyAdmin, only_related
from study.models import Answer


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """Each answer with what it is about."""

    capability = Capability.SEE_PARTICIPANTS
    study_path = "trial__participant__study"
    across_studies = frozenset({"trial__stimulus__condition__network", "trial__stimulus__condition__class_name"})
    list_display = ("answer", "simulated_badge", "stimulus", "phase", "confidence", "seconds", "answered_at")
    list_filter = (
        only_related("trial__participant__study"),
        "trial__participant__simulated",
        "trial__phase",
        "kind",
        "trial__stimulus__condition__arm",
        "trial__stimulus__condition__network",
        "trial__stimulus__condition__class_name",
    )
    list_select_related = ("trial__participant", "trial__stimulus")
    search_fields = ("text", "trial__participant__pseudonym", "trial__stimulus__identifier")
    date_hierarchy = "answered_at"

    @admin.display(description=_("answer"), ordering="text")
    def answer(self, answer: Answer) -> str:
        """Show the words, or how it was answered without any."""
        return str(answer)

    @display(  # type: ignore[untyped-decorator]
        description=_("kind of participant"),
        ordering="trial__participant__simulated",
        label={"simulated": "warning", "person": "success"},
    )
    def simulated_badge(self, answer: Answer) -> tuple[str, str]:
        """Show whether a program answered."""
        return (
            ("simulated", str(_("simulated"))) if answer.trial.participant.simulated else ("person", str(_("person")))
        )

    @admin.display(description=_("stimulus"), ordering="trial__stimulus__identifier")
    def stimulus(self, answer: Answer) -> str:
        """Show what was looked at."""
        trial = answer.trial
        return trial.stimulus.identifier if trial.stimulus else trial.practice_item

    @admin.display(description=_("phase"), ordering="trial__phase")
    def phase(self, answer: Answer) -> str:
        """Show the part of the study."""
        return answer.trial.get_phase_display()

    @admin.display(description=_("seconds"), ordering="reaction_time_ms")
    def seconds(self, answer: Answer) -> str:
        """Show the reaction time, where the browser measured it."""
        return "–" if answer.reaction_time_ms is None else f"{answer.reaction_time_ms / 1000:.1f}"
