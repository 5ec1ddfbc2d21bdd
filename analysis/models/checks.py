"""What can be wrong with a fitted model, looked for every time and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from analysis.models.families import Floats

GRADIENT_TOLERANCE = 1e-3
SINGULAR_BELOW = 1e-4
OVERDISPERSED_ABOVE = 1.5
FEW_LEVELS = 5


@dataclass(frozen=True, kw_only=True)
class ModelChecks:
    """Checks of one fit.

    Attributes:
        converged: whether the optimiser ended at a maximum: small gradient, curvature downwards in every direction.
        gradient: largest derivative of the log-likelihood at the end, per unit of standard error.
        singular: factors whose standard deviation was estimated as zero.
        separated: coefficients that a combination of covariates separates perfectly, so that no finite estimate exists.
        dispersion: Pearson χ² by residual degrees of freedom, given the modes; None where answers are single, which
            cannot be overdispersed.
        few_levels: factors with fewer than ``FEW_LEVELS`` groups, whose standard deviation is hardly known.
    """

    converged: bool
    gradient: float
    singular: tuple[str, ...] = ()
    separated: tuple[str, ...] = ()
    dispersion: float | None = None
    few_levels: tuple[str, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether the estimates can be used as they are: converged and not separated."""
        return self.converged and not self.separated

    def sentences(self) -> list[str]:
        """The checks in words, the good news too."""
        found = [
            f"converged, largest gradient {self.gradient:.1g} standard errors"
            if self.converged
            else f"did not converge: largest gradient {self.gradient:.1g} standard errors; do not use the estimates"
        ]
        if self.separated:
            found.append(f"separation: no finite estimate exists for {', '.join(self.separated)}")
        if self.singular:
            found.append(f"singular fit: no variation was found between the groups of {', '.join(self.singular)}")
        if self.few_levels:
            found.append(
                f"few groups (under {FEW_LEVELS}) of {', '.join(self.few_levels)}: their spread is hardly known"
            )
        if self.dispersion is not None:
            over = self.dispersion > OVERDISPERSED_ABOVE
            found.append(f"{'overdispersion' if over else 'no overdispersion'}: Pearson χ²/df {self.dispersion:.2f}")
        return found


def separated_columns(design: Floats, direction: Floats, names: Sequence[str]) -> tuple[str, ...]:
    """Covariates that separate the answers perfectly or almost so (Albert and Anderson 1984), by linear programming.

    Separation exists when some δ has dᵢ·xᵢδ ≥ 0 for every answer and > 0 for one (Konis 2007): the likelihood then
    grows without end along δ.

    Args:
        design: (N, P) rows of answers, or of answers at each threshold.
        direction: (N,) +1 where the answer was a success, −1 where it was a failure; 0 where it was neither alone.
        names: of the P columns.

    Returns:
        Names of the columns that δ uses; empty when maximum likelihood is finite.
    """
    certain = direction != 0
    rows = pd.DataFrame(direction[certain, None] * design[certain]).drop_duplicates().to_numpy()
    mixed = pd.DataFrame(design[~certain]).drop_duplicates().to_numpy()
    if not rows.size:
        return ()
    found = optimize.linprog(
        -rows.sum(axis=0),
        A_ub=-rows,
        b_ub=np.zeros(len(rows)),
        A_eq=mixed if mixed.size else None,
        b_eq=np.zeros(len(mixed)) if mixed.size else None,
        bounds=[(-1, 1)] * design.shape[1],
        method="highs",
    )
    if found.status != 0 or -found.fun < 1e-7:
        return ()
    return tuple(name for name, used in zip(names, np.abs(found.x) > 1e-7, strict=True) if used)
