"""Simulated people: programs with habits. What they answer tests the platform and is never a finding.

A simulated person knows what the stimulus truly shows where the manifest says so (drawn birds), and agrees with it the
more, the purer the summary. For photographs, where nobody has told the truth, each summary gets a made-up name from a
list of neutral words that mean nothing; agreement rises with the likeness of its regions. On controls most of them say
“No common part”. All numbers below are inventions, chosen so that the statistics have something to find.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from study.models import Trial
from study.tasks import find_item, get_task

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "head": ("head", "face"),
    "beak": ("beak", "bill"),
    "neck": ("neck", "throat"),
    "body": ("body", "belly", "breast"),
    "wing": ("wing", "feathers"),
    "legs": ("legs", "feet", "claws"),
    "tail": ("tail", "tail feathers"),
}
NEUTRAL_WORDS = ("arch", "bar", "corner", "curve", "dot", "edge", "fold", "knot", "patch", "ring", "spot", "stripe")
SUMMARIES = "summaries"
PRACTICE = "practice"


@dataclass(frozen=True)
class SeenStimulus:
    """What a simulated person looks at. `accepted` is given on practice trials, where it is empty for no common part.

    `purity` is a fraction, `median_ssim` lies between -1 and 1; both are None where unknown.
    """

    identifier: str
    arm: str
    part: str | None = None
    purity: float | None = None
    median_ssim: float | None = None
    accepted: frozenset[str] | None = None


@dataclass(frozen=True)
class SimulatedPerson:
    """One program with its habits, all fractions from 0 to 1.

    `diligence` is how often it looks properly, `false_naming` how often it names something on a control, `plural`,
    `article` and `typing_errors` how often its words carry these; `study_seed` decides the made-up names.
    """

    diligence: float
    false_naming: float
    plural: float
    article: float
    typing_errors: float
    favourite: float
    study_seed: int

    def name(self, trial: Trial, *, generator: np.random.Generator) -> tuple[str | None, int]:
        """Return the name this person would type, or None for “No common part”, and the confidence from 1 to 5."""
        return self.name_of(seen(trial), generator=generator)

    def name_of(self, seen: SeenStimulus, *, generator: np.random.Generator) -> tuple[str | None, int]:
        """Return the name and the confidence for what is seen."""
        certainty = agreement(seen) * (0.6 + 0.4 * self.diligence)
        if generator.random() < certainty:
            concept = true_concept(seen, study_seed=self.study_seed)
        elif generator.random() < self.false_naming:
            concept = str(generator.choice(NEUTRAL_WORDS))
            certainty *= 0.5
        else:
            concept = None
            certainty *= 0.8
        words = None if concept is None else self.in_own_words(concept, generator=generator)
        return words, self.confidence(certainty, generator=generator)

    def confidence(self, certainty: float, *, generator: np.random.Generator) -> int:
        """Return a confidence from 1 to 5 that grows with the certainty, a fraction."""
        return int(np.clip(np.rint(1.0 + 4.0 * certainty + generator.normal(0.0, 0.7)), 1, 5))

    def confidence_fields(self, trial: Trial, certainty: float, *, generator: np.random.Generator) -> dict[str, str]:
        """Return the field of the confidence where the trial asks for it."""
        if not trial.detail.get("confidence"):
            return {}
        return {"confidence": str(self.confidence(certainty, generator=generator))}

    def rating(self, trial: Trial, *, points: int, generator: np.random.Generator) -> int:
        """Return a rating from 1 to `points` that grows with what there is to see."""
        asked = asked_for(trial)
        if asked is not None and generator.random() < self.diligence:
            return int(asked)
        sight = seen(trial)
        level = agreement(sight) * (0.6 + 0.4 * self.diligence)
        if true_concept(sight, study_seed=self.study_seed) is None:
            level = 1.0 - level
        return int(np.clip(np.rint(1.0 + (points - 1) * level + generator.normal(0.0, 0.8)), 1, points))

    def choose(
        self, trial: Trial, *, target: int, options: int, ease: float, generator: np.random.Generator
    ) -> tuple[int, float]:
        """Return the chosen alternative, from 1, and the certainty: the target where it is seen, else any of them.

        `ease` is the chance that a fully diligent person sees what a clear stimulus shows.
        """
        asked = asked_for(trial)
        if asked is not None:
            target, ease = int(asked), 1.0
        sight = seen(trial)
        clear = 1.0 if sight.arm in (SUMMARIES, PRACTICE) else 0.1  # nothing belongs together on a control
        certainty = ease * clear * (0.5 + 0.5 * agreement(sight)) * (0.6 + 0.4 * self.diligence)
        if generator.random() < certainty:
            return target, certainty
        return int(generator.integers(1, options + 1)), certainty * 0.5

    def prefer(self, trial: Trial, *, generator: np.random.Generator) -> int:
        """Return the side of a comparison: 1 left, 2 right, 3 no difference, by a made-up appeal of each side."""
        asked = asked_for(trial)
        if asked is not None and generator.random() < self.diligence:
            return int(asked)
        left, right = (appeal(trial.detail[side], study_seed=self.study_seed) for side in ("left", "right"))
        difference = left - right + generator.normal(0.0, 0.6)
        if trial.detail["ties"] and abs(difference) < 0.15:
            return 3
        return 1 if difference > 0 else 2

    def in_own_words(self, concept: str, *, generator: np.random.Generator) -> str:
        """Return the concept as this person types it: a synonym, perhaps with an article, a plural or a slip."""
        synonyms = SYNONYMS.get(concept, (concept,))
        first = generator.random() < self.favourite
        word = synonyms[0] if first else str(generator.choice(synonyms))
        if not word.endswith("s") and generator.random() < self.plural:
            word += "s"
        if generator.random() < self.typing_errors:
            word = with_slip(word, generator=generator)
        if generator.random() < self.article:
            word = f"the {word}"
        return word


def draw_person(*, study_seed: int, generator: np.random.Generator) -> SimulatedPerson:
    """Draw the habits of one person."""
    return SimulatedPerson(
        diligence=float(generator.beta(6, 2)),
        false_naming=float(generator.beta(2, 8)),
        plural=float(generator.beta(1, 6)),
        article=float(generator.beta(1, 12)),
        typing_errors=float(generator.beta(1, 30)),
        favourite=float(generator.beta(5, 2)),
        study_seed=study_seed,
    )


def seen(trial: Trial) -> SeenStimulus:
    """Return what a simulated person may know of a trial: what the manifest says, never another person's answer."""
    item = find_item(get_task(trial.task), trial)
    if item is not None:
        return SeenStimulus(identifier=item.key, arm=PRACTICE, accepted=item.expected)
    if trial.stimulus is None:
        return SeenStimulus(identifier=trial.cell, arm=trial.detail.get("arm", SUMMARIES), purity=0.8, part="")
    quality = trial.stimulus.quality
    return SeenStimulus(
        identifier=trial.stimulus.identifier,
        arm=trial.stimulus.condition.arm,
        part=quality.get("part"),
        purity=quality.get("purity"),
        median_ssim=quality.get("median_ssim"),
    )


