"""Simulated studies as the tables of an export, so that the whole report can be tried before anybody takes part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from analysis.contract import contract
from analysis.simulate import MAIN_ARM, RANDOM_ARM, SimulatedStudy

STUDY = "simulated"
METHOD = "simulated"
DIGEST = "5" * 64
START = pd.Timestamp("2024-01-01T09:00:00Z")
CLASS_NAMES = ("robin", "oboe", "pickup", "goose", "daisy", "castle", "violin", "kayak", "zebra", "teapot")
WORDS = (
    *("head", "wing", "tail", "leg", "beak", "eye", "neck", "foot", "wheel", "door", "roof", "key"),
    *("string", "handle", "petal", "stem", "tower", "window", "stripe", "ear", "spout", "lid", "paddle", "seat"),
)
"""Words that stay as they are when names are made comparable, so that the truth of the design is that of the report."""


def frames(study: SimulatedStudy, *, seed: int = 0) -> dict[str, pd.DataFrame]:
    """The tables ``responses_long``, ``participants`` and ``stimuli`` of a simulated study, marked as simulated.

    Args:
        study: from :func:`analysis.simulate.simulate_study`.
        seed: of what the study does not hold: the order of trials, times and confidence.

    Returns:
        Frames with the columns of the contract, in order; missing cells are NA.

    Raises:
        ValueError: when the design has more words per class than there are here.
    """
    if study.design.vocabulary > len(WORDS):
        raise ValueError(f"Expected a vocabulary of at most {len(WORDS)} words, got {study.design.vocabulary}.")
    generator = np.random.default_rng(seed)
    stimuli = _stimuli(study)
    answers = pd.concat([_naming(study, stimuli), _intruder(study, stimuli)], ignore_index=True)
    answers = answers.sample(frac=1, random_state=seed).sort_values("number", kind="stable", ignore_index=True)
    answers["trial_position"] = answers.groupby("number").cumcount() + 1
    seconds = generator.lognormal(1.8, 0.4, len(answers))
    served = START + pd.to_timedelta(answers["number"] * 3600 + answers["trial_position"] * 30, unit="s")
    sure = np.where(answers["answer_kind"] == "no-common-part", -0.5, 0.5) + generator.normal(0, 1, len(answers))
    common = _common()
    responses = answers.assign(
        **common,
        participant=_pseudonyms(answers["number"].to_numpy()),
        simulated=True,
        participant_state="completed",
        phase="main",
        confidence=1 + np.minimum(4, (5 * special.expit(sure)).astype(int)),
        reaction_time_ms=(1000 * seconds).round(1),
        server_time_ms=(1000 * seconds + 120).round(1),
        reloads=0,
        language="en",
        served_at=_iso(served),
        answered_at=_iso(served + pd.to_timedelta(seconds, unit="s")),
        run_digest=DIGEST,
    )
    return {
        "responses_long": _ordered(responses, "responses_long"),
        "participants": _ordered(_participants(responses).assign(**common), "participants"),
        "stimuli": _ordered(stimuli.assign(**common), "stimuli"),
    }


def write_simulated_export(study: SimulatedStudy, directory: Path, *, seed: int = 0) -> Path:
    """Write an export that ``python -m analysis`` reads: three tables and the manifest of a run that never was.

    Args:
        study: from :func:`analysis.simulate.simulate_study`.
        directory: made where it is missing.
        seed: as in :func:`frames`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, frame in frames(study, seed=seed).items():
        flags = {column: frame[column].map({True: "true", False: "false"}) for column in _booleans(name)}
        frame.assign(**flags).to_csv(directory / f"{name}.csv", index=False)
    manifest = directory / "manifests" / f"{DIGEST[:12]}.json"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_text(json.dumps(_manifest(study), indent=2), encoding="utf-8")
    return directory


def _booleans(table: str) -> list[str]:
    return [column.name for column in contract().tables[table].columns if column.type == "boolean"]


