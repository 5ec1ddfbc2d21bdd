"""Messages of affinity propagation on a device of PyTorch, as a CUDA one.

The same messages in the same order as those that :mod:`vsum_core.clustering` passes on the processor, with the same
rule of convergence: float32, sums over the regions in float64. Sums are added in another order, so that the last bit of
a message may differ.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ELEMENTS_AT_ONCE = 2**25  # of a block of rows; what is computed on the way takes so many float32, 128 MB, a few times
_ITERATIONS_UNASKED = 20  # between two looks of the processor at whether all has come to rest


def pass_messages(
    similarity: Tensor, *, damping: float, maximum_iterations: int, window: int
) -> tuple[NDArray[np.bool_], bool, int]:
    """Responsibilities and availabilities until the exemplars rest.

    The processor waits for the device once in 20 iterations only. What it then learns is how things stood at the moment
    of convergence: iterations passed since are not counted, and change nothing. Memory beside the input: two float32
    (R, R) matrices and a few blocks of rows.

    Args:
        similarity: float32 (R, R) on the device, the preference on its diagonal; not changed.
        damping: share of a message that stays, 0.5 to below 1.
        maximum_iterations: 1 or more.
        window: iterations for which the exemplars must stay the same.

    Returns:
        Is exemplar (R,), converged, iterations.

    Raises:
        torch.OutOfMemoryError: the matrices do not fit into the device's memory.
    """
    with torch.inference_mode():
        state = _State(similarity, damping=damping, window=window)
        for iteration in range(maximum_iterations):
            state.step(iteration)
            if (iteration + 1) % _ITERATIONS_UNASKED == 0 and state.converged_after() > 0:
                break
        after = state.converged_after()
        exemplars: NDArray[np.bool_] = state.is_exemplar.cpu().numpy()
    return exemplars, after > 0, after if after > 0 else maximum_iterations


class _State:
    """What the regions have told each other, and since when their exemplars are the same; all on the device."""

    def __init__(self, similarity: Tensor, *, damping: float, window: int) -> None:
        count, device = len(similarity), similarity.device
        # In float32 as on the processor: 1 - damping is rounded after the subtraction.
        self._keep = float(np.float32(damping))
        self._take = float(np.float32(1.0 - damping))
        self._window = window
        self._similarity = similarity
        self._responsibility = torch.zeros_like(similarity)
        self._availability = torch.zeros_like(similarity)  # of one iteration before; its diagonal is not kept
        self._self_availability = torch.zeros(count, device=device)
        self._support = torch.zeros(count, dtype=torch.float64, device=device)
        self._unchanged = torch.zeros(count, dtype=torch.int64, device=device)
        self._was_exemplar = torch.zeros(count, dtype=torch.bool, device=device)
        self._converged_after = torch.zeros((), dtype=torch.int64, device=device)
        self.is_exemplar = torch.zeros(count, dtype=torch.bool, device=device)  # stays as it is once converged

    def converged_after(self) -> int:
        """Iterations until all came to rest, 0 if it has not; waits for the device."""
        return int(self._converged_after)

    def step(self, iteration: int) -> None:
        """One iteration: messages of all rows, then the exemplars."""
        count = len(self._similarity)
        rows = max(1, _ELEMENTS_AT_ONCE // count)
        support = torch.zeros_like(self._support)
        for start in range(0, count, rows):
            support += self._pass_rows(start, min(start + rows, count), first=iteration == 0)
        own = self._responsibility.diagonal()
        support += own.clamp(max=0)
        self._support = support
        self._self_availability.mul_(self._keep).add_((support - own).float(), alpha=self._take)
        self._choose(self._self_availability + own > 0, iteration)

    def _pass_rows(self, start: int, stop: int, *, first: bool) -> Tensor:
        """Both messages of some rows; returns what these rows add to the support of every column, float64 (R,)."""
        available, responsible = self._availability[start:stop], self._responsibility[start:stop]
        similar = self._similarity[start:stop]
        if not first:
            evidence = self._support.float() - responsible.clamp(min=0)
            available.mul_(self._keep).add_(evidence.clamp_(max=0), alpha=self._take)
        available.diagonal(start).copy_(self._self_availability[start:stop])
        totals = available + similar
        best, favourite = totals.max(dim=1, keepdim=True)
        second = totals.scatter_(1, favourite, -torch.inf).amax(dim=1, keepdim=True)
        # What a region thinks of its best exemplar is measured against the second best, of all others against the best.
        wanted = torch.sub(similar, best, out=totals)
        wanted.scatter_(1, favourite, similar.gather(1, favourite) - second)
        responsible.mul_(self._keep).add_(wanted, alpha=self._take)
        return responsible.clamp(min=0).sum(dim=0, dtype=torch.float64)

    def _choose(self, now: Tensor, iteration: int) -> None:
        self._unchanged = torch.where(now == self._was_exemplar, self._unchanged + 1, 1)
        self._was_exemplar = now
        resting = self._converged_after > 0
        self.is_exemplar = torch.where(resting, self.is_exemplar, now)
        if iteration >= self._window:
            settled = (self._unchanged >= self._window).all() & now.any() & ~resting
            self._converged_after = torch.where(settled, iteration + 1, self._converged_after)
