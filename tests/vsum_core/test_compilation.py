"""Compiled kernels, with and without a place for their machine code."""

from collections.abc import Callable

import pytest

from vsum_core.compilation import compiled, compiled_exact_sums


def add(first: float, second: float) -> float:
    return first + second


@pytest.mark.parametrize("decorate", [compiled, compiled_exact_sums])
def test_a_kernel_computes_what_its_function_does(decorate: Callable[..., Callable[..., float]]) -> None:
    assert decorate(add)(2.5, 4.0) == 6.5


def test_without_a_place_for_machine_code_it_compiles_all_the_same() -> None:
    scope: dict[str, Callable[[float], float]] = {}
    exec("def twice(value):\n    return 2 * value", scope)  # noqa: S102 - Numba cannot cache what has no file
    assert compiled(scope["twice"])(1.5) == 3.0
