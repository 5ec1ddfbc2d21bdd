import csv
import io
import json

import pytest
from django.core import signing
from django.core.management import CommandError, call_command

from study.management.commands.simulate_participants import ready_study
from study.models import Answer, AnswerKind, Arm, Participant, Phase, Slot, Study
from study.recruitment.simulated import SALT
from study.services.studies import pause_study

pytestmark = pytest.mark.django_db


def run(name, *arguments, **options):
    output = io.StringIO()
    call_command(name, *arguments, stdout=output, **options)
    return output.getvalue()


def test_create_study_shows_where_each_choice_comes_from():
    printed = run("create_study", slug="birds", participants=12, title="Mine")
    study = Study.objects.get()
    assert (study.participants_planned, study.title, study.preset) == (12, "Mine", "paper-2018")
    assert "reconstructed" in printed
    assert "given" in printed
    assert study.completion_codes["completed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slug": "birds"}, "There is a study 'birds' already"),
        ({"slug": "new", "preset": "none"}, "No preset 'none'"),
        ({"slug": "not a slug"}, "valid .slug."),
        ({"slug": "new", "participants": 0}, "greater than or equal to 1"),
    ],
)
def test_create_study_says_what_is_wrong(draft, options, message):
    with pytest.raises(CommandError, match=message):
        run("create_study", **options)
    assert Study.objects.count() == 1


def test_import_stimuli_prints_the_conditions_and_launches(draft, run_directory):
    printed = run("import_stimuli", str(run_directory), study="birds")
    assert "random-regions" in printed
    assert "6 participants, 8 trials each. name: 8 (6 summaries, 2 controls)" in printed
    assert "add --launch" in printed
    again = run("import_stimuli", str(run_directory), study="birds", launch=True)
    assert "was here already" in again
    assert Study.objects.get().state == "running"


def test_import_stimuli_says_that_the_run_is_small(run_directory):
    run("create_study", slug="short", quiet=True)
    assert "the design asks for 24 trials" in run("import_stimuli", str(run_directory), study="short")


@pytest.mark.parametrize(
    ("study", "directory", "message"),
    [("none", "/", "create it first"), ("birds", "/nowhere", "does not exist; give the directory")],
)
def test_import_stimuli_says_what_is_wrong(draft, study, directory, message):
    with pytest.raises(CommandError, match=message):
        run("import_stimuli", directory, study=study)


def test_quiet_commands_print_nothing(run_directory, tmp_path):
    assert run("create_study", slug="birds", quiet=True) == ""
    assert run("import_stimuli", str(run_directory), study="birds", launch=True, quiet=True) == ""
    assert run("export_study", study="birds", out=tmp_path, quiet=True) == ""


def test_export_study_without_such_a_study(tmp_path):
    with pytest.raises(CommandError, match="No study 'none'"):
        run("export_study", study="none", out=tmp_path)


@pytest.mark.parametrize(("participants", "message"), [(0, "expected at least 1"), (7, "6 places left for 7")])
def test_simulation_needs_room(study, participants, message):
    with pytest.raises(CommandError, match=message):
        ready_study("birds", participants=participants)


def test_simulation_needs_a_running_study(study):
    pause_study(study)
    with pytest.raises(CommandError, match="is paused; launch it first"):
        ready_study("birds", participants=1)
    with pytest.raises(CommandError, match="create it first"):
        ready_study("none", participants=1)


def test_simulation_never_mixes_with_people(study, visitor):
    visitor.enter(study)
    with pytest.raises(CommandError, match=r"People take part in study 'birds' \(1 so far\)"):
        ready_study("birds", participants=1)


@pytest.mark.django_db(transaction=True)
def test_simulated_participants_walk_through_real_pages_and_are_marked_everywhere(study, tmp_path):
    printed = run("simulate_participants", study="birds", participants=3, seed=5)
    assert "3 programs completed the study with 30 answers; 4 posts that had to be refused were refused" in printed

    people = Participant.objects.all()
    assert {(person.simulated, person.source, person.state) for person in people} == {(True, "simulated", "completed")}
    assert Slot.objects.filter(state="completed").count() == 3
    main = Answer.objects.filter(trial__phase=Phase.MAIN)
    controls = main.exclude(trial__stimulus__condition__arm=Arm.SUMMARIES)
    rejected = controls.filter(kind=AnswerKind.NO_COMMON_PART).count()
    assert rejected > controls.count() / 2
    assert not main.filter(reaction_time_ms=None).exists()

    printed = run("export_study", study="birds", out=tmp_path)
    assert "responses_long.csv" in printed
    with (tmp_path / "responses_long.csv").open() as stream:
        assert {row["simulated"] for row in csv.DictReader(stream)} == {"true"}
    assert "no finding" in json.loads((tmp_path / "dataset_description.json").read_text())["description"]


@pytest.mark.django_db(transaction=True)
def test_a_server_that_does_not_answer_is_named(study):
    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:9/? does not answer"):
        run("simulate_participants", study="birds", participants=1, base_url="http://127.0.0.1:9")


def test_a_pass_that_was_signed_with_another_key_creates_nobody(study, client):
    forged = signing.dumps("birds", salt=SALT, key="the key of another server")
    assert client.post(f"/s/birds/?simulation={forged}").status_code == 400
    assert Participant.objects.count() == 0
