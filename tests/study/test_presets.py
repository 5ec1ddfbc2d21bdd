import json

import pytest

from study import presets
from study.models import Study
from study.presets import Origin, PresetError, load_preset, preset_names


def test_every_choice_of_every_preset_is_a_field_with_a_reason():
    fields = {field.name for field in Study._meta.get_fields()}
    for name in preset_names():
        preset = load_preset(name)
        assert set(preset.choices) <= fields
        assert all(len(choice.rationale) > 20 for choice in preset.choices.values())


def test_what_the_paper_does_not_settle_is_marked():
    preset = load_preset("paper-2018")
    assert preset.choices["task"].origin == Origin.PAPER
    assert {"participants_planned", "trials_per_participant", "control_share"} <= set(preset.reconstructed)


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(PresetError, match=r"there is .*paper-2018"):
        load_preset("../secrets")


def test_a_choice_without_a_reason_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "DIRECTORY", tmp_path)
    content = {"description": "", "choices": {"minutes": {"value": 1, "origin": "paper", "rationale": " "}}}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    with pytest.raises(PresetError, match="'minutes' lacks a rationale"):
        load_preset("mine")
