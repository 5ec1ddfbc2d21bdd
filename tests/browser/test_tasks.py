"""All five tasks in a real browser: a simulated person clicks, another uses the keys alone."""

import numpy as np
import pytest

from study.models import Answer, ParticipantState, Phase, Trial
from study.presets import load_preset
from study.services.runs import import_run
from study.services.studies import create_study, launch_study
from study.simulated_kinds import KINDS
from study.tasks import get_task
from tests.browser.inspector import Inspector
from tests.study.rich_run import write_rich_run

BLOCKS = [
    {"task": "coherence", "trials": 1},
    {"task": "intruder", "trials": 1, "options": {"bands": ["easy"]}},
    {"task": "compare", "trials": 1},
    {"task": "predict", "trials": 1, "options": {"options": 2}},
]


@pytest.fixture(scope="session")
def rich_run(tmp_path_factory):
    return write_rich_run(tmp_path_factory.mktemp("rich") / "run")


@pytest.fixture
def four_tasks(live_server, settings, tmp_path, rich_run):
    settings.MEDIA_ROOT = tmp_path
    draft = create_study(load_preset("paper-2018"), slug="four", blocks=BLOCKS, participants_planned=4)
    import_run(draft, rich_run)
    return launch_study(draft)


def current_trial(participant):
    return Trial.objects.filter(participant=participant, answer=None).order_by("position").first()


def go_through(visitor, study, answer, inspect=lambda name: None):
    """Consent, then instructions and one trial of each task; `answer` fills in what the person chose."""
    page = visitor.page
    participant = visitor.consent(study)
    generator = np.random.default_rng(4)
    person = KINDS["careful"].draw_person(study_seed=study.seed, generator=generator)
    for block in BLOCKS:
        start = page.get_by_role("button", name="Start", exact=True)
        start.wait_for()
        inspect(f"{block['task']}, instructions")
        start.click()
        page.locator("[data-state=ready]").wait_for()
        inspect(block["task"])
        trial = current_trial(participant)
        assert trial.task == block["task"]
        fields = get_task(trial.task).simulated_fields(person, trial, generator=generator)
        page.locator("#reason", has_text="Choose").wait_for()
        answer(page, fields)
        page.locator("#reason", has_text="Choose").wait_for(state="detached")
        page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    participant.refresh_from_db()
    assert participant.state == ParticipantState.COMPLETED
    answers = Answer.objects.filter(trial__participant=participant, trial__phase=Phase.MAIN)
    assert {answer.trial.task for answer in answers} == {block["task"] for block in BLOCKS}
    assert all(answer.reaction_time_ms is not None for answer in answers)


def click(page, fields):
    for name, value in fields.items():
        page.locator(f"label[for={name}-{value}]").click()


def use_keys(page, fields):
    """Press the key that stands for each choice, as the page offers it."""
    for name, value in fields.items():
        page.keyboard.press(page.locator(f"#{name}-{value}").get_attribute("data-key"))


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}])
def test_every_task_is_answered_by_clicks(open_visitor, four_tasks, viewport):
    visitor = open_visitor(viewport=viewport)
    inspector = Inspector(visitor.page, "en")
    go_through(visitor, four_tasks, click, inspector.inspect)
    assert inspector.findings == []
    assert len(inspector.inspected) == 2 * len(BLOCKS)


def test_every_task_is_answered_by_keys(visitor, four_tasks):
    go_through(visitor, four_tasks, use_keys)
