"""Agreement and interpretability statistics for studies of visual summaries. Imports neither Django nor torch.

In a notebook::

    import analysis

    evaluation = analysis.evaluate(analysis.load("exports/robin"))
    evaluation.results.frame()
    analysis.krippendorff_alpha(ratings=matrix, level="ordinal")

Every name below is imported from its module when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_NAMES = {
    "evaluation": "evaluate",
    "interpretability": "InferenceOptions",
    "schema": "load",
    "selection": "SelectionOptions",
    "report": "write_report",
    "estimates": "Estimate",
    "ratings": "Level Weighting counts_from_confusion counts_from_ratings ratings_from_long weight_matrix",
    "krippendorff": "krippendorff_alpha",
    "agreement": "PercentConvention brennan_prediger cohen_kappa conger_kappa fleiss_kappa gwet_ac percent_agreement "
    "randolph_kappa scott_pi",
    "intraclass": "IntraclassForm intraclass_correlation",
    "latent_classes": "DawidSkene dawid_skene",
    "diversity": "chao_shen entropy miller_madow modal_share pairwise_agreement",
    "intervals": "chance_corrected clopper_pearson t_mean wilson",
    "effect_sizes": "cliff_delta cohen_h odds_ratio share_difference",
    "binomial": "binomial_power exact_binomial_p poisson_binomial_p",
    "resampling": "TwoWayBootstrap UnitBootstrap cluster_bootstrap two_way_mean",
    "comparisons": "benjamini_hochberg crossed_difference holm paired_permutation spearman_permutation",
    "detection": "signal_detection",
    "coherence": "coherence_ratings",
    "intruder": "intruder_accuracy",
    "preference": "preference_model",
    "prediction": "prediction_accuracy utility_k",
    "calibration": "confidence_calibration",
    "simulate": "StudyDesign simulate_study truth_of",
    "power": "PowerOptions power_table smallest_sample",
    "precision": "PrecisionRule answers_needed precise_enough",
    "times": "reaction_times time_ratio",
}
_HOMES = {name: f"analysis.{module}" for module, names in _NAMES.items() for name in names.split()}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import pandas and matplotlib only when one of the public functions is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
