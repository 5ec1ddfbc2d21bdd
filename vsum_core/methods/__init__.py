"""Explanation methods, one file each; see :mod:`vsum_core.methods.registry`."""

from vsum_core.methods.method import Explanation, Method, Question, UnsuitableNetworkError
from vsum_core.methods.registry import UnknownMethodError, load_method, method_names, methods_named

__all__ = [
    "Explanation",
    "Method",
    "Question",
    "UnknownMethodError",
    "UnsuitableNetworkError",
    "load_method",
    "method_names",
    "methods_named",
]
