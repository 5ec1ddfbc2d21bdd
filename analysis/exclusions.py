"""Exclusion rules of the plan: declared before launch, applied by code, every failed rule kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.plan import Exclusion, Rule

MINIMUM_ANSWERS_TO_JUDGE = 4
"""A share of identical answers, or a median time, is judged from so many answers on."""


@dataclass(frozen=True)
class Exclusions:
    """Who is excluded, and why.

    Attributes:
        failed: one row per participant, one boolean column per rule, in the order of the plan.
    """

    failed: pd.DataFrame

    @property
    def first_failed(self) -> pd.Series[str]:
        """For each excluded participant the first rule they failed, in the order of the plan."""
        excluded = self.failed[self.failed.any(axis=1)] if self.failed.shape[1] else self.failed.iloc[:0]
        return excluded.idxmax(axis=1).astype(str) if len(excluded) else pd.Series(dtype=str)

    def counts(self) -> pd.DataFrame:
        """Participants by rule: ``first`` counts each once, under the first rule failed; ``all`` every failure."""
        first = self.first_failed.value_counts()
        return pd.DataFrame(
            {
                "rule": list(self.failed.columns),
                "first": [int(first.get(rule, 0)) for rule in self.failed.columns],
                "all": [int(self.failed[rule].sum()) for rule in self.failed.columns],
            }
        )


def apply_exclusions(
    participants: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    exclusions: Sequence[Exclusion],
    complete_states: Sequence[str] = ("completed",),
) -> Exclusions:
    """Check every participant against every rule.

    Args:
        participants: rows of ``participants``, one per person.
        answers: rows of ``responses_long`` of the main phase of these participants.
        exclusions: rules in their order.
        complete_states: participant states that the rule ``incomplete`` lets pass.

    Returns:
        Who failed which rule. A rule that cannot be judged for somebody (no attention check, no time, too few
        answers) does not exclude them.
    """
    people = participants.set_index("participant")
    checks: dict[Rule, Callable[[float], pd.Series[bool]]] = {
        Rule.INCOMPLETE: lambda bound: ~people["state"].isin(complete_states),
        Rule.FAILED_ATTENTION: lambda bound: people["attention_failed"].astype(float) > bound,
        Rule.TOO_FAST: lambda bound: _median_times(answers).reindex(people.index) < bound,
        Rule.STRAIGHT_LINING: lambda bound: _identical_share(answers).reindex(people.index) > bound,
        Rule.DUPLICATE: lambda bound: _later_entries(participants).reindex(people.index),
        Rule.CAME_BACK_LATE: lambda bound: people["came_back_late"],
        Rule.COMPREHENSION: lambda bound: people["comprehension_attempts"].astype(float) > bound,
    }
    failed = {
        str(exclusion.rule): checks[exclusion.rule](exclusion.bound if exclusion.bound is not None else 0.0)
        for exclusion in exclusions
    }
    frame = pd.DataFrame(failed, index=people.index)
    return Exclusions(failed=frame.astype("boolean").fillna(False).astype(bool))


def _median_times(answers: pd.DataFrame) -> pd.Series[float]:
    times = answers["reaction_time_ms"].where(answers["reaction_time_ms"].notna(), answers["server_time_ms"])
    grouped = times.groupby(answers["participant"])
    return grouped.median().where(grouped.count() >= MINIMUM_ANSWERS_TO_JUDGE)


def _identical_share(answers: pd.DataFrame) -> pd.Series[float]:
    """Largest share of one and the same answer within a task, over the tasks with enough answers."""
    # In a choice among shown alternatives the same position again and again is the straight line.
    parts = [
        answers["answer_kind"],
        answers["answer_text"].str.strip().str.casefold(),
        answers["answer_value"],
        answers["chosen_position"],
    ]
    given = pd.Series(list(zip(*(part.astype(object).where(part.notna(), None) for part in parts), strict=True)))
    given = pd.Series(pd.factorize(given)[0], index=answers.index, dtype="int64")
    keys = [answers["participant"], answers["task"]]
    most = given.groupby([*keys, given]).size().groupby(level=[0, 1]).max()
    total = given.groupby(keys).size()
    share = (most / total)[total >= MINIMUM_ANSWERS_TO_JUDGE]
    return share.groupby(level=0).max()


def _later_entries(participants: pd.DataFrame) -> pd.Series[bool]:
    """True for everyone but the first who entered under the same external identifier."""
    ordered = participants.sort_values("consented_at", kind="stable")
    repeated = ordered["external_id"].notna() & ordered.duplicated("external_id", keep="first")
    return pd.Series(repeated.to_numpy(), index=ordered["participant"])
