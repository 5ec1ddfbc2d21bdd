"""Numbers in words: how estimates are written in the report and on the command line."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.estimates import Estimate

MINUS = "−"
NOTHING = "–"
ARM_WORDS: Mapping[str, str] = {
    "summaries": "summaries",
    "random-regions": "random regions",
    "shuffled-clusters": "shuffled clusters",
    "whole-images": "whole images",
}
STATISTIC_WORDS: Mapping[str, str] = {
    "nameability": "nameability",
    "modal_share_named": "modal share, of those who named",
    "modal_share_all": "modal share, of all raters",
    "pairwise_agreement_named": "pairwise agreement, of those who named",
    "pairwise_agreement_all": "pairwise agreement, of all raters",
    "entropy_named": "H (bits), of those who named",
    "entropy_miller_madow_named": "H, Miller–Madow, of those who named",
    "entropy_chao_shen_named": "H, Chao–Shen, of those who named",
    "entropy_all": "H (bits), of all raters",
    "entropy_miller_madow_all": "H, Miller–Madow, of all raters",
    "entropy_chao_shen_all": "H, Chao–Shen, of all raters",
    "krippendorff_alpha_named": "Krippendorff α, of those who named",
    "krippendorff_alpha_all": "Krippendorff α, of all raters",
    "gwet_ac1_named": "Gwet AC1, of those who named",
    "gwet_ac1_all": "Gwet AC1, of all raters",
    "fleiss_kappa_named": "Fleiss κ, of those who named",
    "fleiss_kappa_all": "Fleiss κ, of all raters",
    "nameability_above_control": "named more often than the control",
    "d_prime": "d′",
    "criterion": "criterion c",
    "distinct_names": "distinct consensus names",
    "coherence_mean": "coherence, mean rating",
    "coherence_top_share": "coherence, upper half of the scale",
    "coherence_alpha": "coherence, ordinal α",
    "coherence_ac2": "coherence, AC2",
    "intruder_precision": "intruder, model precision",
    "intruder_accuracy": "intruder, right answers",
    "intruder_chance_corrected": "intruder, above chance",
    "predict_accuracy": "predict, right answers",
    "predict_network_right": "predict, where the network is right",
    "predict_network_wrong": "predict, where the network is wrong",
    "predict_balanced": "predict, mean of the two",
    "predict_utility": "predict, Utility-K",
}
SHARES = frozenset(
    {
        "nameability",
        "nameability_above_control",
        "share correct",
        "coherence_top_share",
        "intruder_precision",
        "intruder_accuracy",
        "predict_accuracy",
        "predict_network_right",
        "predict_network_wrong",
        "predict_balanced",
    }
)


def is_share(statistic: str) -> bool:
    """Whether a statistic is written in percent."""
    return statistic in SHARES or statistic.startswith(("modal_share", "pairwise_agreement"))


def decimal(number: float | None, digits: int = 2) -> str:
    """A number with a true minus sign, never ``-0``; a dash for None."""
    if number is None:
        return NOTHING
    text = f"{number:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def percent(number: float | None) -> str:
    """A share in percent without decimals, such as ``86 %``; a dash for None."""
    return NOTHING if number is None else f"{decimal(100 * number, 0)} %"


def value_text(estimate: Estimate, *, share: bool = False, digits: int = 2) -> str:
    """The value alone."""
    return percent(estimate.value) if share else decimal(estimate.value, digits)


def interval_text(estimate: Estimate, *, share: bool = False, digits: int = 2) -> str:
    """The interval in brackets, such as ``[80, 91]``; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    bounds = (estimate.low, estimate.high)
    texts = [decimal(100 * bound, 0) for bound in bounds] if share else [decimal(bound, digits) for bound in bounds]
    return f"[{texts[0]}, {texts[1]}]"


def estimate_text(estimate: Estimate, *, share: bool = False, digits: int = 2) -> str:
    """Value and interval, such as ``86 % [80, 91]``; a dash when undefined."""
    value = value_text(estimate, share=share, digits=digits)
    return f"{value} {interval_text(estimate, share=share, digits=digits)}".strip()


def points(number: float | None) -> str:
    """A difference of shares in percentage points, such as ``12 points``."""
    return NOTHING if number is None else f"{decimal(100 * number, 0)} points"


def points_text(estimate: Estimate) -> str:
    """A difference of shares with its interval, such as ``55 points [44, 66]``."""
    return f"{points(estimate.value)} {interval_text(estimate, share=True)}".strip()


def p_text(p_value: float | None) -> str:
    """A p value: ``p = 0.031``, ``p < 0.001``."""
    if p_value is None:
        return "p undefined"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun, such as ``1 class`` or ``2 classes``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}".replace(",", "\u202f")


def listed(words: list[str]) -> str:
    """Words in a row: ``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
