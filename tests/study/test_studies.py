import pytest
from django.db import IntegrityError, transaction

from study.allocation import PlanError
from study.models import Slot, StudyState
from study.services.plan import draw_plan
from study.services.studies import StudyError, close_study, create_study, launch_study, pause_study

pytestmark = pytest.mark.django_db


def test_a_draft_without_stimuli_cannot_be_launched(draft):
    with pytest.raises(StudyError, match="no plan yet; import stimuli first"):
        launch_study(draft)


def test_states_follow_each_other(study):
    assert pause_study(study).state == StudyState.PAUSED
    assert launch_study(study).state == StudyState.RUNNING
    assert close_study(study).state == StudyState.CLOSED
    with pytest.raises(StudyError, match="closed for good"):
        launch_study(study)
    with pytest.raises(StudyError, match="only a running study"):
        pause_study(study)


def test_a_draft_cannot_be_closed(draft):
    with pytest.raises(StudyError, match="still a draft"):
        close_study(draft)


def test_own_completion_codes_are_kept(preset):
    study = create_study(preset, slug="own", completion_codes={"completed": "C1", "over_quota": "C2"})
    assert study.completion_codes == {"completed": "C1", "over_quota": "C2"}


def test_the_same_seed_draws_the_same_plan(study):
    before = list(Slot.objects.order_by("number").values_list("trials", flat=True))
    draw_plan(study)
    assert list(Slot.objects.order_by("number").values_list("trials", flat=True)) == before


def test_a_plan_stays_once_somebody_has_consented(study, visitor):
    visitor.enter(study)
    with pytest.raises(PlanError, match="its plan stays as it is"):
        draw_plan(study)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "free"},
        {"state": "claimed", "lease_expires_at": None},
        {"state": "lost"},
        {"number": 2},
    ],
)
def test_the_database_itself_refuses_inconsistent_slots(study, visitor, change):
    visitor.enter(study)
    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(number=1).update(**change)


def test_one_participant_cannot_hold_two_slots(study, visitor):
    visitor.enter(study)
    slot = visitor.participant.slot
    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(number=2).update(
            state="claimed", holder=visitor.participant, lease_expires_at=slot.lease_expires_at
        )
