"""Models for crossed answers: logistic and cumulative-link mixed models, and estimating equations as a check."""

from __future__ import annotations

from analysis.models.checks import ModelChecks
from analysis.models.contrasts import Contrast, contrast, pairwise_contrasts
from analysis.models.estimating_equations import logistic_gee
from analysis.models.fit import Coefficient, FittedModel
from analysis.models.formulas import compare_conditions, cumulative_link_model, logistic_mixed_model
from analysis.models.mixed import fit_cumulative_link, fit_logistic

__all__ = [
    "Coefficient",
    "Contrast",
    "FittedModel",
    "ModelChecks",
    "compare_conditions",
    "contrast",
    "cumulative_link_model",
    "fit_cumulative_link",
    "fit_logistic",
    "logistic_gee",
    "logistic_mixed_model",
    "pairwise_contrasts",
]
