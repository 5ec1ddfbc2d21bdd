"""Whole studies with known truth, to plan with and to prove the statistics with.

Participants and summaries are crossed random effects: the log odds of a name are μ + network + participant + summary.
Those who name draw from the summary's own distribution of names, a Dirichlet draw around Zipf's law for the class: few
words are frequent, and the concentration says how far summaries go their own ways. Random regions are named more
rarely, and by any word of the class. The intruder task has the same crossed effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MAIN_ARM, RANDOM_ARM = "summaries", "random-regions"
_NODES, _NODE_WEIGHTS = np.polynomial.hermite.hermgauss(40)
TRUTH_DRAWS = 200_000


@dataclass(frozen=True, kw_only=True)
class StudyDesign:
    """A study to simulate.

    Attributes:
        participants: people who complete.
        classes, networks: numbers; every network has summaries of every class.
        summaries: per class and network.
        random_regions: control stimuli per class and network.
        trials: naming trials per participant, balanced; ``None``: everybody sees everything.
        nameability: mean share of names, over people and summaries, for the first network; in (0, 1).
        network_effect: log odds added from each network to the next.
        random_nameability: mean share of names for random regions.
        participant_spread, summary_spread: standard deviations of the log odds.
        vocabulary: words of a class.
        zipf: exponent of their frequencies, 1/rank^zipf; 0 is even.
        concentration: of the Dirichlet distribution around them; near 0 each summary has one word, and large ones have
            all words of the class.
        intruder_trials: intruder trials per participant; 0 for none.
        intruder_precision: mean share of intruders found.
        intruder_options: tiles to choose from.
    """

    participants: int = 24
    classes: int = 5
    networks: int = 2
    summaries: int = 4
    random_regions: int = 2
    trials: int | None = None
    nameability: float = 0.75
    network_effect: float = 0.0
    random_nameability: float = 0.3
    participant_spread: float = 0.6
    summary_spread: float = 0.9
    vocabulary: int = 8
    zipf: float = 1.0
    concentration: float = 1.5
    intruder_trials: int = 0
    intruder_precision: float = 0.6
    intruder_options: int = 6

    def __post_init__(self) -> None:
        for name in ("participants", "classes", "networks", "summaries", "vocabulary"):
            if getattr(self, name) < 1:
                raise ValueError(f"Expected {name} of 1 or more, got {getattr(self, name)}.")
        for name in ("nameability", "random_nameability", "intruder_precision"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"Expected {name} between 0 and 1, got {getattr(self, name)}.")
        for name in ("participant_spread", "summary_spread", "zipf", "random_regions", "intruder_trials"):
            if getattr(self, name) < 0:
                raise ValueError(f"Expected {name} of 0 or more, got {getattr(self, name)}.")
        if self.concentration <= 0 or self.intruder_options < 2:
            raise ValueError("Expected a concentration above 0 and two or more intruder options.")
        if self.trials is not None and not 1 <= self.trials <= self.stimuli:
            raise ValueError(f"Expected between 1 and {self.stimuli} trials, as many as stimuli, got {self.trials}.")

    @property
    def stimuli(self) -> int:
        """Summaries and control stimuli together."""
        return self.classes * self.networks * (self.summaries + self.random_regions)

    @property
    def spread(self) -> float:
        """Standard deviation of the log odds over people and summaries together."""
        return float(np.hypot(self.participant_spread, self.summary_spread))

    @cached_property
    def word_shares(self) -> Floats:
        """(vocabulary,) shares of the words of a class, by rank."""
        weights = 1 / np.arange(1, self.vocabulary + 1) ** self.zipf
        return np.asarray(weights / weights.sum(), dtype=float)

    def log_odds(self, share: float) -> float:
        """Log odds at which the mean share over people and summaries is ``share``."""
        return float(optimize.brentq(lambda mean: _mean_share(mean, self.spread) - share, -40, 40))


def _mean_share(log_odds: float, spread: float) -> float:
    """Mean of the logistic function over a normal distribution, by Gauss–Hermite quadrature."""
    return float(special.expit(log_odds + np.sqrt(2) * spread * _NODES) @ _NODE_WEIGHTS / np.sqrt(np.pi))


@dataclass(frozen=True)
class Truth:
    """What the statistics of a simulated study estimate: expectations over people and summaries without end.

    Attributes:
        nameability: by network.
        difference: nameability of the last network minus the first.
        random_nameability: of random regions.
        d_prime: Φ⁻¹ of the overall nameability minus Φ⁻¹ of that of random regions.
        pairwise_agreement, modal_share, entropy: of the names of a summary, for those who name; entropy in bits.
        alpha: 1 − disagreement within summaries / disagreement between any two names of the study.
        intruder_precision: share of intruders found.
    """

    nameability: tuple[float, ...]
    difference: float
    random_nameability: float
    d_prime: float
    pairwise_agreement: float
    modal_share: float
    entropy: float
    alpha: float
    intruder_precision: float


def truth_of(design: StudyDesign) -> Truth:
    """The truth behind a design: exact but for the modal share, a mean of ``TRUTH_DRAWS`` Dirichlet draws."""
    base, total = design.word_shares, design.concentration
    start = design.log_odds(design.nameability)
    named = tuple(_mean_share(start + at * design.network_effect, design.spread) for at in range(design.networks))
    agreement = float((base * (1 - base)).sum() / (total + 1) + (base * base).sum())
    by_chance = float((base * base).sum()) / design.classes
    draws = np.random.default_rng(0).dirichlet(total * base, size=TRUTH_DRAWS)
    bits = special.digamma(total + 1) - (base * special.digamma(total * base + 1)).sum()
    return Truth(
        nameability=named,
        difference=named[-1] - named[0],
        random_nameability=design.random_nameability,
        d_prime=float(special.ndtri(np.mean(named)) - special.ndtri(design.random_nameability)),
        pairwise_agreement=agreement,
        modal_share=float(draws.max(axis=1).mean()),
        entropy=float(bits / np.log(2)),
        alpha=1 - (1 - agreement) / (1 - by_chance),
        intruder_precision=design.intruder_precision,
    )


@dataclass(frozen=True)
class SimulatedStudy:
    """Answers of a simulated study, as arrays; :mod:`analysis.simulated_export` makes tables of them.

    Attributes:
        design: what was simulated.
        arms, networks, classes: (S,) of each stimulus: true for summaries; codes from 0.
        participants, stimuli: (A,) codes of each naming answer.
        named: (A,) whether a name was given.
        words: (A,) rank of the word in its class from 0, −1 where none was given.
        intruder_participants, intruder_stimuli: (I,) codes of each intruder answer; summaries only.
        intruder_found: (I,) whether the intruder was found.
    """

    design: StudyDesign
    arms: NDArray[np.bool_]
    networks: Integers
    classes: Integers
    participants: Integers
    stimuli: Integers
    named: NDArray[np.bool_]
    words: Integers
    intruder_participants: Integers
    intruder_stimuli: Integers
    intruder_found: NDArray[np.bool_]

    @property
    def names(self) -> Integers:
        """(A,) code of the name, different between classes; −1 where none was given."""
        own = self.classes[self.stimuli] * self.design.vocabulary + self.words
        return np.where(self.words >= 0, own, -1)


def simulate_study(design: StudyDesign, *, generator: np.random.Generator) -> SimulatedStudy:
    """Draw people, summaries and answers.

    Args:
        design: of the study.
        generator: seeded source of everything.
    """
    per_cell = np.repeat([True, False], [design.summaries, design.random_regions])
    cells = design.classes * design.networks
    arms = np.tile(per_cell, cells)
    cell = np.repeat(np.arange(cells), per_cell.size)
    classes, networks = np.divmod(cell, design.networks)
    start, chance = design.log_odds(design.nameability), design.log_odds(design.random_nameability)
    level = np.where(arms, start + networks * design.network_effect, chance)
    level = level + generator.normal(0, design.summary_spread, arms.size)
    people = generator.normal(0, design.participant_spread, design.participants)

    participants, stimuli = _assigned(design, generator)
    named = generator.random(participants.size) < special.expit(level[stimuli] + people[participants])
    shares = generator.dirichlet(design.concentration * design.word_shares, size=arms.size)
    shares = np.where(arms[:, None], shares, design.word_shares)
    drawn = (np.cumsum(shares, axis=1)[stimuli] < generator.random(participants.size)[:, None]).sum(axis=1)
    words = np.where(named, np.minimum(drawn, design.vocabulary - 1), -1)
    seekers, sought, found = _intruders(design, np.flatnonzero(arms), generator)
    return SimulatedStudy(design, arms, networks, classes, participants, stimuli, named, words, seekers, sought, found)


def _assigned(design: StudyDesign, generator: np.random.Generator) -> tuple[Integers, Integers]:
    """Who sees what: everything, or blocks of an endless shuffled list, so that counts differ by at most one."""
    trials = design.stimuli if design.trials is None else design.trials
    participants = np.repeat(np.arange(design.participants), trials)
    if design.trials is None:
        return participants, np.tile(np.arange(design.stimuli), design.participants)
    order = generator.permutation(design.stimuli)
    return participants, order[np.arange(participants.size) % design.stimuli]


def _intruders(
    design: StudyDesign, summaries: Integers, generator: np.random.Generator
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    trials = min(design.intruder_trials, summaries.size)
    participants = np.repeat(np.arange(design.participants), trials)
    order = generator.permutation(summaries)
    stimuli = order[np.arange(participants.size) % summaries.size]
    level = design.log_odds(design.intruder_precision)
    people = generator.normal(0, design.participant_spread, design.participants)
    units = np.zeros(int(summaries.max()) + 1)
    units[summaries] = generator.normal(0, design.summary_spread, summaries.size)
    found = generator.random(participants.size) < special.expit(level + people[participants] + units[stimuli])
    return participants, stimuli, found
