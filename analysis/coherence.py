"""The coherence task: do the regions of a summary show one and the same thing?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.agreement import gwet_ac
from analysis.estimates import Estimate
from analysis.intraclass import intraclass_correlation
from analysis.krippendorff import krippendorff_alpha
from analysis.ratings import Level, Weighting, ratings_from_long
from analysis.resampling import TwoWayBootstrap, UnitBootstrap, quotients

SCALE = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Coherence:
    """Ratings of coherence.

    Attributes:
        mean: of all ratings, with a two-way interval.
        top_share: share of ratings in the upper half of the scale, above its middle.
        alpha: Krippendorff's α at the ordinal level; units are resampled.
        ac2: Gwet's AC2 with quadratic weights, over the whole scale that was offered.
        intraclass: ICC(A,1); undefined where not everybody rated everything.
    """

    mean: Estimate
    top_share: Estimate
    alpha: Estimate
    ac2: Estimate
    intraclass: Estimate


def coherence_ratings(
    ratings: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    scale: Sequence[float] = SCALE,
    bootstrap: TwoWayBootstrap | None = None,
) -> Coherence:
    """Summarise ratings of coherence and how far people agree on them.

    Args:
        ratings: (A,) one rating per participant and summary.
        participants, summaries: (A,) labels.
        scale: the steps that were offered, ascending.
        bootstrap: draws, seed and level.

    Raises:
        ValueError: when a rating is not on the scale, or someone rated a summary twice.
    """
    boot = bootstrap or TwoWayBootstrap()
    values = np.asarray(ratings, dtype=float).ravel()
    if not np.isin(values, np.asarray(scale, dtype=float)).all():
        raise ValueError(f"Expected ratings on the scale {list(scale)}, got {sorted(set(values.tolist()))[:9]}.")
    if values.size == 0:
        none = Estimate.undefined("no ratings")
        return Coherence(none, none, none, none, none)
    matrix, _, _ = ratings_from_long(participants, summaries, values)
    upper = values > (scale[0] + scale[-1]) / 2
    columns = np.stack([values, upper, np.ones_like(values)], axis=1)
    drawn = boot.totals(columns, participants, summaries)
    totals = drawn.values
    units = UnitBootstrap(draws=boot.draws, seed=boot.seed)
    steps = [float(step) for step in scale]
    return Coherence(
        mean=drawn.estimate(quotients(totals[:, 0], totals[:, 2]), n=int(values.size)),
        top_share=drawn.estimate(quotients(totals[:, 1], totals[:, 2]), n=int(values.size)),
        alpha=krippendorff_alpha(ratings=matrix, level=Level.ORDINAL, bootstrap=units, coverage=boot.level),
        ac2=gwet_ac(ratings=matrix, categories=steps, weights=Weighting.QUADRATIC, level=boot.level, bootstrap=units),
        intraclass=intraclass_correlation(matrix, form="A,1", level=boot.level),
    )
