"""A number with its interval and its sample size, or the reason why there is no number."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One statistic.

    Undefined is a value with a reason (one category, a single rater, no variance), never NaN and never an exception.

    Attributes:
        value: the statistic, or ``None`` when it is undefined.
        low, high: bounds of the interval, or ``None`` where there is none.
        standard_error: analytic standard error, or ``None``.
        n: number of observations that went in.
        level: coverage of the interval, such as 0.95.
        method: how the interval was made, such as ``"two-way bootstrap"``.
        reason: why ``value`` is ``None`` (or why the interval is missing); empty when nothing is missing.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    level: float = 0.95
    method: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "standard_error"):
            number = getattr(self, name)
            if number is not None and math.isnan(number):
                raise ValueError(f"{name} of an Estimate must not be NaN; give None and a reason.")
        if self.value is None and not self.reason:
            raise ValueError("An Estimate without a value needs a reason.")

    @classmethod
    def undefined(cls, reason: str, *, n: int = 0) -> Estimate:
        """An estimate that does not exist, with the reason in words."""
        return cls(value=None, n=n, reason=reason)

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return self.value is not None