def _common() -> dict[str, Any]:
    return {"schema_version": contract().schema_version, "study": STUDY, "study_version": 1}


def _ordered(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    return frame.reindex(columns=[column.name for column in contract().tables[table].columns])


def _iso(times: pd.Series[Any]) -> pd.Series[Any]:
    text: pd.Series[Any] = times.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
    return text


def _pseudonyms(numbers: Any) -> list[str]:
    return [f"sim-{number:05d}" for number in numbers]


def _class_name(number: int) -> str:
    name = CLASS_NAMES[number % len(CLASS_NAMES)]
    return name if number < len(CLASS_NAMES) else f"{name} {number // len(CLASS_NAMES) + 1}"


def _accuracy(network: int) -> float:
    return round(min(0.95, 0.55 + 0.1 * network), 3)


def _stimuli(study: SimulatedStudy) -> pd.DataFrame:
    numbers = np.arange(study.arms.size)
    return pd.DataFrame(
        {
            "summary": [f"stimulus-{number:04d}" for number in numbers],
            "class": [_class_name(int(number)) for number in study.classes],
            "network": [f"network-{number + 1}" for number in study.networks],
            "method": METHOD,
            "arm": np.where(study.arms, MAIN_ARM, RANDOM_ARM),
            "members": 8,
            "network_accuracy": [_accuracy(int(number)) for number in study.networks],
            "run_digest": DIGEST,
        }
    )


def _about(stimuli: pd.DataFrame, chosen: Any) -> pd.DataFrame:
    about: pd.DataFrame = stimuli.loc[chosen, ["summary", "class", "network", "method", "arm"]].reset_index(drop=True)
    return about


def _naming(study: SimulatedStudy, stimuli: pd.DataFrame) -> pd.DataFrame:
    texts = np.array([*WORDS[: study.design.vocabulary], None], dtype=object)
    return _about(stimuli, study.stimuli).assign(
        number=study.participants,
        task="name",
        answer_kind=np.where(study.named, "named", "no-common-part"),
        answer_text=texts[study.words],  # −1, no name, takes the last: None
    )


def _intruder(study: SimulatedStudy, stimuli: pd.DataFrame) -> pd.DataFrame:
    return _about(stimuli, study.intruder_stimuli).assign(
        number=study.intruder_participants,
        task="intruder",
        answer_kind="choice",
        options=study.design.intruder_options,
        chance=1 / study.design.intruder_options,
        chosen=np.where(study.intruder_found, "intruder", "member"),
        correct=study.intruder_found,
    )


def _participants(responses: pd.DataFrame) -> pd.DataFrame:
    people = responses.groupby("participant", sort=True).agg(
        consented_at=("served_at", "min"), completed_at=("answered_at", "max"), trials_answered=("task", "size")
    )
    people = people.reset_index()
    return people.assign(
        simulated=True,
        source="simulated",
        state="completed",
        slot=np.arange(1, len(people) + 1),
        language="en",
        started_at=people["consented_at"],
        ended_at=people["completed_at"],
        trials_planned=people["trials_answered"],
        attention_checks=0,
        attention_failed=0,
        came_back_late=False,
    )


def _manifest(study: SimulatedStudy) -> dict[str, Any]:
    design = study.design
    classes = [_class_name(number) for number in range(design.classes)]
    networks = [f"network-{number + 1}" for number in range(design.networks)]
    return {
        "schema_version": "1.0",
        "run": {"digest": DIGEST, "code_version": "simulated", "dataset": "none", "preset": "none", "seed": 0},
        "classes": [{"name": name, "folder": name, "wnid": None} for name in classes],
        "networks": [
            {"name": name, "weights": "none", "images_seen": 1000, "images_correct": round(1000 * _accuracy(at))}
            for at, name in enumerate(networks)
        ],
        "clusterings": [
            {"class": label, "network": name, "method": METHOD, "arm": MAIN_ARM, "accepted": design.summaries}
            for label in classes
            for name in networks
        ],
        "summaries": [],
        "skipped": [],
    }
