"""How far the main numbers depend on choices: on the level at which names are compared, and on who is excluded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pandas as pd

from analysis.answers import MAIN_ARM, NamingAnswers
from analysis.estimates import Estimate
from analysis.interpretability import InferenceOptions, measure
from analysis.parts import consensus_names
from analysis.plan import Exclusion
from analysis.results import Results, Scope
from analysis.schema import Export
from analysis.selection import RULE_WORDS, Selection, SelectionOptions, select

FOLLOWED = (
    "nameability",
    "pairwise_agreement_named",
    "modal_share_named",
    "entropy_miller_madow_named",
    "krippendorff_alpha_named",
)
"""Statistics whose dependence on choices is shown, for the arm of summaries."""
COLUMNS = ["choice", "participants", "answers", "statistic", "estimate"]
ALL_RULES = "rules of the plan"
NO_RULE = "nobody excluded"


def level_sensitivity(
    answers: NamingAnswers, *, options: InferenceOptions, results: Results, consensus: pd.DataFrame
) -> pd.DataFrame:
    """The main numbers at every level of names.

    Nameability does not depend on the level, so it is left out.

    Args:
        answers: naming answers.
        options: how they were measured.
        results, consensus: what was measured at the level of ``options``, which is not computed again.

    Returns:
        ``COLUMNS``, where ``choice`` is the level; ``distinct names`` counts consensus names over classes and networks.
    """
    rows: list[tuple[object, ...]] = []
    if answers.frame.empty:
        return pd.DataFrame(columns=COLUMNS)
    for level in answers.levels:
        if level == options.name_level:
            rows += _rows(level, answers, results, FOLLOWED[1:], consensus)
            continue
        chosen = dataclasses.replace(options, name_level=level)
        found = measure(answers, options=chosen, scopes=(Scope.ARM,))
        rows += _rows(level, answers, found, FOLLOWED[1:], consensus_names(answers, options=chosen))
    return pd.DataFrame(rows, columns=COLUMNS)


def exclusion_sensitivity(
    export: Export,
    selection: Selection,
    answers: NamingAnswers,
    *,
    selection_options: SelectionOptions,
    options: InferenceOptions,
    results: Results,
    consensus: pd.DataFrame,
    named: Callable[[pd.DataFrame], NamingAnswers],
) -> pd.DataFrame:
    """The main numbers under the plan's rules, without any, and without one rule at a time.

    Only rules that exclude somebody are varied; without one the frame has the plan's rows alone.

    Args:
        export, selection, answers: what was analysed.
        selection_options, options: how.
        results, consensus: what was measured under all rules, which is not computed again.
        named: turns chosen answers into naming answers, with the levels that the evaluation uses.

    Returns:
        ``COLUMNS``, where ``choice`` says which rules applied.
    """
    rules = selection_options.exclusions if selection_options.exclusions is not None else selection.plan.exclusions
    counts = selection.exclusions.counts().set_index("rule")["all"]
    active = [rule for rule in rules if int(counts.get(str(rule.rule), 0))]
    choices: list[tuple[str, Sequence[Exclusion]]] = []
    if active:
        choices.append((NO_RULE, ()))
    if len(active) > 1:
        choices += [
            (f"without: {RULE_WORDS[left_out.rule]}", [rule for rule in rules if rule != left_out])
            for left_out in active
        ]
    rows = [] if answers.frame.empty else _rows(ALL_RULES, answers, results, FOLLOWED, consensus)
    for words, applied in choices:
        chosen = select(export, options=dataclasses.replace(selection_options, exclusions=tuple(applied)))
        others = named(chosen.answers)
        if others.frame.empty:
            continue
        found = measure(others, options=options, scopes=(Scope.ARM,))
        rows += _rows(words, others, found, FOLLOWED, consensus_names(others, options=options))
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(
    choice: str, answers: NamingAnswers, results: Results, statistics: Sequence[str], consensus: pd.DataFrame
) -> list[tuple[object, ...]]:
    place = (choice, answers.participant_count, len(answers.frame))
    own = consensus[consensus["arm"] == MAIN_ARM]
    nameable = own[own["nameable"].fillna(False).astype(bool) & (own["name"] != "")]
    distinct = int(nameable.groupby(["class", "network", "method"])["name"].nunique().sum())
    rows: list[tuple[object, ...]] = [
        (*place, statistic, results.get(statistic, arm=MAIN_ARM)) for statistic in statistics
    ]
    counted = Estimate(value=float(distinct), n=len(own), reason="no interval: a count over all classes and networks")
    return [*rows, (*place, "distinct_names", counted)]
