"""The parts of a class as people name them: consensus names, and how many distinct ones each network yields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.answers import MAIN_ARM, NamingAnswers
from analysis.interpretability import InferenceOptions, NameableRule
from analysis.intervals import wilson

CELL_COLUMNS = ["class", "network", "method"]


def consensus_names(answers: NamingAnswers, *, options: InferenceOptions) -> pd.DataFrame:
    """Consensus name of every summary shown, in every arm.

    Returns:
        One row per summary, with the group columns and: ``answers``; ``named``; ``nameability`` with ``low`` and
        ``high`` (Wilson); ``nameable`` and ``surely_nameable`` (the lower bound reaches the threshold), both NA with
        too few answers; ``name``, "" when nobody's name is shared by ``minimum_votes`` people or two names tie;
        ``votes`` for it; ``tie``; ``names``, the pairs (name, people), most frequent first.
    """
    grouped = answers.frame.groupby("summary", sort=False)
    rows = []
    for unit in answers.units.to_dict("records"):
        own = grouped.get_group(unit["summary"])
        rows.append({str(key): value for key, value in unit.items()} | _consensus(own, options))
    columns = [
        *answers.units.columns,
        *("answers", "named", "nameability", "low", "high", "nameable", "surely_nameable"),
        *("name", "votes", "tie", "names"),
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"nameable": "boolean", "surely_nameable": "boolean"})


def _consensus(own: pd.DataFrame, options: InferenceOptions) -> dict[str, Any]:
    n, named = len(own), int(own["named"].sum())
    share = wilson(named, n, level=options.level)
    low = share.low if share.low is not None else 0.0
    counts = Counter(str(name) for name in own[options.name_level] if name)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    votes = ranked[0][1] if ranked else 0
    tie = len(ranked) > 1 and ranked[1][1] == votes
    enough = n >= options.minimum_answers
    sure = low >= options.nameable_threshold
    plain = named / n >= options.nameable_threshold
    nameable = sure if options.nameable_rule is NameableRule.LOWER_BOUND else plain
    shared = votes >= options.minimum_votes and not tie
    return {
        "answers": n,
        "named": named,
        "nameability": share.value,
        "low": share.low,
        "high": share.high,
        "nameable": nameable if enough else pd.NA,
        "surely_nameable": sure if enough else pd.NA,
        "name": ranked[0][0] if shared else "",
        "votes": votes,
        "tie": tie,
        "names": ranked,
    }


def exhaustiveness(stimuli: pd.DataFrame, consensus: pd.DataFrame, manifests: Mapping[str, Any]) -> pd.DataFrame:
    """Parts found per class, network and method, in people and in the machine.

    A cell in which a network found no summary counts as 0 when its run looked at that class (the manifest says so) or,
    without manifests, when another network of the study has summaries of the class.

    Args:
        stimuli: rows of ``stimuli.csv``, shown or not.
        consensus: from :func:`consensus_names`.
        manifests: by run digest, may be empty.

    Returns:
        One row per cell: ``summaries``; ``shown``; ``judged`` (enough answers); ``nameable``, ``surely_nameable`` and
        ``distinct_names`` (consensus names of nameable summaries), NA when no summary was judged; ``names``, triples of
        name, people who gave it, people who answered; ``coverage`` and ``network_accuracy``, NaN where unknown.
    """
    main = stimuli[stimuli["arm"] == MAIN_ARM]
    shown = consensus[consensus["arm"] == MAIN_ARM]
    accuracy = network_accuracies(stimuli)
    rows = []
    for label, network, method in sorted(_cells(main, manifests)):
        here = _in_cell(main, label, network, method)
        answered = _in_cell(shown, label, network, method)
        nameable = answered[answered["nameable"].fillna(False).astype(bool)]
        named = nameable[nameable["name"] != ""].sort_values(["votes", "name"], ascending=[False, True])
        coverage = here["coverage"].dropna()
        judged = int(answered["nameable"].notna().sum())
        unknown = len(here) > 0 and judged == 0
        rows.append(
            {
                "class": label,
                "network": network,
                "method": method,
                "summaries": len(here),
                "shown": len(answered),
                "judged": judged,
                "nameable": None if unknown else len(nameable),
                "surely_nameable": None if unknown else int(answered["surely_nameable"].fillna(False).sum()),
                "distinct_names": None if unknown else int(named["name"].nunique()),
                "names": _merged(named),
                "coverage": float(coverage.iloc[0]) if len(coverage) else None,
                "network_accuracy": accuracy.get(network),
            }
        )
    columns = [*CELL_COLUMNS, "summaries", "shown", "judged", "nameable", "surely_nameable", "distinct_names"]
    frame = pd.DataFrame(rows, columns=[*columns, "names", "coverage", "network_accuracy"])
    counts = dict.fromkeys(["nameable", "surely_nameable", "distinct_names"], "Int64")
    return frame.astype(counts | {"coverage": float, "network_accuracy": float})


def _in_cell(frame: pd.DataFrame, label: str, network: str, method: str) -> pd.DataFrame:
    return frame[(frame["class"] == label) & (frame["network"] == network) & (frame["method"] == method)]


def _merged(named: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Summaries with the same name taken together: name, votes, answers."""
    merged: dict[str, tuple[int, int]] = {}
    for name, votes, answers in zip(named["name"], named["votes"], named["answers"], strict=True):
        before = merged.get(str(name), (0, 0))
        merged[str(name)] = (before[0] + int(votes), before[1] + int(answers))
    return [(name, votes, answers) for name, (votes, answers) in merged.items()]


def _cells(main: pd.DataFrame, manifests: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    cells = {(str(a), str(b), str(c)) for a, b, c in main[CELL_COLUMNS].itertuples(index=False, name=None)}
    methods = set(main["method"].unique())
    if manifests:
        classes = set(main["class"].unique())
        for manifest in manifests.values():
            for clustering in manifest.get("clusterings", []):
                known = clustering["class"] in classes and clustering["method"] in methods
                if clustering["arm"] == MAIN_ARM and known:
                    cells.add((clustering["class"], clustering["network"], clustering["method"]))
        return cells
    for method in methods:
        of_method = main[main["method"] == method]
        cells |= {
            (str(label), str(network), str(method))
            for label in of_method["class"].unique()
            for network in of_method["network"].unique()
        }
    return cells


def network_accuracies(stimuli: pd.DataFrame) -> dict[str, float]:
    """Top-1 accuracy of each network that has one; the mean over runs when a network has several."""
    known = stimuli.dropna(subset=["network_accuracy"]).drop_duplicates(["network", "run_digest"])
    means = known.groupby("network", sort=True)["network_accuracy"].mean()
    return {str(network): float(accuracy) for network, accuracy in means.items()}
