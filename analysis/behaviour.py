"""How people worked: times, confidence, and scores of the tasks besides naming. Exploratory."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import agreement
from analysis.agreement import Level
from analysis.estimates import Estimate
from analysis.resampling import cluster_bootstrap, two_way_mean

BEHAVIOUR_COLUMNS = ["task", "arm", "measure", "estimate"]


def behaviour(answers: pd.DataFrame, *, draws: int, seed: int, level: float = 0.95) -> pd.DataFrame:
    """Measures of each task and arm.

    ``median time (s)`` and ``mean confidence`` resample participants (medians and means are taken per participant
    first, so nobody weighs more than another); ``share correct`` and ``mean rating`` resample participants and
    summaries; ``ordinal α`` is agreement on the ratings.

    Args:
        answers: rows of ``responses_long`` that count.
        draws, seed, level: of the bootstrap.

    Returns:
        Columns ``task``, ``arm``, ``measure``, ``estimate``; measures without a single value are left out.
    """
    generator = np.random.default_rng(seed)
    rows = []
    arms = answers["arm"].fillna("none")
    for (task, arm), group in answers.groupby([answers["task"], arms], sort=True):
        place = (str(task), str(arm))
        seconds = (group["reaction_time_ms"] / 1000).groupby(group["participant"]).median()
        confidence = group["confidence"].astype(float).groupby(group["participant"]).mean()
        for measure, values in (("median time (s)", seconds), ("mean confidence", confidence)):
            known = values.dropna().to_numpy(dtype=float)
            if known.size:
                estimate = cluster_bootstrap(known, generator=generator, draws=draws, level=level)
                rows.append((*place, measure, estimate))
        for measure, column in (("share correct", "correct"), ("mean rating", "answer_value")):
            known_rows = group[group[column].notna()]
            if measure == "mean rating":
                known_rows = known_rows[known_rows["answer_kind"] == "rating"]
            if len(known_rows):
                rows.append((*place, measure, _crossed(known_rows, column, generator, draws, level)))
            if len(known_rows) and measure == "mean rating":
                rows.append((*place, "ordinal α of ratings", _rating_agreement(known_rows)))
    return pd.DataFrame(rows, columns=BEHAVIOUR_COLUMNS)


def _crossed(group: pd.DataFrame, column: str, generator: np.random.Generator, draws: int, level: float) -> Estimate:
    participants, _ = pd.factorize(group["participant"])
    summaries, _ = pd.factorize(group["summary"].fillna("none"))
    values = group[column].astype(float).to_numpy()
    return two_way_mean(values, participants, summaries, draws=draws, generator=generator, level=level)


def _rating_agreement(group: pd.DataFrame) -> Estimate:
    """Ordinal α over summaries; when somebody rated a summary twice, the first rating counts."""
    first = group.dropna(subset=["summary"]).drop_duplicates(["participant", "summary"])
    if first.empty:
        return Estimate.undefined("no ratings of summaries")
    counts = pd.crosstab(first["summary"], first["answer_value"].astype(float))
    return agreement.krippendorff_alpha(counts.to_numpy(), level=Level.ORDINAL, values=counts.columns.to_numpy(float))
