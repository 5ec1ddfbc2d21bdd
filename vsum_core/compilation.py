"""Typed decorator that compiles a numeric kernel with Numba and remembers the machine code on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(kernel: Kernel) -> Kernel:
    """Compile ``kernel`` to machine code on its first call, in nopython mode and without the interpreter lock.

    Results are those of the Python function: no floating-point shortcuts are allowed.

    The machine code is kept in ``__pycache__`` or in the user's cache directory. Where neither can be written, as in a
    read-only container, the kernel is compiled afresh in every process (a few seconds; same results).
    """
    return _compile(kernel, fastmath=False)


def compiled_exact_sums(kernel: Kernel) -> Kernel:
    """As :func:`compiled`, for kernels whose sums are exact in any order, so that they may be vectorised."""
    return _compile(kernel, fastmath={"reassoc", "nsz"})


def _compile(kernel: Kernel, *, fastmath: bool | set[str]) -> Kernel:
    try:
        return cast(Kernel, numba.njit(kernel, cache=True, nogil=True, fastmath=fastmath))
    except RuntimeError:  # Numba found no directory it may write to
        return cast(Kernel, numba.njit(kernel, nogil=True, fastmath=fastmath))
