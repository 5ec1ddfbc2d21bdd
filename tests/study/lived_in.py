"""A study with a bit of everything: every task, people in many states, questionnaires, codes, members, history.

``python -m tests.study.lived_in DIRECTORY`` fills the database of the environment with it, for tests that need servers
of their own; `SERVER_SLUG` is its slug there.
"""

import sys
from pathlib import Path

SERVER_SLUG = "lived-in"
RECRUITER_ID = "5f1e0cprolificperson"
TYPED = "=a very peculiar beak"
BLOCKS = [
    {"task": "name", "trials": 2, "control_share": 0.5, "practice": ["beak"], "attention": ["known-answer"]},
    {"task": "intruder", "trials": 2},
    {"task": "predict", "trials": 2, "options": {"options": 2}},
]
QUESTIONNAIRES = [
    {"questionnaire": "understanding", "moment": "before"},
    {"questionnaire": "comments", "moment": "after"},
]
PEOPLE = 5


def live_in(run_directory, *, slug=SERVER_SLUG):
    """Make the study in the database and return it; accounts `anna` and `ben` are made where they are missing."""
    from django.contrib.auth import get_user_model

    from study.exports.privacy import plain_name
    from study.models import Coder, Participant, Role
    from study.presets import load_preset
    from study.services.events import record_events
    from study.services.members import set_member
    from study.services.name_codes import store_codes, take_seat
    from study.services.runs import import_run
    from study.services.studies import create_study, launch_study, pause_study
    from study.services.withdrawal import withdraw

    anna, _ = get_user_model().objects.get_or_create(username="anna")
    ben, _ = get_user_model().objects.get_or_create(username="ben")
    study = create_study(
        load_preset("paper-2018"),
        slug=slug,
        blocks=BLOCKS,
        questionnaires=QUESTIONNAIRES,
        participants_planned=8,
        retention_date="2099-12-31",
    )
    import_run(study, run_directory)
    set_member(study, anna, Role.ADMINISTRATOR)
    set_member(study, ben, Role.CODER)
    take_seat(study, ben)
    study = launch_study(study)
    for number in range(PEOPLE):
        walk_through(study, number, trials=None if number < 3 else number)
    newest = Participant.objects.filter(study=study).order_by("-pk").first()
    record_events(newest, [{"kind": "blur", "detail": {"ms": 1e12, "small": 1e-9, "word": "è"}}])
    withdraw(Participant.objects.filter(study=study).order_by("pk")[1])
    name = plain_name(TYPED)
    store_codes(study, "species-a", {name: "beak"}, coder=Coder.FIRST)
    store_codes(study, "species-a", {name: ""}, coder=Coder.SECOND)
    return pause_study(study)


def walk_through(study, number, *, trials=None):
    """Let somebody from Prolific answer `trials` trials, or everything."""
    from study.models import AnswerKind, Moment
    from study.questionnaires import Given
    from study.recruitment import Entry
    from study.services.answers import commit_answer
    from study.services.consent import give_consent
    from study.services.progress import leave_feedback, leave_instructions, serve_trial
    from study.services.questionnaires import commit_questionnaire
    from study.tasks import Submission

    entry = Entry(
        source="prolific",
        subject=f"{RECRUITER_ID}{number}",
        details={"session": f"recruiters-session-{number}"},  # long enough to be in no token by chance
        raw_query=f"PROLIFIC_PID={RECRUITER_ID}{number}",
    )
    person = give_consent(study, entry, nonce=f"{study.slug}-consent-form-{number:04}")
    before, after = study.placed_questionnaires
    commit_questionnaire(person, before, [Given("understanding", value=3.0)])
    for block in study.task_blocks:
        leave_instructions(person, task=block.task)
    for index, trial in enumerate(person.trials.order_by("position")[:trials]):
        serve_trial(trial)
        trial.refresh_from_db()
        if trial.task == "name":
            said = {"kind": AnswerKind.NAMED, "text": f"{TYPED} {number}" if index else "wing"}
        else:
            said = {"kind": AnswerKind.CHOICE, "value": 1.0}
        report = {"input_type": "touch", "device_pixel_ratio": 1.5}
        commit_answer(person, trial, Submission(**said, confidence=3, reaction_time_ms=1234.5, input_details=report))
        leave_feedback(person)
    if trials is None:
        assert after.moment == Moment.AFTER
        commit_questionnaire(person, after, [Given("comments", text=f"I am {TYPED} number {number}\nindeed")])
    person.refresh_from_db()
    return person


def main():
    """Migrate the database of the environment and fill it."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    from tests.study.rich_run import write_rich_run

    call_command("migrate", verbosity=0)
    live_in(write_rich_run(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
