"""Drawing the plan of a study and storing it as slots."""

from dataclasses import dataclass

from django.db import transaction

from study.allocation import PlanError, TrialSplit
from study.burden import Burden, planned_burden
from study.material import Material, MaterialPrediction, MaterialStimulus, Member
from study.models import BlockOrder, Prediction, Slot, Stimulus, Study
from study.planning import plan_trials
from study.tasks import get_task


@dataclass(frozen=True)
class DrawnPlan:
    """What was drawn: number of slots; for each block its task, the split asked for, and the one the stimuli allow."""

    slots: int
    tasks: tuple[str, ...]
    wanted: tuple[TrialSplit, ...]
    drawn: tuple[TrialSplit, ...]

    @property
    def is_short(self) -> bool:
        """Whether participants see fewer trials than the design asks for."""
        return self.drawn != self.wanted

    @property
    def trials(self) -> int:
        """Main trials of each participant."""
        return sum(split.total for split in self.drawn)


@transaction.atomic
def draw_plan(study: Study) -> DrawnPlan:
    """Draw the plan from the study's stimuli and seed, in place of an earlier one.

    A study with fewer stimuli than a participant's trials gets a shorter plan: nobody sees a stimulus twice. The
    returned `DrawnPlan` says so, and callers must tell.

    Raises:
        PlanError: somebody has consented already, or there is nothing to show in one of the blocks.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.participants.exists():
        raise PlanError(f"Study {locked.slug!r} has participants; its plan stays as it is.")
    blocks = locked.task_blocks
    planned = plan_trials(
        blocks,
        read_material(locked),
        slots=locked.participants_planned,
        seed=locked.seed,
        balanced_order=locked.block_order == BlockOrder.BALANCED,
    )
    Slot.objects.filter(study=locked).delete()
    Slot.objects.bulk_create(
        [
            Slot(study=locked, number=number, trials=[trial.as_json() for trial in trials])
            for number, trials in enumerate(planned.slots, 1)
        ],
        batch_size=500,
    )
    return DrawnPlan(
        slots=len(planned.slots),
        tasks=tuple(block.task for block in blocks),
        wanted=planned.wanted,
        drawn=planned.drawn,
    )


def planned_burden_of(study: Study) -> Burden:
    """Return how long a participant of the study needs by its design.

    Raises:
        UnknownTaskError: the design names a task that is not registered.
    """
    blocks = study.task_blocks
    seconds = {block.task: get_task(block.task).seconds_per_trial for block in blocks}
    return planned_burden(blocks, study.placed_questionnaires, seconds_per_trial=seconds)


def read_material(study: Study) -> Material:
    """Return what a study can show."""
    stimuli = Stimulus.objects.filter(study=study).select_related("condition").order_by("identifier")
    predictions = Prediction.objects.filter(study=study).order_by("network", "image")
    return Material(
        stimuli=tuple(
            MaterialStimulus(
                identifier=stimulus.identifier,
                network=stimulus.condition.network,
                class_name=stimulus.condition.class_name,
                method=stimulus.condition.method,
                arm=stimulus.condition.arm,
                members=tuple(Member(member["image"], tuple(member["box"])) for member in stimulus.members),
                part=stimulus.quality.get("part"),
                mean_drop=stimulus.quality.get("mean_drop"),
            )
            for stimulus in stimuli.defer("pictures")
        ),
        predictions=tuple(
            MaterialPrediction(
                network=prediction.network,
                image=prediction.image,
                class_name=prediction.class_name,
                answer=prediction.answer,
                correct=prediction.correct,
            )
            for prediction in predictions
        ),
    )
