"""Intervals from draws of participants, of summaries and of both, with the variance that crossed answers have.

Drawing participants and summaries together (the pigeonhole bootstrap of Owen 2007) counts the noise of single answers
three times: its variance is A + B + 3E for parts A of participants, B of summaries and E of answers. Drawing one side
alone gives A + E and B + E. What the joint draw adds to the sum of the two, draw by draw, has variance E. So
A + B + E = Var(people) + Var(units) − Var(joint − people − units), and the joint draws are shrunk to that. With G
clusters on a side its variance is multiplied by G / (G − 1), and the interval is widened as t is over z, with
Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.estimates import Estimate

Floats = NDArray[np.float64]
TWO_WAY = "two-way bootstrap (participants × summaries)"
OVER_PARTICIPANTS = "bootstrap over participants"
OVER_UNITS = "bootstrap over summaries"


def widening(level: float, freedom: float) -> float:
    """How much wider t makes an interval than the normal distribution."""
    return float(stats.t.ppf(0.5 + level / 2, max(freedom, 1.0)) / stats.norm.ppf(0.5 + level / 2))


@dataclass(frozen=True)
class CrossedReplicates:
    """One statistic of crossed answers: of the data, and of each draw.

    Attributes:
        value: of the data; NaN where undefined.
        people: (B,) participants drawn, summaries as they are; NaN where undefined, as in the next two.
        units: (B,) summaries drawn, participants as they are.
        both: (B,) both drawn, the same draws as in the other two.
        participants, summaries: how many of each there are to draw from.
    """

    value: float
    people: Floats
    units: Floats
    both: Floats
    participants: int
    summaries: int

    def stacked(self) -> Floats:
        """(1 + 3B,) value, people, units, both: what a formula is applied to."""
        return np.concatenate([[self.value], self.people, self.units, self.both])

    def with_values(self, stacked: Floats) -> CrossedReplicates:
        """The same draws with other values, as :meth:`stacked` orders them."""
        people, units, both = np.split(np.asarray(stacked[1:], dtype=float), 3)
        return replace(self, value=float(stacked[0]), people=people, units=units, both=both)

    def combined(self, other: CrossedReplicates, stacked: Floats) -> CrossedReplicates:
        """A formula of this statistic and one of other summaries of the same study, such as their difference.

        Participants are drawn once for both, so their habits cancel; summaries are drawn on each side.

        Args:
            other: with the same draws of participants.
            stacked: (1 + 3B,) the formula, applied to both sides' :meth:`stacked`.
        """
        groups = max(1, self.summaries - 1 + other.summaries - 1) + 1
        people = max(self.participants, other.participants)
        return replace(self.with_values(stacked), summaries=groups, participants=people)

    def estimate(
        self,
        *,
        n: int,
        level: float,
        bounds: tuple[float, float] = (-math.inf, math.inf),
        correct_bias: bool = False,
        centre: float | None = None,
        widen: float = 1.0,
    ) -> Estimate:
        """The value with its interval.

        Args:
            n: number of observations.
            level: coverage.
            bounds: range of the statistic; the interval is cut to it.
            correct_bias: centre the interval at value − bias, the bias being how far the joint draws lie from the value
                on average. For statistics that few answers push to one side: drawing answers anew pushes as far again.
            centre: centre of the interval, where a better one is known than the value.
            widen: factor for the uncertainty that a corrected centre adds.
        """
        if not math.isfinite(self.value):
            raise ValueError("Expected a defined value; give Estimate.undefined(reason) instead.")
        usable = np.isfinite(self.people) & np.isfinite(self.units) & np.isfinite(self.both)
        if usable.sum() < max(2, usable.size // 2) or (self.participants < 2 and self.summaries < 2):
            reason = (
                "no interval: it needs two or more participants or summaries"
                if self.participants < 2 and self.summaries < 2
                else "no interval: the statistic is undefined in more than half of the bootstrap draws"
            )
            return Estimate(value=self.value, n=n, level=level, reason=reason)
        people, units, both = self.people[usable], self.units[usable], self.both[usable]
        variance, freedom, method = self._variance(people, units, both)
        if self.summaries < 2:
            both = people
        elif self.participants < 2:
            both = units
        spread = float(both.var())
        factor = math.sqrt(variance / spread) * widening(level, freedom) * widen if spread > 0 else 0.0
        bias = float(both.mean()) - self.value
        middle = centre if centre is not None else self.value - (bias if correct_bias else 0.0)
        low, high = middle + factor * (np.quantile(both, [(1 - level) / 2, (1 + level) / 2]) - both.mean())
        corrected = ", corrected for bias" if correct_bias or centre is not None else ""
        return Estimate(
            value=self.value,
            n=n,
            low=min(self.value, max(bounds[0], float(low))),
            high=max(self.value, min(bounds[1], float(high))),
            standard_error=math.sqrt(variance) * widen,
            level=level,
            method=method + corrected,
        )

    def _variance(self, people: Floats, units: Floats, both: Floats) -> tuple[float, float, str]:
        """Variance, degrees of freedom, and how they came about."""
        by_people = float(people.var()) * self.participants / max(1, self.participants - 1)
        by_units = float(units.var()) * self.summaries / max(1, self.summaries - 1)
        if self.summaries < 2:
            return by_people, self.participants - 1.0, OVER_PARTICIPANTS
        if self.participants < 2:
            return by_units, self.summaries - 1.0, OVER_UNITS
        by_answers = float((both - people - units).var())
        variance = max(by_people + by_units - by_answers, by_people, by_units)
        squares = by_people**2 / (self.participants - 1) + by_units**2 / (self.summaries - 1)
        return variance, variance**2 / squares if squares > 0 else 1.0, TWO_WAY


def linear_interval(
    value: float,
    influence: ArrayLike,
    *,
    participants: ArrayLike,
    summaries: ArrayLike,
    level: float,
    groups: int = 1,
) -> Estimate:
    """The analytic counterpart of the two-way bootstrap: robust to clusters both ways (Cameron and others 2011).

    Variance = Σ over participants of (summed influence)² + the same over summaries − Σ over answers of influence².

    Args:
        value: the estimate.
        influence: (A,) by how much each answer moves it; sums to 0. For a mean, (y − mean) / A.
        participants, summaries: (A,) whole codes from 0.
        level: coverage.
        groups: of summaries that are compared; each costs a degree of freedom.
    """
    moved = np.asarray(influence, dtype=float)
    codes = [np.unique(np.asarray(own), return_inverse=True)[1] for own in (participants, summaries)]
    people, units = (np.bincount(own, moved) for own in codes)
    freedom = people.size - 1, units.size - groups
    if min(freedom) < 1:
        reason = "no interval: it needs two or more participants, and two or more summaries in each group"
        return Estimate(value=value, n=moved.size, level=level, reason=reason)
    by_people = float(people @ people) * people.size / freedom[0]
    by_units = float(units @ units) * units.size / freedom[1]
    variance = max(by_people + by_units - float(moved @ moved), by_people, by_units)
    squares = by_people**2 / freedom[0] + by_units**2 / freedom[1]
    if variance <= 0 or squares <= 0:
        return Estimate(value=value, n=moved.size, level=level, reason="no interval: all answers are alike")
    error = math.sqrt(variance)
    half = float(stats.t.ppf(0.5 + level / 2, variance**2 / squares)) * error
    return Estimate(
        value=value,
        n=moved.size,
        low=value - half,
        high=value + half,
        standard_error=error,
        level=level,
        method="two-way clusters, Satterthwaite",
    )
