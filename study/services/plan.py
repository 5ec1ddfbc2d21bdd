"""Drawing the plan of a study and storing it as slots."""

from dataclasses import dataclass

from django.db import transaction

from study.allocation import PlanError, PlannedStimulus, TrialSplit, feasible_split, plan, split_trials
from study.models import Slot, Stimulus, Study


@dataclass(frozen=True)
class DrawnPlan:
    """What was drawn: number of slots, the split that the design asks for, and the one that the stimuli allow."""

    slots: int
    wanted: TrialSplit
    drawn: TrialSplit

    @property
    def is_short(self) -> bool:
        """Whether participants see fewer trials than the design asks for."""
        return self.drawn != self.wanted


@transaction.atomic
def draw_plan(study: Study) -> DrawnPlan:
    """Draw the plan from the study's stimuli and seed, in place of an earlier one.

    A study with fewer stimuli than a participant's trials gets a shorter plan: nobody sees a stimulus twice. The
    returned `DrawnPlan` says so, and callers must tell.

    Raises:
        PlanError: somebody has consented already, or there is no summary.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.participants.exists():
        raise PlanError(f"Study {locked.slug!r} has participants; its plan stays as it is.")
    stimuli = [
        PlannedStimulus(
            identifier=stimulus.identifier,
            network=stimulus.condition.network,
            class_name=stimulus.condition.class_name,
            method=stimulus.condition.method,
            arm=stimulus.condition.arm,
        )
        for stimulus in Stimulus.objects.filter(study=locked).select_related("condition")
    ]
    wanted = split_trials(locked.trials_per_participant, locked.control_share)
    drawn = feasible_split(stimuli, wanted)
    if drawn.summaries == 0:
        raise PlanError(f"Study {locked.slug!r} has no summaries to show; import a run with at least one.")
    sequences = plan(
        stimuli,
        slots=locked.participants_planned,
        trials_per_slot=drawn.total,
        control_share=drawn.controls / drawn.total,
        seed=locked.seed,
    )
    Slot.objects.filter(study=locked).delete()
    Slot.objects.bulk_create(
        [Slot(study=locked, number=number, stimuli=list(sequence)) for number, sequence in enumerate(sequences, 1)],
        batch_size=500,
    )
    return DrawnPlan(slots=len(sequences), wanted=wanted, drawn=drawn)
