"""Small export directories with known probabilities, made by the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

CONTRACT = json.loads((Path(__file__).parents[2] / "contracts" / "long_table.json").read_text(encoding="utf-8"))
DIGEST = "ab" * 32
PARTS = {
    "robin": ["head", "body", "legs", "wings", "tail"],
    "steam locomotive": ["wheels", "chimney", "front", "cabin"],
    "golden retriever": ["nose", "ears", "fur", "paws"],
    "oboe": ["keys", "reed", "hands"],
    "pickup": ["wheels", "headlights", "bumper", "bed"],
}
ACCURACY = {"efficientnet-lite0": 0.71, "efficientnet-lite2": 0.83, "efficientnet-lite1": 0.78}
SLIPS = {"head": "hed", "wings": "wigns", "tail": "tial", "wheels": "weels"}
START = pd.Timestamp("2024-05-31T12:00:00Z")


def columns_of(table: str) -> list[str]:
    return [column["name"] for column in CONTRACT["tables"][table]["columns"]]


def write_export(directory: Path, tables: Mapping[str, Sequence[Mapping[str, object]]]) -> Path:
    """Write rows as the three files of an export; columns not given are empty."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("responses_long", "participants", "stimuli"):
        rows = [
            {"schema_version": CONTRACT["schema_version"], "study": "robin-study"} | dict(row)
            for row in tables.get(name, [])
        ]
        pd.DataFrame(rows, columns=columns_of(name)).to_csv(directory / f"{name}.csv", index=False)
    return directory


def stimulus(identifier: str, label: str, network: str, arm: str = "summaries", **more: object) -> dict[str, object]:
    return {
        "summary": identifier,
        "class": label,
        "network": network,
        "method": "crisp-masks",
        "arm": arm,
        "members": 8,
        "run_digest": DIGEST,
        "network_accuracy": ACCURACY.get(network, ""),
        "coverage": 0.8,
    } | more


def answer(participant: str, position: int, shown: Mapping[str, object], text: str | None, **more: object) -> dict:
    """A naming answer about a stimulus; ``text`` None is "No common part"."""
    served = START + pd.Timedelta(seconds=20 * position)
    return {
        "study_version": 1,
        "participant": participant,
        "simulated": "true",
        "participant_state": "completed",
        "trial_position": position,
        "phase": "main",
        "task": "name",
        **{column: shown[column] for column in ("summary", "class", "network", "method", "arm", "run_digest")},
        "answer_kind": "no-common-part" if text is None else "named",
        "answer_text": text,
        "confidence": 4,
        "reaction_time_ms": 5200.5,
        "server_time_ms": 5400,
        "reloads": 0,
        "language": "en",
        "served_at": served.isoformat(),
        "answered_at": (served + pd.Timedelta(seconds=6)).isoformat(),
    } | more


def person(identifier: str, **more: object) -> dict[str, object]:
    return {
        "participant": identifier,
        "simulated": "true",
        "source": "simulated",
        "state": "completed",
        "language": "en",
        "consented_at": START.isoformat(),
        "started_at": (START + pd.Timedelta(minutes=1)).isoformat(),
        "completed_at": (START + pd.Timedelta(minutes=12)).isoformat(),
        "study_version": 1,
        "trials_planned": 30,
        "attention_checks": 0,
        "attention_failed": 0,
        "came_back_late": "false",
        "trials_answered": 30,
    } | more


