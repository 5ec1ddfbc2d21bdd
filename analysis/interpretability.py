"""Do summaries carry a meaning, and do people agree on it: nameability and univocality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis import agreement
from analysis.agreement import Level
from analysis.answers import LEVELS, NamingAnswers
from analysis.crossed import OVER_PARTICIPANTS, OVER_UNITS
from analysis.detection import measure_detection
from analysis.diversity import modal_share
from analysis.estimates import Estimate
from analysis.intervals import wilson
from analysis.resampling import (
    CrossedBootstrap,
    Replicated,
    from_replicates,
    multiplicities,
    ratio_replicates,
    unit_interval,
)
from analysis.results import SCOPE_COLUMNS, Results, Scope
from analysis.spread import (
    BIASED,
    COEFFICIENTS,
    SPREAD_STATISTICS,
    coefficient_replicates,
    mean_spread,
    name_spread,
    shares,
)

GROUP_SCOPES = (Scope.ARM, Scope.METHOD, Scope.NETWORK, Scope.CLASS, Scope.CONDITION)


class NameableRule(StrEnum):
    """When a summary counts as nameable: its share of names, or the lower Wilson bound, reaches the threshold."""

    SHARE = "share"
    LOWER_BOUND = "lower bound"


@dataclass(frozen=True, kw_only=True)
class InferenceOptions:
    """Choices behind every number; all of them are printed in the report.

    Attributes:
        draws: bootstrap draws.
        seed: of the generator that draws.
        level: coverage of the intervals.
        name_level: level at which names are compared, ``raw`` or ``l1`` to ``l4``.
        nameable_rule, nameable_threshold: when a summary is nameable. The default is a plain majority, because the
            lower bound moves with the number of answers and so would bias counts between conditions.
        minimum_answers: with fewer answers a summary is undecided, neither nameable nor not.
        minimum_votes: people who must share a name before it is a consensus name.
    """

    draws: int = 2000
    seed: int = 20180127
    level: float = 0.95
    name_level: str = "l2"
    nameable_rule: NameableRule = NameableRule.SHARE
    nameable_threshold: float = 0.5
    minimum_answers: int = 3
    minimum_votes: int = 2

    def __post_init__(self) -> None:
        if self.draws < 1 or self.minimum_answers < 1 or self.minimum_votes < 1:
            raise ValueError(f"Expected draws, minimum_answers and minimum_votes of 1 or more, got {self}.")
        if not 0 < self.nameable_threshold <= 1:
            raise ValueError(f"Expected a nameable_threshold in (0, 1], got {self.nameable_threshold}.")
        if self.name_level not in LEVELS:
            raise ValueError(f"Expected name_level {', '.join(LEVELS)}, got {self.name_level!r}.")


@dataclass(frozen=True)
class _Draws:
    """Everything that is computed once and cut into groups."""

    bootstrap: CrossedBootstrap
    named: Replicated
    answered: Replicated
    spread: dict[str, Replicated]
    counts: dict[str, sparse.csr_array]


def measure(answers: NamingAnswers, *, options: InferenceOptions, scopes: Sequence[Scope] = tuple(Scope)) -> Results:
    """Compute nameability and univocality of every group and summary, and detection against the controls.

    Args:
        answers: naming answers; may be empty, then the result is.
        options: draws, seed, level and the level of names.
        scopes: kinds of groups to compute; all by default.

    Returns:
        Results by arm, method, network, class, condition and summary. Suffix ``_named`` divides by those who named,
        ``_all`` by all raters ("No common part" is then an answer of its own).
    """
    results = Results()
    if answers.frame.empty:
        return results
    generator = np.random.default_rng(options.seed)
    draws = _draw(answers, options, generator)
    for scope in (scope for scope in GROUP_SCOPES if scope in scopes):
        columns = list(SCOPE_COLUMNS[scope])
        for values, index in answers.groups(columns).items():
            group = dict(zip(columns, values, strict=True))
            _measure_group(results, scope, group, index, draws, generator, options)
    if Scope.SUMMARY in scopes:
        _measure_summaries(results, answers, draws, options)
    measure_detection(
        results,
        answers,
        bootstrap=draws.bootstrap,
        named=draws.named,
        answered=draws.answered,
        level=options.level,
        scopes=[scope for scope in GROUP_SCOPES if scope in scopes],
    )
    return results


def _draw(answers: NamingAnswers, options: InferenceOptions, generator: np.random.Generator) -> _Draws:
    bootstrap = CrossedBootstrap(
        answers.participant_codes, answers.unit_codes, draws=options.draws, generator=generator, level=options.level
    )
    spread: dict[str, Replicated] = {}
    counts = {}
    answered = Replicated(*bootstrap.summary_sums(np.ones(len(answers.frame))))
    for suffix, with_none in (("named", False), ("all", True)):
        codes, names = answers.name_codes(options.name_level, no_common_part=with_none)
        found = name_spread(bootstrap, codes)
        for statistic in SPREAD_STATISTICS:
            spread[f"{statistic}_{suffix}"] = found[statistic]
        if suffix == "named":
            modal = found["modal_count"]
            by_all = Replicated(
                np.nan_to_num(modal.data) / answered.data,
                shares(np.nan_to_num(modal.replicates), answered.replicates),
            )
        given = codes >= 0
        counts[suffix] = sparse.csr_array(
            (np.ones(int(given.sum())), (answers.unit_codes[given], codes[given])),
            shape=(len(answers.units), max(len(names), 1)),
        )
    spread["modal_share_all"] = by_all
    named = Replicated(*bootstrap.summary_sums(answers.frame["named"].to_numpy(dtype=float)))
    return _Draws(bootstrap=bootstrap, named=named, answered=answered, spread=spread, counts=counts)


# Groups ---------------------------------------------------------------------------------------------------------------


def _measure_group(
    results: Results,
    scope: Scope,
    group: dict[str, str],
    index: NDArray[np.int64],
    draws: _Draws,
    generator: np.random.Generator,
    options: InferenceOptions,
) -> None:
    weights = draws.bootstrap.summary_weights(index.size)
    answers = int(draws.answered.data[index].sum())
    share = draws.bootstrap.replicates(ratio_replicates, (draws.named, draws.answered), index, weights)
    nameability = share.estimate(n=answers, level=options.level, bounds=(0.0, 1.0))
    results.add("nameability", scope, group, nameability)
    for statistic in draws.spread:
        found = mean_spread(statistic, draws.spread, draws.bootstrap, index, weights, level=options.level)
        results.add(statistic, scope, group, found or Estimate.undefined(_why_undefined(statistic), n=answers))
    for suffix, counts in draws.counts.items():
        _add_coefficients(results, scope, group, counts[index], suffix, generator, options)


def _base(statistic: str) -> str:
    return statistic.removesuffix("_named").removesuffix("_all")


def _why_undefined(statistic: str) -> str:
    if _base(statistic) == "pairwise_agreement":
        return "no summary has two or more names to compare"
    return "no summary was named"


def _within_bounds(statistic: str, estimate: Estimate) -> Estimate:
    """Cut a shifted interval to the range of its statistic and keep the value inside it."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    top = np.inf if "entropy" in statistic else 1.0
    return Estimate(
        value=estimate.value,
        n=estimate.n,
        low=min(estimate.value, max(0.0, estimate.low)),
        high=max(estimate.value, min(top, estimate.high)),
        standard_error=estimate.standard_error,
        level=estimate.level,
        method=estimate.method,
    )


