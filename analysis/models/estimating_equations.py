"""Generalised estimating equations as a check of the mixed model: population-averaged, robust, no normal intercepts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.models.checks import FEW_LEVELS, GRADIENT_TOLERANCE, ModelChecks, separated_columns
from analysis.models.fit import FittedModel


def logistic_gee(
    successes: ArrayLike,
    design: ArrayLike,
    *,
    cluster: ArrayLike,
    names: Sequence[str] | None = None,
    exchangeable: bool = False,
    bias_reduced: bool = True,
) -> FittedModel:
    """Logistic estimating equations (Liang and Zeger 1986), through statsmodels.

    Args:
        successes: (N,) true and false.
        design: (N, P) fixed effects, with a column of ones for the intercept.
        cluster: (N,) labels of the clusters, participants or summaries. For crossed answers fit both and trust the
            wider one.
        names: of the columns.
        exchangeable: working correlation within clusters; independent otherwise.
        bias_reduced: covariance of Mancl and DeRouen (2001), right also for few clusters; otherwise the sandwich.

    Returns:
        The model; p values and intervals refer to t with as many degrees of freedom as clusters, less one.

    Raises:
        ValueError: when shapes do not fit or there are fewer than two clusters.
    """
    y = np.asarray(successes, dtype=float).ravel()
    columns = np.asarray(design, dtype=float)
    labels = tuple(str(name) for name in names) if names else tuple(f"x{at}" for at in range(columns.shape[-1]))
    if columns.ndim != 2 or columns.shape != (y.size, len(labels)) or not np.isin(y, (0, 1)).all():
        raise ValueError(f"Expected answers as true and false and a design of shape ({y.size}, {len(labels)}).")
    codes, found = pd.factorize(np.asarray(cluster), sort=True)
    if codes.size != y.size or (codes < 0).any() or len(found) < 2:
        raise ValueError(f"Expected a cluster for every answer, and two or more of them, got {len(found)}.")
    order = np.argsort(codes, kind="stable")
    with warnings.catch_warnings():  # statsmodels 0.14 uses decorators that pandas 3 is about to drop
        warnings.filterwarnings("ignore", message="(Substitution|Appender) is", category=DeprecationWarning)
        from statsmodels.genmod.cov_struct import Exchangeable, Independence
        from statsmodels.genmod.families import Binomial
        from statsmodels.genmod.generalized_estimating_equations import GEE
        from statsmodels.tools.sm_exceptions import ConvergenceWarning
    structure = Exchangeable() if exchangeable else Independence()
    model = GEE(y[order], columns[order], groups=codes[order], family=Binomial(), cov_struct=structure)
    separated = separated_columns(columns, np.where(y == 1, 1.0, -1.0), labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said in the checks instead
        warnings.simplefilter("ignore", RuntimeWarning)
        fit = model.fit(cov_type="bias_reduced" if bias_reduced else "robust", maxiter=200, ctol=1e-9)
    score = float(np.abs(fit.fit_history["score"][-1]).max())
    return FittedModel(
        names=labels,
        coefficients=np.asarray(fit.params, dtype=float),
        covariance=np.asarray(fit.cov_params(), dtype=float),
        thresholds=np.empty(0),
        threshold_errors=np.empty(0),
        deviations={},
        effects={},
        log_likelihood=None,
        n=int(y.size),
        groups={"cluster": len(found)},
        freedom=len(found) - 1,
        method=f"Logistic GEE, {'exchangeable' if exchangeable else 'independence'}, {len(found)} clusters, "
        f"{'bias-reduced' if bias_reduced else 'robust'} covariance",
        checks=ModelChecks(
            converged=bool(fit.converged) and score < GRADIENT_TOLERANCE * max(1.0, float(y.size)),
            gradient=score,
            separated=separated,
            few_levels=("cluster",) if len(found) < FEW_LEVELS else (),
        ),
    )