def asked_for(trial: Trial) -> str | None:
    """Return the one right answer of an item with a known answer; None on main trials and where several are right."""
    item = find_item(get_task(trial.task), trial)
    if item is None or not item.expected:
        return None
    return min(item.expected, key=lambda answer: (len(answer), answer))


def appeal(side: Mapping[str, Any], *, study_seed: int) -> float:
    """Return how much a side of a comparison appeals to people: made up per network and method, low on controls."""
    if side.get("arm", SUMMARIES) != SUMMARIES:
        return -1.0
    digest = hashlib.sha256(f"{study_seed}:{side.get('network')}:{side.get('method')}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def agreement(seen: SeenStimulus) -> float:
    """Return the chance that a fully diligent person sees what there is to see."""
    if seen.accepted is not None:
        return 0.95
    if seen.arm != SUMMARIES:
        return 0.85  # what there is to see on a control is that there is nothing
    if seen.part is not None:
        return 0.2 + 0.75 * (0.5 if seen.purity is None else seen.purity)
    return float(np.clip(0.35 + 1.2 * (0.0 if seen.median_ssim is None else seen.median_ssim), 0.1, 0.9))


def true_concept(seen: SeenStimulus, *, study_seed: int) -> str | None:
    """Return what the stimulus shows; None where there is no common part. For photographs it is made up, once."""
    if seen.accepted is not None:
        return min(seen.accepted) if seen.accepted else None
    if seen.arm != SUMMARIES:
        return None
    if seen.part is not None:
        return seen.part
    digest = hashlib.sha256(f"{study_seed}:{seen.identifier}".encode()).digest()
    return NEUTRAL_WORDS[int.from_bytes(digest[:8]) % len(NEUTRAL_WORDS)]


def with_slip(word: str, *, generator: np.random.Generator) -> str:
    """Return the word with two neighbouring letters swapped; words of fewer than four letters stay as they are."""
    if len(word) < 4:
        return word
    place = int(generator.integers(1, len(word) - 1))
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
