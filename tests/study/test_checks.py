from django.core.checks import run_checks

from study.tasks.name import NameTask


def identifiers():
    return sorted(message.id for message in run_checks() if message.id.startswith("study."))


def test_the_shipped_settings_are_sound():
    assert identifiers() == []


def test_wrong_plug_ins_are_reported(settings):
    settings.STUDY_TASKS = ["study.tasks.name.NameTask", "study.tasks.sing.SingTask"]
    settings.STUDY_RECRUITERS = ["study.models.Study"]
    assert identifiers() == ["study.E001", "study.E002"]


class LoudNameTask(NameTask):
    answer_columns = ("answer_text", "loudness")


def test_columns_outside_the_contract_are_reported(settings):
    settings.STUDY_TASKS = [LoudNameTask.__module__ + ".LoudNameTask"]
    assert identifiers() == ["study.E004"]


def test_missing_contracts_are_reported(settings, tmp_path):
    settings.CONTRACTS_DIRECTORY = tmp_path
    assert identifiers() == ["study.E003", "study.E003"]