def _draw_summary(path: Path, generator: np.random.Generator) -> None:
    image = Image.new("RGB", (240, 240), (64, 64, 64))
    draw = ImageDraw.Draw(image)
    for row in range(3):
        for column in range(3):
            left, top = column * 80 + int(generator.integers(5, 30)), row * 80 + int(generator.integers(5, 30))
            colour = tuple(int(value) for value in generator.integers(90, 230, size=3))
            draw.ellipse([left, top, left + 40, top + 34], fill=colour, outline=(200, 30, 30), width=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def make_export(
    directory: Path,
    *,
    classes: Sequence[str] = tuple(PARTS),
    networks: Sequence[str] = ("efficientnet-lite0", "efficientnet-lite2"),
    participants: int = 24,
    trials: int = 30,
    named: float = 0.9,
    alike: float = 0.8,
    random_named: float = 0.3,
    random_arm: bool = True,
    simulated: bool = True,
    pictures: bool = True,
    practice: int = 2,
    seed: int = 1,
) -> Path:
    """An export whose participants name a summary with probability ``named`` and then its part with ``alike``.

    The second network has one summary more per class than the first. Random regions are named with probability
    ``random_named``, any part of the class.
    """
    generator = np.random.default_rng(seed)
    stimuli, truth = [], {}
    for label in classes:
        for rank, network in enumerate(networks):
            parts = PARTS[label] if rank else PARTS[label][:-1]
            arms = [("summaries", part) for part in parts] + [("random-regions", "")] * (2 if random_arm else 0)
            for number, (arm, part) in enumerate(arms):
                identifier = f"{label}-{network}-{arm}-{number}".replace(" ", "-")
                row = stimulus(identifier, label, network, arm, picture=f"pictures/{identifier}.png")
                row |= {"median_ssim": 0.4, "mean_drop": 0.5, "coverage": round(0.6 + 0.1 * rank, 3)}
                stimuli.append(row)
                truth[identifier] = part
                if pictures:
                    _draw_summary(directory / str(row["picture"]), generator)
    answers, people = [], []
    flag = "true" if simulated else "false"
    for number in range(participants):
        identifier = f"p{number:04d}"
        people.append(person(identifier, simulated=flag, source="simulated" if simulated else "prolific"))
        habit = generator.normal(0, 0.05)
        chosen = generator.choice(len(stimuli), size=min(trials, len(stimuli)), replace=False)
        for trial in range(practice):
            practiced = stimuli[int(chosen[trial])]
            answers.append(answer(identifier, trial + 1, practiced, "practice", phase="practice", simulated=flag))
        for trial, position in enumerate(chosen):
            shown = stimuli[int(position)]
            part = truth[str(shown["summary"])]
            given = bool(generator.random() < (named if part else random_named) + habit)
            text = part if part and generator.random() < alike else str(generator.choice(PARTS[str(shown["class"])]))
            if generator.random() < 0.03:
                text = SLIPS.get(text, text)
            text = str(generator.choice([text, text.capitalize(), f"the {text}", text.removesuffix("s")]))
            more = {
                "confidence": int(generator.integers(3, 6)) if given else int(generator.integers(1, 4)),
                "reaction_time_ms": round(float(generator.lognormal(8.6, 0.4)), 1),
                "simulated": flag,
            }
            answers.append(answer(identifier, practice + trial + 1, shown, text if given else None, **more))
    write_export(directory, {"responses_long": answers, "participants": people, "stimuli": stimuli})
    _write_manifest(directory, classes, networks)
    return directory


def _write_manifest(directory: Path, classes: Sequence[str], networks: Sequence[str]) -> None:
    run = {"digest": DIGEST, "code_version": "0.1.0", "dataset": "drawn", "preset": "default", "seed": 1}
    manifest = {
        "schema_version": "1.0",
        "run": run | {"config": {}, "synthetic": True},
        "classes": [{"name": label, "folder": label, "wnid": None} for label in classes],
        "networks": [
            {"name": network, "weights": "ImageNet", "weights_sha256": "cd" * 32, "images_seen": 100}
            | {"images_correct": round(100 * ACCURACY.get(network, 0.5))}
            for network in networks
        ],
        "clusterings": [
            {"class": label, "network": network, "method": "crisp-masks", "arm": "summaries", "accepted": 4}
            for label in classes
            for network in networks
        ],
        "summaries": [],
        "skipped": [],
    }
    path = directory / "manifests" / f"{DIGEST[:12]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture(scope="session")
def export_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_export(tmp_path_factory.mktemp("export"))
