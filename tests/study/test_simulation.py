"""Programs of every kind walk through a study with all five tasks, over HTTP."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command

from study.exposure_audit import audit_exposure
from study.management.commands.audit_exposure import Command as AuditCommand
from study.models import Answer, Participant, ParticipantState, Phase, Slot, Trial
from study.presets import load_preset
from study.services.runs import import_run
from study.services.slots import expire_simulated_lease
from study.services.studies import StudyError, create_study, launch_study
from study.simulated_kinds import KINDS, UnknownKindError, kinds_named
from tests.study.rich_run import write_rich_run

KINDS_HERE = "careful,bot,drop-out,withdraws,returns-late,double-clicks"
BLOCKS = [
    {"task": "name", "trials": 2, "control_share": 0.5, "practice": ["beak"], "attention": ["known-answer"]},
    {"task": "coherence", "trials": 2, "attention": ["instructed"]},
    {"task": "intruder", "trials": 2, "practice": ["wing"], "options": {"bands": ["easy", "medium"]}},
    {"task": "compare", "trials": 2},
    {"task": "predict", "trials": 2, "options": {"options": 2}},
]


@pytest.fixture(scope="session")
def rich_run(tmp_path_factory):
    return write_rich_run(tmp_path_factory.mktemp("rich") / "run")


@pytest.fixture
def five_tasks(db, rich_run):
    draft = create_study(
        load_preset("paper-2018"), slug="five", blocks=BLOCKS, block_order="balanced", participants_planned=10
    )
    import_run(draft, rich_run)
    return launch_study(draft)


@pytest.mark.django_db(transaction=True)
def test_every_kind_walks_through_all_five_tasks_and_ends_as_it_should(five_tasks, tmp_path):
    output = io.StringIO()
    call_command("simulate_participants", study="five", participants=6, kinds=KINDS_HERE, seed=3, stdout=output)
    assert "How each kind ended" in output.getvalue()
    states = dict(Participant.objects.order_by("pk").values_list("pk", "state"))
    careful, bot, left, withdrawn, late, twice = states.values()
    finished = {ParticipantState.COMPLETED, ParticipantState.FAILED_CHECKS}
    assert careful == ParticipantState.COMPLETED
    assert {bot, late, twice} <= finished
    assert (left, withdrawn) == (ParticipantState.ACTIVE, ParticipantState.WITHDRAWN)
    assert Participant.objects.filter(simulated=False).count() == 0
    assert Participant.objects.count() == 6  # two clicks on consent made one participant

    done = Trial.objects.filter(participant__state__in=finished)
    assert set(done.values_list("task", flat=True)) == {"name", "coherence", "intruder", "compare", "predict"}
    assert not done.filter(answer=None).exists()
    bots = Answer.objects.filter(trial__participant=list(states)[1])
    assert not bots.exclude(reaction_time_ms=None).exists()
    assert audit_exposure(five_tasks).leaks == ()

    call_command("export_study", study="five", out=tmp_path, quiet=True)
    with (tmp_path / "responses_long.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["phase"] == "main"]
    by_task = {task: [row for row in rows if row["task"] == task] for task in {row["task"] for row in rows}}
    assert {row["difficulty"] for row in by_task["intruder"]} <= {"easy", "medium"}
    assert {row["chance"] for row in by_task["intruder"]} == {repr(1 / 6)}
    assert all(row["correct"] in ("true", "false") for row in by_task["intruder"] + by_task["predict"])
    assert all({row["left_network"], row["right_network"]} == {"large", "small"} for row in by_task["compare"])
    assert all(row["chosen"] in ("left", "right", "tie") for row in by_task["compare"])
    assert all(row["network_answer"] and row["variant"] and row["image"] for row in by_task["predict"])
    assert all(row["options"] == "7" and row["answer_kind"] == "rating" for row in by_task["coherence"])


@pytest.mark.django_db
def test_a_plan_that_gives_answers_away_is_not_launched(five_tasks, rich_run):
    leaking = create_study(load_preset("paper-2018"), slug="leaking", blocks=BLOCKS, participants_planned=2)
    import_run(leaking, rich_run)
    slot = Slot.objects.filter(study=leaking).first()
    named = next(trial for trial in slot.trials if trial["task"] == "name" and trial["phase"] == Phase.MAIN)
    rated = next(trial for trial in slot.trials if trial["task"] == "coherence" and trial["phase"] == Phase.MAIN)
    rated["stimulus"] = named["stimulus"]
    slot.save()
    with pytest.raises(StudyError, match="summary-asked-twice"):
        launch_study(leaking)
    with pytest.raises(CommandError, match=r"2 leaks in 2 slots"):
        call_command(AuditCommand(), study="leaking", quiet=True)


@pytest.mark.django_db
def test_a_quota_per_cell_closes_the_study_before_the_slots_are_gone(rich_run, new_visitor):
    """Twenty cells of one summary each and two trials per person: a quota of 1 is full after ten people."""
    blocks = [{"task": "name", "trials": 2}]
    draft = create_study(
        load_preset("paper-2018"), slug="small", blocks=blocks, participants_planned=20, quota_per_cell=1
    )
    import_run(draft, rich_run)
    study = launch_study(draft)
    for _ in range(12):
        new_visitor().enter(study)
    inside = study.participants.exclude(state=ParticipantState.OVER_QUOTA)
    shown = list(Trial.objects.filter(participant__in=inside, phase=Phase.MAIN).values_list("cell", flat=True))
    assert 8 <= inside.count() <= 10
    assert len(shown) == len(set(shown))


@pytest.mark.django_db
def test_an_instructed_check_may_show_what_practice_showed(rich_run):
    """Its question asks for the answer, so the practice pictures give nothing away, even with the same position."""
    block = {"task": "predict", "trials": 2, "practice": ["flamingo"], "attention": ["instructed"]}
    draft = create_study(load_preset("paper-2018"), slug="asked", blocks=[block], participants_planned=2)
    import_run(draft, rich_run)
    assert audit_exposure(draft).leaks == ()


@pytest.mark.django_db
def test_only_leases_of_programs_are_cut_short(five_tasks, visitor):
    visitor.enter(five_tasks)
    with pytest.raises(ValueError, match="is a person"):
        expire_simulated_lease(visitor.participant)


def test_kinds_by_name():
    assert [kind.name for kind in kinds_named("bot, careful,bot")] == ["bot", "careful"]
    assert kinds_named("all") == tuple(KINDS.values())
    with pytest.raises(UnknownKindError, match="there are ordinary, careful"):
        kinds_named("sleepy")
    with pytest.raises(UnknownKindError, match="No kind was given"):
        kinds_named(" ")
