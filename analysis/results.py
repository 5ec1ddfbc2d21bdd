"""Every number of a study in one flat list: which statistic, of which group, with its interval or its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from analysis.estimates import Estimate


class Scope(StrEnum):
    """What a number is about: the columns that tell its groups apart."""

    ARM = "arm"
    METHOD = "method"
    NETWORK = "network"
    CLASS = "class"
    CONDITION = "condition"
    SUMMARY = "summary"


SCOPE_COLUMNS: dict[Scope, tuple[str, ...]] = {
    Scope.ARM: ("arm",),
    Scope.METHOD: ("arm", "method"),
    Scope.NETWORK: ("arm", "network"),
    Scope.CLASS: ("arm", "class"),
    Scope.CONDITION: ("arm", "network", "class", "method"),
    Scope.SUMMARY: ("arm", "network", "class", "method", "summary"),
}
GROUP_COLUMNS = ("arm", "network", "class", "method", "summary")
ESTIMATE_COLUMNS = ("value", "low", "high", "standard_error", "n", "level", "interval_method", "reason")


def estimate_record(estimate: Estimate) -> dict[str, Any]:
    """An estimate as a plain dictionary; how its interval was made is ``interval_method``, as ``method`` is taken."""
    fields = asdict(estimate)
    fields["interval_method"] = fields.pop("method")
    return {column: fields[column] for column in ESTIMATE_COLUMNS}


@dataclass(frozen=True)
class Result:
    """One number.

    Attributes:
        statistic: its name, such as ``nameability``.
        scope: what kind of group it is about.
        group: the group, as (column, value) pairs in the order of ``SCOPE_COLUMNS``.
        estimate: value, interval, n, or the reason why there is none.
    """

    statistic: str
    scope: Scope
    group: tuple[tuple[str, str], ...]
    estimate: Estimate


class Results:
    """A list of results that can be asked for one."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, tuple[tuple[str, str], ...]], Result] = {}

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results.values())

    def __len__(self) -> int:
        return len(self._results)

    def add(self, statistic: str, scope: Scope, group: dict[str, str], estimate: Estimate) -> None:
        """Put in one number.

        Raises:
            ValueError: when the group does not have the columns of its scope, or the number is there already.
        """
        expected = SCOPE_COLUMNS[scope]
        if tuple(group) != expected:
            raise ValueError(f"Expected a group by {expected}, got {tuple(group)}.")
        key = (statistic, tuple(group.items()))
        if key in self._results:
            raise ValueError(f"{statistic} of {group} is there already; every number is computed once.")
        self._results[key] = Result(statistic, scope, key[1], estimate)

    def get(self, statistic: str, **group: str) -> Estimate:
        """The estimate of one group; undefined with a reason when nobody answered about that group.

        Give the group as keywords; ``class`` is written ``class_``.
        """
        wanted = {name.rstrip("_"): value for name, value in group.items()}
        key = tuple((column, wanted[column]) for column in GROUP_COLUMNS if column in wanted)
        for scope in (Scope.ARM, Scope.METHOD, Scope.NETWORK, Scope.CLASS, Scope.CONDITION, Scope.SUMMARY):
            if set(SCOPE_COLUMNS[scope]) == set(wanted):
                key = tuple((column, wanted[column]) for column in SCOPE_COLUMNS[scope])
        found = self._results.get((statistic, key))
        return found.estimate if found is not None else Estimate.undefined("nobody answered about this")

    def records(self) -> list[dict[str, Any]]:
        """The results as plain dictionaries, ready for JSON."""
        return [
            {"statistic": result.statistic, "scope": str(result.scope)}
            | {column: dict(result.group).get(column) for column in GROUP_COLUMNS}
            | estimate_record(result.estimate)
            for result in self
        ]

    def frame(self) -> pd.DataFrame:
        """The results as a table, one row per number."""
        columns = ["statistic", "scope", *GROUP_COLUMNS, *ESTIMATE_COLUMNS]
        return pd.DataFrame(self.records(), columns=columns)