def _add_coefficients(
    results: Results,
    scope: Scope,
    group: dict[str, str],
    counts: sparse.csr_array,
    suffix: str,
    generator: np.random.Generator,
    options: InferenceOptions,
) -> None:
    used = np.asarray(counts.sum(axis=0)).ravel() > 0
    table = counts[:, used.nonzero()[0]]
    dense = table.toarray()
    exact = {
        "krippendorff_alpha": agreement.krippendorff_alpha(dense, level=Level.NOMINAL),
        "gwet_ac1": agreement.gwet_ac(dense, level=options.level),
        "fleiss_kappa": agreement.fleiss_kappa(dense, level=options.level),
    }
    units = table.shape[0]
    needed = units > 1 and any(estimate.defined for estimate in exact.values())
    weights = multiplicities(generator, draws=options.draws, size=units) if needed else np.zeros((0, units))
    replicates = coefficient_replicates(table, weights) if needed else {}
    for name in COEFFICIENTS:
        estimate = exact[name]
        if estimate.value is not None and name in replicates:
            found = unit_interval(estimate.value, replicates[name], n=units, level=options.level, units=units)
            estimate = replace(found, method=OVER_UNITS)
        elif estimate.value is not None:
            estimate = Estimate(value=estimate.value, n=units, reason="no interval: it needs two or more summaries")
        results.add(f"{name}_{suffix}", scope, group, estimate)


# Single summaries -----------------------------------------------------------------------------------------------------


def _measure_summaries(results: Results, answers: NamingAnswers, draws: _Draws, options: InferenceOptions) -> None:
    columns = SCOPE_COLUMNS[Scope.SUMMARY]
    named, raters = draws.named.data.astype(int), draws.answered.data.astype(int)
    for position, row in enumerate(answers.units[list(columns)].itertuples(index=False, name=None)):
        group = dict(zip(columns, (str(value) for value in row), strict=True))
        n = int(raters[position])
        results.add("nameability", Scope.SUMMARY, group, wilson(int(named[position]), n, level=options.level))
        counts = draws.counts["named"][[position]].toarray().astype(np.int64)
        for suffix, denominator in (("named", None), ("all", n)):
            share = modal_share(counts, denominator=denominator, level=options.level)
            results.add(f"modal_share_{suffix}", Scope.SUMMARY, group, share)
        for statistic, replicated in draws.spread.items():
            if statistic.startswith("modal_share"):
                continue
            value = float(replicated.data[position])
            people = int(counts.sum()) if statistic.endswith("_named") else n
            if np.isnan(value):
                results.add(statistic, Scope.SUMMARY, group, Estimate.undefined("too few names", n=people))
                continue
            estimate = from_replicates(
                value,
                replicated.replicates[:, position],
                n=people,
                level=options.level,
                method=OVER_PARTICIPANTS,
                correct_bias=_base(statistic) in BIASED,
            )
            results.add(statistic, Scope.SUMMARY, group, _within_bounds(statistic, estimate))
