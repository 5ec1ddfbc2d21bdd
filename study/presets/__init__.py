"""Designs to start a study from. Each is one JSON file that gives a reason for every choice."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

MATERIAL_KEYS = ("classes", "arms")
DIRECTORY = Path(__file__).resolve().parent


class PresetError(ValueError):
    """There is no such preset, or its file is not complete."""


class Origin(StrEnum):
    """Where a choice of a preset comes from."""

    PAPER = "paper"
    PUBLIC_CODE = "public-code"
    RECONSTRUCTED = "reconstructed"
    """Not settled by the sources; ours, with a reason."""


@dataclass(frozen=True)
class Choice:
    """One choice of a design: its value, where it comes from and why it is so."""

    value: Any
    origin: Origin
    rationale: str


@dataclass(frozen=True)
class Preset:
    """A documented design.

    Attributes:
        name: name of its file.
        description: what it is, in a sentence or two.
        choices: values by field of `Study`.
        blocks: for each block, values by field of `Block`.
        material: what the imported run should hold, such as its classes and arms; a preset cannot set it.
    """

    name: str
    description: str
    choices: dict[str, Choice]
    blocks: tuple[dict[str, Choice], ...]
    material: dict[str, Choice]

    def values(self) -> dict[str, Any]:
        """Return the values by field of `Study`, the blocks among them."""
        blocks = [{field: choice.value for field, choice in block.items()} for block in self.blocks]
        return {field: choice.value for field, choice in self.choices.items()} | {"blocks": blocks}

    def listed(self) -> dict[str, Choice]:
        """Return every choice under a name that is unique; those of blocks look like `block 1: trials`."""
        of_blocks = {
            f"block {number}: {field}": choice
            for number, block in enumerate(self.blocks, start=1)
            for field, choice in block.items()
        }
        return self.choices | of_blocks | {f"material: {name}": choice for name, choice in self.material.items()}

    @property
    def reconstructed(self) -> tuple[str, ...]:
        """Names of the choices that the sources do not settle."""
        return tuple(name for name, choice in self.listed().items() if choice.origin == Origin.RECONSTRUCTED)


def preset_names() -> list[str]:
    """Return the names of the shipped presets."""
    return sorted(path.stem for path in DIRECTORY.glob("*.json"))


def load_preset(name: str) -> Preset:
    """Read a preset.

    Raises:
        PresetError: there is none of that name, or a choice lacks its value, origin or rationale.
    """
    if name not in preset_names():
        raise PresetError(f"No preset {name!r}; there is {', '.join(preset_names())}.")
    content = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    return Preset(
        name=name,
        description=content["description"],
        choices=_choices(content["choices"], preset=name),
        blocks=tuple(_choices(block, preset=name) for block in content["blocks"]),
        material=_choices(
            {key: choice for key, choice in content.items() if key in MATERIAL_KEYS},
            preset=name,
        ),
    )


def _choices(raw: dict[str, Any], *, preset: str) -> dict[str, Choice]:
    choices = {}
    for field, choice in raw.items():
        missing = {"value", "origin", "rationale"} - choice.keys()
        if missing or not choice["rationale"].strip():
            raise PresetError(
                f"Preset {preset!r}: choice {field!r} lacks {', '.join(sorted(missing)) or 'a rationale'}."
            )
        choices[field] = Choice(choice["value"], Origin(choice["origin"]), choice["rationale"])
    return choices
