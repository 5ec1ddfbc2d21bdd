"""Planned contrasts: differences between networks, methods or arms, with p values for the whole family."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from analysis.comparisons import benjamini_hochberg, holm
from analysis.estimates import Estimate
from analysis.models.families import Floats
from analysis.models.fit import FittedModel


class Adjustment(StrEnum):
    """How p values of a family are adjusted: Holm for planned contrasts, Benjamini–Hochberg for exploration."""

    HOLM = "Holm"
    BENJAMINI_HOCHBERG = "Benjamini–Hochberg"


@dataclass(frozen=True)
class Contrast:
    """One contrast.

    Attributes:
        name: in words, such as ``"lite2 − lite0"``.
        estimate: difference on the logit scale, with its interval (not adjusted).
        odds_ratio: exp of it.
        p_value: two-sided; None where undefined.
        p_adjusted: for the family of all contrasts asked for together; None where undefined.
        adjustment: how.
    """

    name: str
    estimate: Estimate
    odds_ratio: Estimate
    p_value: float | None
    p_adjusted: float | None
    adjustment: Adjustment


def contrast(
    model: FittedModel,
    weights: Mapping[str, ArrayLike | Mapping[str, float]],
    *,
    adjustment: Adjustment | str = Adjustment.HOLM,
    level: float = 0.95,
) -> list[Contrast]:
    """Test planned contrasts as one family.

    Args:
        model: any fitted model.
        weights: by the contrast's name: (P,) weights of the fixed effects, or weights by the effects' names.
        adjustment: of the p values.
        level: coverage of each interval by itself.

    Raises:
        ValueError: when weights do not fit the model.
    """
    found = []
    for name, given in weights.items():
        own = model.combination(name, _vector(model, name, given), level=level)
        found.append((name, own))
    tested = [own.p_value for _, own in found if not math.isnan(own.p_value)]
    kind = Adjustment(adjustment)
    adjusted = iter(holm(tested) if kind is Adjustment.HOLM else benjamini_hochberg(tested))
    return [
        Contrast(
            name=name,
            estimate=own.estimate,
            odds_ratio=own.odds_ratio,
            p_value=None if math.isnan(own.p_value) else own.p_value,
            p_adjusted=None if math.isnan(own.p_value) else next(adjusted),
            adjustment=kind,
        )
        for name, own in found
    ]


def _vector(model: FittedModel, name: str, given: ArrayLike | Mapping[str, float]) -> Floats:
    if isinstance(given, Mapping):
        unknown = [effect for effect in given if effect not in model.names]
        if unknown:
            raise ValueError(f"Expected effects among {', '.join(model.names)}, got {', '.join(unknown)} in {name!r}.")
        return np.array([float(given.get(effect, 0.0)) for effect in model.names])
    vector = np.asarray(given, dtype=float).ravel()
    if vector.size != len(model.names):
        raise ValueError(f"Expected {len(model.names)} weights in {name!r}, got {vector.size}.")
    return vector


def pairwise_contrasts(
    model: FittedModel,
    rows: Mapping[str, ArrayLike],
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    adjustment: Adjustment | str = Adjustment.HOLM,
    level: float = 0.95,
) -> list[Contrast]:
    """Differences between conditions, each given by its row of the design.

    Args:
        model: any fitted model.
        rows: by condition: (P,) its row of the design, averaged over whatever else the model has in it.
        pairs: planned pairs (first minus second); ``None`` takes all.
        adjustment, level: as in :func:`contrast`.
    """
    chosen = list(itertools.combinations(rows, 2)) if pairs is None else list(pairs)
    missing = sorted({name for pair in chosen for name in pair} - set(rows))
    if missing:
        raise ValueError(f"Expected conditions among {', '.join(rows)}, got {', '.join(missing)}.")
    weights: dict[str, ArrayLike | Mapping[str, float]] = {
        f"{first} − {second}": np.asarray(rows[first], dtype=float) - np.asarray(rows[second], dtype=float)
        for first, second in chosen
    }
    return contrast(model, weights, adjustment=adjustment, level=level)
