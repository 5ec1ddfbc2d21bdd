"""Models from a tidy frame and a formula, as one writes them in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import patsy

from analysis.models.contrasts import Adjustment, Contrast, pairwise_contrasts
from analysis.models.fit import FittedModel
from analysis.models.mixed import fit_cumulative_link, fit_logistic

CROSSED = ("participant", "summary")


def _design(formula: str, frame: pd.DataFrame, groups: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frame with rows of missing values refused, and its design matrix."""
    if "~" not in formula:
        raise ValueError(f"Expected a formula such as 'named ~ network', got {formula!r}.")
    outcome, _, right = formula.partition("~")
    needed = [outcome.strip(), *groups]
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ValueError(f"Expected columns {', '.join(needed)}, the frame has no {', '.join(absent)}.")
    try:
        design = patsy.dmatrix(right.strip() or "1", frame, return_type="dataframe", NA_action="raise")
    except patsy.PatsyError as error:
        raise ValueError(f"The formula {formula!r} does not fit the frame: {error}") from error
    missing = int(frame[needed].isna().any(axis=1).sum())
    if missing:
        raise ValueError(f"Expected no missing values in {', '.join(needed)}, got {missing} rows with some. Drop them.")
    return frame, design


def logistic_mixed_model(
    formula: str, frame: pd.DataFrame, *, groups: Sequence[str] = CROSSED, nodes: int = 1
) -> FittedModel:
    """Logistic mixed model of a true-or-false column, such as ``"named ~ network + arm"``.

    Args:
        formula: outcome and fixed effects in Patsy's notation (as in R); text columns become contrasts to their first
            value.
        frame: one row per answer.
        groups: columns with crossed random intercepts; empty for none.
        nodes: as in :func:`analysis.models.mixed.fit_logistic`.

    Raises:
        ValueError: when columns are missing or have missing values, or as in ``fit_logistic``.
    """
    frame, design = _design(formula, frame, groups)
    outcome = frame[formula.partition("~")[0].strip()].astype(float).to_numpy()
    factors = {name: frame[name].to_numpy() for name in groups}
    return fit_logistic(outcome, design.to_numpy(), groups=factors, names=list(design.columns), nodes=nodes)


def cumulative_link_model(
    formula: str, frame: pd.DataFrame, *, groups: Sequence[str] = CROSSED, nodes: int = 1
) -> FittedModel:
    """Cumulative-link mixed model of an ordered column, such as ``"rating ~ network"``; arguments as above."""
    frame, design = _design(formula, frame, groups)
    fixed = design.drop(columns="Intercept", errors="ignore")
    outcome = frame[formula.partition("~")[0].strip()].astype(float).to_numpy()
    factors = {name: frame[name].to_numpy() for name in groups}
    return fit_cumulative_link(outcome, fixed.to_numpy(), groups=factors, names=list(fixed.columns), nodes=nodes)


def compare_conditions(
    model: FittedModel,
    formula: str,
    frame: pd.DataFrame,
    factor: str,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    adjustment: Adjustment | str = Adjustment.HOLM,
    level: float = 0.95,
) -> list[Contrast]:
    """Contrasts between the values of one column, such as networks, averaged over the other effects of the model.

    Args:
        model: fitted to ``formula`` and ``frame``.
        formula, frame: as given to the model.
        factor: column whose values are compared.
        pairs, adjustment, level: as in :func:`analysis.models.contrasts.pairwise_contrasts`.
    """
    if factor not in frame.columns:
        raise ValueError(f"Expected a column of the frame, it has no {factor!r}.")
    information = patsy.dmatrix(formula.partition("~")[2].strip() or "1", frame, return_type="dataframe").design_info
    rows = {}
    for value in sorted(frame[factor].dropna().unique(), key=str):
        everywhere = frame.assign(**{factor: np.full(len(frame), value)})
        mean = patsy.dmatrix(information, everywhere, return_type="dataframe").mean(axis=0)
        rows[str(value)] = mean[list(model.names)].to_numpy(dtype=float)
    return pairwise_contrasts(model, rows, pairs=pairs, adjustment=adjustment, level=level)
