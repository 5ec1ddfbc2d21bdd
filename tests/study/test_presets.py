import dataclasses
import json

import pytest
from django.conf import settings
from django.core.management import call_command

from study import presets
from study.design import Block
from study.design_problems import design_problems
from study.management.commands.write_fixtures import presets_page
from study.models import Study, StudyState
from study.presets import Origin, PresetError, load_preset, preset_names
from study.services.plan import planned_burden_of
from study.services.studies import create_study


def test_every_choice_of_every_preset_is_a_field_with_a_reason():
    fields = {field.name for field in Study._meta.get_fields()}
    block_fields = {field.name for field in dataclasses.fields(Block)}
    for name in preset_names():
        preset = load_preset(name)
        assert set(preset.choices) <= fields
        assert all(set(block) <= block_fields for block in preset.blocks)
        assert all(len(choice.rationale) > 20 for choice in preset.listed().values())


def test_what_the_paper_does_not_settle_is_marked():
    preset = load_preset("paper-2018")
    assert preset.blocks[0]["task"].origin == Origin.PAPER
    assert {"participants_planned", "block 1: trials", "block 1: control_share"} <= set(preset.reconstructed)


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(PresetError, match=r"there is .*paper-2018"):
        load_preset("../secrets")


def test_a_choice_without_a_reason_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "DIRECTORY", tmp_path)
    content = {
        "description": "",
        "choices": {"minutes": {"value": 1, "origin": "paper", "rationale": " "}},
        "blocks": [],
    }
    (tmp_path / "mine.json").write_text(json.dumps(content))
    with pytest.raises(PresetError, match="'minutes' lacks a rationale"):
        load_preset("mine")


def test_the_shipped_presets():
    assert preset_names() == ["explanation-comparison", "intruder-ace", "paper-2018", "pilot", "predict-hive"]
    for name in preset_names():
        preset = load_preset(name)
        assert {"classes", "arms"} == set(preset.material)
        assert "random-regions" in preset.material["arms"].value  # controls are first-class in every preset
    assert len(load_preset("paper-2018").material["classes"].value) == 18


@pytest.mark.django_db
@pytest.mark.parametrize("name", preset_names())
def test_every_preset_makes_a_study_whose_burden_is_what_it_announces(name):
    study = create_study(load_preset(name), slug=name)
    burden = planned_burden_of(study)
    assert study.minutes - 4 <= burden.minutes <= study.minutes + 0.5


@pytest.mark.django_db
def test_fixtures_are_what_the_presets_say_and_can_be_loaded_twice(tmp_path):
    call_command("write_fixtures", out=tmp_path, quiet=True)
    shipped = {path.name: path.read_text() for path in (settings.BASE_DIR / "fixtures").glob("*.json")}
    written = {path.name: path.read_text() for path in tmp_path.glob("*.json")}
    assert written == shipped, "run: manage.py write_fixtures"
    for _ in range(2):
        call_command("loaddata", *sorted(str(path) for path in tmp_path.glob("*.json")), verbosity=0)
    assert sorted(Study.objects.values_list("slug", flat=True)) == preset_names()
    for study in Study.objects.all():
        study.full_clean()
        assert design_problems(study) == []
        assert study.state == StudyState.DRAFT


def test_the_page_of_the_presets_is_what_the_presets_say():
    page = (settings.BASE_DIR / "docs" / "presets.md").read_text()
    assert page == presets_page(), "run: manage.py write_fixtures"
