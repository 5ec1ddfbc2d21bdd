"""A task of somebody else: one class here, one template, one line in the settings; no change of the platform."""

import numpy as np
import pytest
from django import forms

from study.checks import check_answer_columns, check_tasks
from study.models import Answer, AnswerKind, Phase, Trial
from study.presets import load_preset
from study.services.runs import import_run
from study.services.studies import create_study, launch_study
from study.tasks import Feedback, PracticeItem, Submission, TaskForm, get_task
from study.tasks.one_summary import OneSummaryTask

TEMPLATES = {
    "birdsong/tune.html": "{% extends 'study/trial.html' %}{% block fields %}"
    "<label>How loud? <input name='loudness' value=''></label>{% endblock %}",
    "birdsong/example.html": "<p>An example of a tune.</p>",
    "birdsong/steps.html": "<p>Say how loud it is.</p>",
    "birdsong/keys.html": "",
}


class TuneForm(TaskForm):
    """How loud, from 0 to 10."""

    loudness = forms.IntegerField(min_value=0, max_value=10)

    def submission(self):
        return Submission(kind=AnswerKind.RATING, value=float(self.cleaned_data["loudness"]), **self.measured())


class TuneTask(OneSummaryTask):
    """How loud would these regions sing?"""

    name = "tune"
    template_name = "birdsong/tune.html"
    instructions_template = "birdsong/example.html"
    steps_template = "birdsong/steps.html"
    keys_template = "birdsong/keys.html"
    form_class = TuneForm
    practice_items = {
        "hum": PracticeItem(
            "hum",
            "bird",
            {"cells": [{"picture": {"static": "study/practice/beak-1.webp", "width": 480, "height": 480}}]},
            frozenset({"3"}),
        )
    }
    worked_example = "hum"
    answer_columns = ("answer_value", "options")
    seconds_per_trial = 5.0

    @property
    def question(self):
        return "How loud would these regions sing?"

    def is_correct(self, item, submission):
        return f"{submission.value:.0f}" in item.expected

    def feedback(self, item, *, correct):
        return Feedback(correct=correct, explanation="Hums have a loudness of 3.", answer="3")

    def export_values(self, trial, answer):
        return {"options": 11}

    def simulated_fields(self, person, trial, *, generator):
        return {"loudness": str(int(generator.integers(0, 11)))}


@pytest.fixture
def with_tune(settings):
    settings.STUDY_TASKS = [*settings.STUDY_TASKS, f"{__name__}.TuneTask"]
    options = settings.TEMPLATES[0]["OPTIONS"] | {
        "loaders": [
            "django.template.loaders.app_directories.Loader",
            "django.template.loaders.filesystem.Loader",
            ("django.template.loaders.locmem.Loader", TEMPLATES),
        ]
    }
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"APP_DIRS": False, "OPTIONS": options}]


@pytest.mark.django_db
def test_a_task_of_somebody_else_goes_the_whole_way(with_tune, run_directory, visitor):
    assert check_tasks(None) == check_answer_columns(None) == []
    block = {"task": "tune", "trials": 3, "practice": ["hum"]}
    draft = create_study(load_preset("paper-2018"), slug="tunes", blocks=[block], participants_planned=2)
    import_run(draft, run_directory)
    study = launch_study(draft)
    visitor.enter(study)
    assert "An example of a tune." in visitor.page.content.decode()
    visitor.go_on()
    assert "How loud would these regions sing?" in visitor.page.content.decode()
    visitor.send(visitor.form("/answer/"), loudness="3")
    assert "Hums have a loudness of 3." in visitor.page.content.decode()
    visitor.go_on()
    refused = visitor.client.post(visitor.form("/answer/").action, {"loudness": "11"})
    assert refused.status_code == 422
    for _ in range(3):
        visitor.send(visitor.form("/answer/"), loudness="7")
    answers = Answer.objects.filter(trial__phase=Phase.MAIN)
    assert [(answer.kind, answer.value) for answer in answers] == [(AnswerKind.RATING, 7.0)] * 3
    assert get_task("tune").export_values(Trial(task="tune"), answers[0]) == {"options": 11}
    fields = get_task("tune").simulated_fields(None, answers[0].trial, generator=np.random.default_rng(0))
    assert TuneForm(fields).is_valid()
