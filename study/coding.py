"""Agreement of two coders on nominal codes. Pure; small numbers with known formulas."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CoderAgreement:
    """Two coders' agreement over the names that both coded: share, Cohen's κ, Krippendorff's α (nominal)."""

    names: int
    agreed: int
    share: float | None
    kappa: float | None
    alpha: float | None


def coder_agreement(pairs: Sequence[tuple[str, str]]) -> CoderAgreement:
    """Return how well two coders agree; each pair is one name's code by the first and by the second.

    κ is Cohen's (1960, Educ. Psychol. Meas. 20:37), α is Krippendorff's for nominal data and two coders without
    missing values (Content Analysis, 2004, ch. 11). Both are None without pairs, and where only one code occurs, so
    that no disagreement could be expected.
    """
    n = len(pairs)
    agreed = sum(first == second for first, second in pairs)
    if n == 0:
        return CoderAgreement(0, 0, None, None, None)
    observed = agreed / n
    first, second = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    by_chance = sum(first[code] * second[code] for code in first) / (n * n)
    kappa = (observed - by_chance) / (1 - by_chance) if by_chance < 1 else None
    both = first + second
    values = 2 * n
    expected_disagreement = 1 - sum(count * (count - 1) for count in both.values()) / (values * (values - 1))
    alpha = 1 - (1 - observed) / expected_disagreement if expected_disagreement > 0 else None
    return CoderAgreement(n, agreed, observed, kappa, alpha)
