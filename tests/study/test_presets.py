import dataclasses
import json

import pytest

from study import presets
from study.design import Block
from study.models import Study
from study.presets import Origin, PresetError, load_preset, preset_names


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
