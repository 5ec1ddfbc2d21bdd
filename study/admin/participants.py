"""Participants in the admin: pseudonyms and states, no tokens and no external identifiers."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from study.access import Capability, may
from study.admin.reading import ReadOnlyAdmin, may_somewhere, only_related
from study.models import Event, Participant, ParticipantState
from study.services.audit import record
from study.services.withdrawal import withdraw

STATE_COLOURS = {
    ParticipantState.COMPLETED: "success",
    ParticipantState.ACTIVE: "info",
    ParticipantState.CONSENTED: "info",
    ParticipantState.TIMED_OUT: "warning",
    ParticipantState.WITHDRAWN: "danger",
}


@admin.register(Participant)
class ParticipantAdmin(ReadOnlyAdmin):
    """Who took part, under pseudonyms."""

    capability = Capability.SEE_PARTICIPANTS
    list_display = ("pseudonym", "state_badge", "simulated_badge", "source", "slot_number", "answered", "study")
    list_filter = (only_related("study"), "state", "simulated", "source")
    list_select_related = ("study",)
    search_fields = ("pseudonym",)
    exclude = ("token", "consent_nonce")
    actions = ("withdraw_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participant]:
        """Count answers along with the participants."""
        participants: QuerySet[Participant] = super().get_queryset(request)
        return participants.annotate(answers_number=Count("trials__answer"))

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)  # type: ignore[untyped-decorator]
    def state_badge(self, participant: Participant) -> tuple[str, str]:
        """Show the state as a badge."""
        return participant.state, participant.get_state_display()

    @display(description=_("kind"), ordering="simulated", label={"simulated": "warning", "person": "success"})  # type: ignore[untyped-decorator]
    def simulated_badge(self, participant: Participant) -> tuple[str, str]:
        """Show whether this is a program."""
        return ("simulated", str(_("simulated"))) if participant.simulated else ("person", str(_("person")))

    @admin.display(description=_("answers"), ordering="answers_number")
    def answered(self, participant: Any) -> str:
        """Show answers against planned trials."""
        return f"{participant.answers_number} / {participant.trials_planned}"

    @admin.action(description=_("Withdraw: delete all answers"), permissions=["delete_answers"])
    def withdraw_selected(self, request: HttpRequest, participants: QuerySet[Participant]) -> None:
        """Withdraw participants who asked for it by other ways than the button."""
        for participant in participants.select_related("study"):
            if not may(request.user, Capability.WITHDRAW_PARTICIPANTS, participant.study):
                raise PermissionDenied
            withdraw(participant)
            record(
                "withdraw participant",
                actor=request.user.get_username(),
                study=participant.study.slug,
                target=participant.pseudonym,
            )
        self.message_user(request, _("Answers deleted; the rows stay as tombstones."), messages.SUCCESS)

    def has_delete_answers_permission(self, request: HttpRequest) -> bool:
        """Offer withdrawing to those who may do it in some study; each participant's study is asked again."""
        return may_somewhere(request, Capability.WITHDRAW_PARTICIPANTS)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened besides answers."""

    capability = Capability.SEE_PARTICIPANTS
    study_path = "participant__study"
    list_display = ("at", "participant", "kind", "detail")
    list_filter = ("kind", only_related("participant__study"))
    list_select_related = ("participant",)
    search_fields = ("participant__pseudonym",)
