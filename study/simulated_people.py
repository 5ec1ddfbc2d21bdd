"""Simulated people: programs with habits. What they answer tests the platform and is never a finding.

A simulated person knows what the stimulus truly shows where the manifest says so (drawn birds), and agrees with it the
more, the purer the summary. For photographs, where nobody has told the truth, each summary gets a made-up name from a
list of neutral words that mean nothing; agreement rises with the likeness of its regions. On controls most of them say
“No common part”. All numbers below are inventions, chosen so that the statistics have something to find.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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

    def name(self, seen: SeenStimulus, *, generator: np.random.Generator) -> tuple[str | None, int]:
        """Return the name this person would type, or None for “No common part”, and the confidence from 1 to 5."""
        certainty = agreement(seen) * (0.6 + 0.4 * self.diligence)
        if generator.random() < certainty:
            concept = true_concept(seen, study_seed=self.study_seed)
        elif generator.random() < self.false_naming:
            concept = str(generator.choice(NEUTRAL_WORDS))
            certainty *= 0.5
        else:
            concept = None
            certainty *= 0.8
        confidence = int(np.clip(np.rint(1.0 + 4.0 * certainty + generator.normal(0.0, 0.7)), 1, 5))
        return (None if concept is None else self.in_own_words(concept, generator=generator)), confidence

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
